import { TrackTimes } from '../gaps/outlier-times.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { sourceMs } from '../muxing/output-timeline.js';

/** Frames with believable times. */
export interface TimedFrames {
	readonly frames: readonly Frame[];
	/** Those whose times were wrong, as they came. */
	readonly outliers: readonly Frame[];
}

/** A track's part of them. */
interface TimesOfTrack {
	readonly track: Track;
	readonly times: TrackTimes;
	/** How long a frame lasts by what its producer says. */
	readonly frameMs: number | null;
}

/** The times of frames that were read, as far as they can be believed: see {@link correctTimes}. */
export class FrameTimes {
	readonly #frames: readonly Frame[];
	readonly #startMs: number | null;
	readonly #tracks: TimesOfTrack[] = [];

	/** @param startMs - where the fragment starts that they are the first frames of; null where they are not */
	constructor(frames: readonly Frame[], startMs: number | null) {
		this.#frames = frames;
		this.#startMs = startMs;
		let own: TimesOfTrack | undefined;
		for (const frame of frames) {
			if (own?.track !== frame.track) own = this.#of(frame);
			own.times.add(sourceMs(frame));
		}
	}

	/** Whether only the start of what comes next tells if the last frames are where they say. */
	get isEndInDoubt(): boolean {
		const startMs = this.#startMs;
		return this.#tracks.some(({ times, frameMs }) => times.isEndInDoubt({ startMs, frameMs }));
	}

	/**
	 * The frames, those whose time is wrong put where they belong, so that no file has to follow them. All others are the
	 * caller's own; the usual input is the same array.
	 *
	 * @param nextStartMs - where what comes after them starts; null where that is not known
	 */
	corrected(nextStartMs: number | null): TimedFrames {
		const outliers: Frame[] = [];
		let timed: Frame[] | null = null;
		for (const { track, times, frameMs } of this.#tracks) {
			const mayReorder = track.type === 'video';
			const correction = times.corrected({ startMs: this.#startMs, nextStartMs, frameMs, mayReorder });
			if (correction === null) continue;
			timed ??= [...this.#frames];
			const places = [...this.#frames.keys()].filter((place) => this.#frames[place]?.track === track);
			for (const index of correction.outliers) {
				const place = places[index] as number;
				const frame = this.#frames[place] as Frame;
				timed[place] = frame.movedBy((correction.timesMs[index] as number) - sourceMs(frame));
				outliers.push(frame);
			}
		}
		return { frames: timed ?? this.#frames, outliers };
	}

	#of({ track, durationMs }: Frame): TimesOfTrack {
		const known = this.#tracks.find((own) => own.track === track);
		if (known !== undefined) return known;
		const own = { track, times: new TrackTimes(), frameMs: durationMs };
		this.#tracks.push(own);
		return own;
	}
}
