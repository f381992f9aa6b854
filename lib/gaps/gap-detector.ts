import { MAX_TIME_MS } from '../model/max-time.js';
import { type Frame, GapEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** Neighbours that are off by more than this do not meet: the service's own threshold for a discontinuity. */
export const GAP_THRESHOLD_MS = 50;

/** What a {@link GapDetector} knows of the fragments so far, as plain JSON. */
export interface GapDetectorState {
	readonly startMs: number | null;
	readonly meanMs: number | null;
	readonly defaultDurationNs: number | null;
	readonly frames: number;
	readonly firstMs: number;
	readonly lastMs: number;
}

/**
 * Compares each fragment with the one before it on the producer's clock.
 *
 * The end of a fragment is not stored anywhere: it is its last frame plus the mean frame duration, both taken from its
 * first video track, or from its first track where there is no video. A fragment of one frame takes the track's default
 * duration, else the mean of the fragment before it; where there is neither, only its start is compared.
 */
export class GapDetector {
	#startMs: number | null = null;
	#meanMs: number | null = null;
	#track: Track | null = null;
	#defaultDurationNs: number | null = null;
	#frames = 0;
	#firstMs = 0;
	#lastMs = 0;

	/** @param state - what another detector knew at the end of a fragment, to go on from there */
	constructor(state?: GapDetectorState) {
		if (state === undefined) return;
		this.#startMs = state.startMs;
		this.#meanMs = state.meanMs;
		this.#defaultDurationNs = state.defaultDurationNs;
		this.#frames = state.frames;
		this.#firstMs = state.firstMs;
		this.#lastMs = state.lastMs;
	}

	/** What is known at the end of a fragment. */
	state(): GapDetectorState {
		return {
			startMs: this.#startMs,
			meanMs: this.#meanMs,
			defaultDurationNs: this.#defaultDurationNs,
			frames: this.#frames,
			firstMs: this.#firstMs,
			lastMs: this.#lastMs,
		};
	}

	/** A fragment begins at `startMs`. Returns how it fails to meet the one before it, or null. */
	fragmentStart(startMs: number | null, tracks: readonly Track[]): GapEvent | null {
		const gap = startMs === null ? null : this.#compare(startMs);
		this.#meanMs = this.#meanFrameMs();
		this.#startMs = startMs;
		this.#track = primaryOf(tracks);
		this.#defaultDurationNs = this.#track?.defaultDurationNs ?? null;
		this.#frames = 0;
		return gap;
	}

	/** A frame of the fragment, at `timestampMs`. */
	frame(track: Track, timestampMs: number | null): void {
		if (track !== this.#track || timestampMs === null) return;
		if (this.#frames === 0) {
			this.#firstMs = timestampMs;
			this.#lastMs = timestampMs;
		} else if (timestampMs > this.#lastMs) {
			this.#lastMs = timestampMs;
		} else if (timestampMs < this.#firstMs) {
			this.#firstMs = timestampMs;
		}
		this.#frames++;
	}

	#meanFrameMs(): number | null {
		if (this.#frames > 1) return (this.#lastMs - this.#firstMs) / (this.#frames - 1);
		return this.#defaultDurationNs === null ? this.#meanMs : this.#defaultDurationNs / 1e6;
	}

	#compare(startMs: number): GapEvent | null {
		if (this.#startMs === null) return null;
		const previousStart = new Date(this.#startMs);
		const start = new Date(startMs);
		if (startMs === this.#startMs) return new GapEvent(previousStart, start, 'duplicate');
		if (startMs < this.#startMs) return new GapEvent(previousStart, start, 'regression');
		const meanMs = this.#meanFrameMs();
		if (this.#frames === 0 || meanMs === null) return null;
		const endMs = Math.min(MAX_TIME_MS, this.#lastMs + meanMs);
		if (Math.abs(startMs - endMs) <= GAP_THRESHOLD_MS) return null;
		return new GapEvent(new Date(Math.round(endMs)), start, startMs > endMs ? 'gap' : 'overlap');
	}
}

/**
 * Whether a fragment's frames say that it meets the one before it after all. A gap is told by its start alone, and by a guess
 * of how long the last frame before it lasts: pictures that are shown before the key frame they come behind fill a gap
 * (open groups of pictures); and a last frame that is shorter than the mean is no overlap (a rate that varies).
 *
 * @param before - what the detector knew when the fragment began
 */
export function isDenied(
	{ kind, from }: GapEvent,
	{ lastMs }: GapDetectorState,
	frames: readonly Frame[],
): boolean {
	if (kind !== 'gap' && kind !== 'overlap') return false;
	const primary = primaryOf(frames[0]?.fragment.tracks ?? []);
	const times = frames.flatMap(({ track, timestampMs }) => (track === primary ? (timestampMs ?? []) : []));
	if (kind === 'overlap') return times.every((ms) => ms > lastMs);
	return primary?.type === 'video' && times.some((ms) => ms <= from.getTime() + GAP_THRESHOLD_MS);
}

/** The track by which fragments are compared. */
function primaryOf(tracks: readonly Track[]): Track | null {
	return tracks.find(({ type }) => type === 'video') ?? tracks[0] ?? null;
}
