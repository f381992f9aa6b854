import { audioDurationMs } from '../../codecs/audio-format.js';
import { trackMedia } from '../../codecs/decide-track-media.js';
import type { TrackMedia } from '../../codecs/track-media.js';
import type { DemuxContext } from '../../demux/demux-context.js';
import type { Frame } from '../../model/media-event.js';
import type { Track } from '../../model/track.js';
import type { Sample } from '../../mp4/sample-times.js';
import { fragmentEvents } from '../playback/packaging/fragment-events.js';
import { samplesOf } from '../playback/packaging/fragment-media.js';
import type { StoredFragment } from '../store/stored-fragment.js';

/** A frame of a stored fragment as it stands in an MP4 file. Its time is the producer's, epoch milliseconds. */
export interface StoredSample extends Sample {
	readonly trackNumber: number;
	/** Whether its bytes can be what its codec says. */
	readonly isWhole: boolean;
}

/** The samples of a stored fragment in the order in which they are stored; the same ones each time it is read. */
export class FragmentSamples {
	readonly #fragment: StoredFragment;
	readonly #context: DemuxContext;
	/** By the track as it is stored. */
	readonly #media = new Map<Track, TrackMedia>();

	constructor(fragment: StoredFragment, context: DemuxContext) {
		this.#fragment = fragment;
		this.#context = context;
	}

	/** What the fragment's tracks hold, as far as it was read: see {@link trackMedia}. */
	get tracks(): readonly Track[] {
		return [...this.#media.values()].map(({ track }) => track);
	}

	/** Reads it, in arrays of bounded length. Rejects as {@link fragmentEvents} does. */
	async *read(): AsyncGenerator<readonly StoredSample[]> {
		for await (const events of fragmentEvents(this.#fragment, this.#context)) {
			yield events.flatMap((event) => {
				if (event.type === 'fragment') this.#begin(event.tracks);
				return event.type === 'frame' ? this.#samplesOf(event) : [];
			});
		}
	}

	#begin(tracks: readonly Track[]): void {
		for (const track of tracks) this.#media.set(track, trackMedia(track));
	}

	#samplesOf({ track, data, keyframe, durationMs, timestampMs }: Frame): StoredSample[] {
		const media = this.#mediaOf(track, data);
		const stored = { data, keyframe, durationMs, ms: timestampMs ?? this.#fragment.producerMs };
		return samplesOf(stored, media.frames(data), media.track).map((sample) => ({
			...sample,
			durationMs: audioDurationMs(media.track, sample.data.byteLength) ?? sample.durationMs,
			trackNumber: track.number,
			isWhole: media.isWhole(sample.data),
		}));
	}

	#mediaOf(track: Track, frame: Uint8Array): TrackMedia {
		const known = this.#media.get(track);
		if (known?.missing === null) return known;
		const media = trackMedia(track, [frame]);
		this.#media.set(track, media);
		return media;
	}
}
