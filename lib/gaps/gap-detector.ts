import { MAX_TIME_MS } from '../model/max-time.js';
import { type Frame, GapEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { GAP_THRESHOLD_MS } from './gap-threshold.js';
import { TimeExtent, type TimeExtentState, type TimeSpan } from './time-extent.js';

/** What a {@link GapDetector} knows of the fragments so far, as plain JSON. */
export interface GapDetectorState {
	readonly startMs: number | null;
	readonly meanMs: number | null;
	readonly defaultDurationNs: number | null;
	/** Of the fragment that came last. */
	readonly extent: TimeExtentState;
}

/**
 * Compares each fragment with the one before it on the producer's clock.
 *
 * The end of a fragment is not stored anywhere: it is its last frame plus the mean frame duration, both taken from its
 * first video track, or from its first track where there is no video. A fragment of one frame takes the track's default
 * duration, else the mean of the fragment before it; where there is neither, only its start is compared. Up to two wrong
 * times at either end of a fragment do not count; see {@link TimeExtent}.
 */
export class GapDetector {
	#startMs: number | null = null;
	#meanMs: number | null = null;
	#track: Track | null = null;
	#defaultDurationNs: number | null = null;
	#extent = new TimeExtent();

	/** @param state - what another detector knew at the end of a fragment, to go on from there */
	constructor(state?: GapDetectorState) {
		if (state === undefined) return;
		this.#startMs = state.startMs;
		this.#meanMs = state.meanMs;
		this.#defaultDurationNs = state.defaultDurationNs;
		this.#extent = new TimeExtent(state.extent);
	}

	/** What is known at the end of a fragment. */
	state(): GapDetectorState {
		return {
			startMs: this.#startMs,
			meanMs: this.#meanMs,
			defaultDurationNs: this.#defaultDurationNs,
			extent: this.#extent.state(),
		};
	}

	/** A fragment begins at `startMs`. Returns how it fails to meet the one before it, or null. */
	fragmentStart(startMs: number | null, tracks: readonly Track[]): GapEvent | null {
		const span = this.#within(startMs);
		const gap = startMs === null ? null : this.#compare(startMs, span);
		this.#meanMs = this.#meanFrameMs(span);
		this.#startMs = startMs;
		this.#track = primaryOf(tracks);
		this.#defaultDurationNs = this.#track?.defaultDurationNs ?? null;
		this.#extent = new TimeExtent();
		return gap;
	}

	/** Where the fragment that came last ends, as far as is known without the next one; null where nothing tells. */
	get endMs(): number | null {
		return this.#endOf(this.#within(null));
	}

	/** A frame of the fragment, at `timestampMs`. */
	frame(track: Track, timestampMs: number | null): void {
		if (track === this.#track && timestampMs !== null) this.#extent.add(timestampMs);
	}

	/** What is believed of the last fragment's frames where the next starts at `nextStartMs`. */
	#within(nextStartMs: number | null): TimeSpan | null {
		const declaredMs = this.#defaultDurationNs === null ? this.#meanMs : this.#defaultDurationNs / 1e6;
		return this.#extent.within({ startMs: this.#startMs, nextStartMs, frameMs: declaredMs });
	}

	#meanFrameMs(span: TimeSpan | null): number | null {
		if (span !== null && span.count > 1) return (span.lastMs - span.firstMs) / (span.count - 1);
		return this.#defaultDurationNs === null ? this.#meanMs : this.#defaultDurationNs / 1e6;
	}

	#endOf(span: TimeSpan | null): number | null {
		const meanMs = this.#meanFrameMs(span);
		return span === null || meanMs === null ? null : Math.min(MAX_TIME_MS, span.lastMs + meanMs);
	}

	/** `span`: what is believed of the last fragment's frames where the next starts at `startMs`. */
	#compare(startMs: number, span: TimeSpan | null): GapEvent | null {
		if (this.#startMs === null) return null;
		// A fragment is stamped with the time of its first frame; where that is wrong, the others tell.
		const previousMs = span !== null && this.#extent.isBefore(this.#startMs) ? span.firstMs : this.#startMs;
		if (startMs <= previousMs) {
			const kind = startMs === previousMs ? 'duplicate' : 'regression';
			return new GapEvent(new Date(previousMs), new Date(startMs), kind);
		}
		const endMs = this.#endOf(span);
		if (endMs === null || Math.abs(startMs - endMs) <= GAP_THRESHOLD_MS) return null;
		return new GapEvent(new Date(Math.round(endMs)), new Date(startMs), startMs > endMs ? 'gap' : 'overlap');
	}
}

/**
 * Whether a fragment's frames show that a gap is not real. A gap is found by the fragment's start alone, and by an estimate of
 * the last frame's duration: frames that are shown before the key frame that they follow fill a gap (open groups of
 * pictures); and a last frame that is shorter than the mean is not an overlap (a variable rate).
 *
 * @param before - what the detector knew when the fragment began
 */
export function isSpuriousGap(
	{ kind, from, to }: GapEvent,
	{ extent, startMs, meanMs }: GapDetectorState,
	frames: readonly Frame[],
): boolean {
	if (kind !== 'gap' && kind !== 'overlap') return false;
	const primary = primaryOf(frames[0]?.fragment.tracks ?? []);
	const times = frames.flatMap(({ track, timestampMs }) => (track === primary ? (timestampMs ?? []) : []));
	if (kind === 'overlap') {
		const room = { startMs, nextStartMs: to.getTime(), frameMs: meanMs };
		const lastMs = new TimeExtent(extent).within(room)?.lastMs ?? Number.NEGATIVE_INFINITY;
		return times.every((ms) => ms > lastMs);
	}
	return primary?.type === 'video' && times.some((ms) => ms <= from.getTime() + GAP_THRESHOLD_MS);
}

/** The track by which fragments are compared. */
function primaryOf(tracks: readonly Track[]): Track | null {
	return tracks.find(({ type }) => type === 'video') ?? tracks[0] ?? null;
}
