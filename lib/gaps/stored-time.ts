import { GAP_THRESHOLD_MS } from './gap-threshold.js';

/** What a fragment counts for that lists no length: one of a single frame. */
const MIN_LENGTH_MS = 1;

interface StoredSpan {
	readonly fromMs: number;
	toMs: number;
	/** Stored time before the span. */
	readonly beforeMs: number;
}

/**
 * The time for which something is stored, without what lies between: a ruler that gaps are cut out of. Holds a span for
 * each run of fragments that meet.
 */
export class StoredTime {
	readonly #spans: StoredSpan[] = [];

	/** How long it is, in milliseconds. */
	get totalMs(): number {
		const last = this.#spans.at(-1);
		return last === undefined ? 0 : last.beforeMs + last.toMs - last.fromMs;
	}

	/** Something is stored from one time to another, on any clock; in ascending order of `fromMs`. */
	add(fromMs: number, toMs: number): void {
		const last = this.#spans.at(-1);
		const endMs = Math.max(toMs, fromMs + MIN_LENGTH_MS);
		if (last === undefined || fromMs > last.toMs + GAP_THRESHOLD_MS) {
			this.#spans.push({ fromMs, toMs: endMs, beforeMs: this.totalMs });
		} else last.toMs = Math.max(last.toMs, endMs);
	}

	/** How much is stored before a time. */
	before(ms: number): number {
		const span = this.#spans[this.#findLast(({ fromMs }) => fromMs <= ms)];
		return span === undefined ? 0 : span.beforeMs + Math.min(ms, span.toMs) - span.fromMs;
	}

	/** The time before which so much is stored. */
	at(storedMs: number): number {
		const span = this.#spans[this.#findLast(({ beforeMs }) => beforeMs <= storedMs)];
		return span === undefined ? 0 : span.fromMs + storedMs - span.beforeMs;
	}

	/** Index of the last span of which something holds that holds of none after it. */
	#findLast(holds: (span: StoredSpan) => boolean): number {
		let [low, high] = [0, this.#spans.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (holds(this.#spans[middle] as StoredSpan)) low = middle + 1;
			else high = middle;
		}
		return low - 1;
	}
}
