import type { ResolvedTimeRange } from '../model/time-range.js';

/** A first window of this length lists most ranges with one call: 900 fragments of a second. */
export const FIRST_WINDOW_MS = 15 * 60 * 1000;

/** A window with more fragments than this is given up and listed in halves: what one window may hold in memory. */
export const MAX_WINDOW_FRAGMENTS = 5000;

/** A window with fewer is followed by one twice as long. */
const FEW_FRAGMENTS = 1000;

/** An empty one is followed by one that many times as long; where that is too long, it is given up for one that many times as short. */
const EMPTY_GROWTH = 16;

/**
 * Cuts a range into windows that are listed one after the other. ListFragments returns no order, so a window must be
 * listed whole before its first fragment can be given out; its length follows the density that was met: doubled while
 * few fragments come, more while none do, halved when too many do. Fifty empty years take seven windows.
 */
export class Windows {
	readonly #toMs: number;
	readonly #by: ResolvedTimeRange['by'];
	#fromMs: number;
	#lengthMs = FIRST_WINDOW_MS;
	/** Where the window ends that was given up last: before that there are many fragments. */
	#fullToMs = Number.NEGATIVE_INFINITY;

	constructor(range: ResolvedTimeRange) {
		this.#fromMs = range.fromMs;
		this.#toMs = range.toMs;
		this.#by = range.by;
	}

	/** The window to list now, both ends inclusive; null when the range is done. The same until it is settled. */
	get current(): ResolvedTimeRange | null {
		if (this.#fromMs > this.#toMs) return null;
		return {
			fromMs: this.#fromMs,
			toMs: Math.min(this.#toMs, this.#fromMs + this.#lengthMs - 1),
			by: this.#by,
		};
	}

	/** The window was listed and had `count` fragments: goes on to the next. */
	listed(count: number): void {
		const window = this.current;
		if (window === null) return;
		this.#fromMs = window.toMs + 1;
		if (count === 0 && this.#fromMs > this.#fullToMs) this.#lengthMs *= EMPTY_GROWTH;
		else if (count > 0 && count < FEW_FRAGMENTS) this.#lengthMs *= 2;
	}

	/** The window is too full. Makes it shorter, at least by half; returns false where it cannot be any shorter. */
	halve(): boolean {
		const window = this.current;
		if (window === null || window.toMs === window.fromMs) return false;
		this.#fullToMs = window.toMs;
		const lengthMs = window.toMs - window.fromMs + 1;
		const isFarTooLong = lengthMs > EMPTY_GROWTH * FIRST_WINDOW_MS;
		this.#lengthMs = Math.ceil(lengthMs / (isFarTooLong ? EMPTY_GROWTH : 2));
		return true;
	}
}
