import { codedDurationMs } from '../codecs/coded-duration.js';
import { trackMedia } from '../codecs/decide-track-media.js';
import type { TrackMedia } from '../codecs/track-media.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** Frames as what they really are. */
export interface TrueFrames {
	/** The tracks of their fragment, in the order of its header. */
	readonly tracks: readonly Track[];
	/** Of these tracks. Empty frames among them have no bytes: they tell how long the frame before lasts. */
	readonly frames: readonly Frame[];
	/** Frames among them whose NAL units do not add up. */
	readonly broken: readonly Frame[];
}

/**
 * Makes of frames, as they were stored, what their tracks really hold: see {@link TrackMedia}. Usual input comes back as
 * the same array of the same frames.
 */
export class FrameMedia {
	readonly #known: (track: Track) => Track | undefined;
	#fragmentTracks: readonly Track[] = [];
	readonly #media = new Map<Track, TrackMedia>();

	/** @param known - the track that was decided before for one that lacks what takes deciding, where there is one */
	constructor(known: (track: Track) => Track | undefined) {
		this.#known = known;
	}

	/** A fragment of these tracks begins. */
	fragment(tracks: readonly Track[]): void {
		this.#fragmentTracks = tracks;
		this.#media.clear();
	}

	/** The next frames of the fragment. */
	of(stored: readonly Frame[]): TrueFrames {
		const tracks = this.#fragmentTracks.map((track) => this.#decide(track, stored).track);
		const broken: Frame[] = [];
		let frames: Frame[] | null = null;
		for (const [index, frame] of stored.entries()) {
			const own = this.#framesOf(frame, broken);
			if (frames === null && own !== frame) frames = stored.slice(0, index);
			if (Array.isArray(own)) frames?.push(...own);
			else frames?.push(own);
		}
		return { tracks, frames: frames ?? stored, broken };
	}

	/** Once for a fragment, unless frames to come may say what is missing. */
	#decide(track: Track, stored: readonly Frame[]): TrackMedia {
		const decided = this.#media.get(track);
		if (decided?.missing === null) return decided;
		const media = trackMedia(track, dataOf(track, stored));
		const known = media.missing === null ? undefined : this.#known(track);
		const believed = known?.codecId === media.track.codecId ? trackMedia(known) : media;
		this.#media.set(track, believed);
		return believed;
	}

	#framesOf(frame: Frame, broken: Frame[]): Frame | Frame[] {
		const media = this.#media.get(frame.track) ?? this.#decide(frame.track, [frame]);
		const { track } = media;
		const all = media.frames(frame.data);
		const [data = EMPTY] = all;
		if (all.length < 2) {
			const isSame = data === frame.data && track === frame.track;
			const own = isSame ? frame : frame.holding(track, data);
			if (all.length > 0 && !media.isWhole(data)) broken.push(own);
			return own;
		}
		let laterMs = 0;
		return all.map((part) => {
			const durationMs = codedDurationMs(track, part);
			const own = frame.holding(track, part, { laterMs, durationMs });
			laterMs += durationMs ?? 0;
			return own;
		});
	}
}

const EMPTY = new Uint8Array(0);

function* dataOf(track: Track, frames: readonly Frame[]): Generator<Uint8Array> {
	for (const frame of frames) if (frame.track === track) yield frame.data;
}
