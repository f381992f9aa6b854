import { GAP_THRESHOLD_MS } from '../gaps/gap-threshold.js';
import type { Fragment } from '../model/fragment.js';

/** Frames of a slow camera jitter by more than the threshold: so much of a frame's own duration is let pass too. */
const JITTER = 1 / 4;

/** No frame lasts longer than the longest fragment that the service takes. */
const MAX_STEP_MS = 20_000;

/**
 * Audio beside video runs on a little into the next fragment, which begins with a key frame, and the listed length is
 * that of all tracks: the part of the length, and the time at most, by which a fragment may regularly reach over its end.
 */
const MAX_INTERLEAVE = 1 / 10;
const MAX_INTERLEAVE_MS = 250;

/** Neighbours that an estimate looks at, in each direction. */
export const NEIGHBOURS = 8;

/** From a fragment's last frame to its neighbour's first, in milliseconds; negative where they overlap. */
export function remainderMs(fragment: Fragment, next: Fragment): number {
	return (
		next.producerTimestamp.getTime() -
		fragment.producerTimestamp.getTime() -
		fragment.fragmentLengthInMilliseconds
	);
}

/**
 * Whether the time from a fragment's last frame to its neighbour may be what one of its frames lasts. The listing does
 * not count frames, but there is a whole number of them: a mean duration is the fragment's length divided by one. Where
 * audio is interleaved, it may be a little less than nothing.
 */
function isPlausible(stepMs: number, lengthMs: number): boolean {
	if (stepMs <= 0) return lengthMs > 0 && -stepMs <= Math.min(lengthMs * MAX_INTERLEAVE, MAX_INTERLEAVE_MS);
	if (stepMs > MAX_STEP_MS) return false;
	if (lengthMs <= 0) return true;
	const count = Math.max(1, Math.round(lengthMs / stepMs));
	return Math.abs(stepMs - lengthMs / count) <= GAP_THRESHOLD_MS;
}

/** The plausible step between two neighbours, or null. */
export function plausibleStepMs(fragment: Fragment, next: Fragment): number | null {
	const stepMs = remainderMs(fragment, next);
	return isPlausible(stepMs, fragment.fragmentLengthInMilliseconds) ? stepMs : null;
}

/** The middle one, the smaller of two; null where there are none. */
export function medianMs(stepsMs: readonly number[]): number | null {
	return stepsMs.toSorted((a, b) => a - b)[Math.floor((stepsMs.length - 1) / 2)] ?? null;
}

/**
 * Whether a neighbour comes as late as the next frame would, where a frame lasts `stepMs`. Interleaved audio makes the
 * listing as much coarser as it reaches over, in both directions.
 */
export function isWithinStep(lateMs: number, stepMs: number): boolean {
	if (stepMs <= 0) return Math.abs(lateMs) <= GAP_THRESHOLD_MS - 2 * stepMs;
	return Math.abs(lateMs - stepMs) <= Math.max(GAP_THRESHOLD_MS, stepMs * JITTER);
}
