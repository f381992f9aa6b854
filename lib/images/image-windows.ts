import { MAX_FRAGMENT_DURATION_NS } from '../model/fragment-limits.js';
import type { ResolvedTimeRange } from '../model/time-range.js';

/** The share of a range that one GetImages requests, with all its pages. Times are epoch milliseconds. */
export interface ImageWindow {
	/** Of the call: an image at its start, and one every interval, to its end. */
	readonly startMs: number;
	readonly endMs: number;
	readonly intervalMs: number;
	/** The first and the last image that is wanted. Those before are there so that no fragment begins before the call's start. */
	readonly firstMs: number;
	readonly lastMs: number;
}

/** The longest range of a call (GetImages of the API reference). */
const MAX_RANGE_MS = 300_000;

/** How long before an image its fragment may begin. */
const MAX_FRAGMENT_MS = MAX_FRAGMENT_DURATION_NS / 1e6;

/**
 * Divides a range into calls: together they have each time once that is a whole number of `everyMs` after the range's start
 * and not after its end. `padStart`: whether the first one begins before the range, as all others do.
 */
export function* imageWindows(
	{ fromMs, toMs }: ResolvedTimeRange,
	everyMs: number,
	padStart: boolean,
): Generator<ImageWindow> {
	const leadMs = Math.ceil(MAX_FRAGMENT_MS / everyMs) * everyMs;
	// Where a call has room for few images, one each and what comes before it cost less than the time between.
	const isSparse = leadMs > MAX_RANGE_MS / 2;
	const intervalMs = isSparse ? MAX_FRAGMENT_MS : everyMs;
	for (let firstMs = fromMs; firstMs <= toMs; ) {
		const isPadded = padStart || firstMs > fromMs;
		const startMs = isPadded ? firstMs - (isSparse ? MAX_FRAGMENT_MS : leadMs) : firstMs;
		const mostMs = isSparse ? firstMs : Math.min(toMs, startMs + MAX_RANGE_MS);
		const lastMs = firstMs + Math.floor((mostMs - firstMs) / everyMs) * everyMs;
		// Up to the next time where that is allowed, so that it does not matter whether the end is included.
		const endMs = Math.min(lastMs + intervalMs - 1, startMs + MAX_RANGE_MS, toMs);
		yield { startMs, endMs, intervalMs, firstMs, lastMs };
		firstMs = lastMs + everyMs;
	}
}
