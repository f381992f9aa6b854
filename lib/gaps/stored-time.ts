/** What is missing between two fragments up to this long is the last frame of the first, whose duration is not listed. */
const MAX_FRAME_MS = 1000;

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
	/** What was missing between the last two fragments that meet: the last frame of a span is taken to last for that. */
	#frameMs = 0;

	/** How long it is, in milliseconds. */
	get totalMs(): number {
		const last = this.#spans.at(-1);
		return last === undefined ? 0 : last.beforeMs + last.toMs + this.#frameMs - last.fromMs;
	}

	/** Something is stored from one time to another, on any clock; in ascending order of `fromMs`. */
	add(fromMs: number, toMs: number): void {
		const last = this.#spans.at(-1);
		const endMs = Math.max(toMs, fromMs + MIN_LENGTH_MS);
		if (last === undefined || fromMs > last.toMs + MAX_FRAME_MS) {
			const beforeMs = this.totalMs;
			if (last !== undefined) last.toMs += this.#frameMs;
			this.#spans.push({ fromMs, toMs: endMs, beforeMs });
		} else {
			if (fromMs > last.toMs) this.#frameMs = fromMs - last.toMs;
			last.toMs = Math.max(last.toMs, endMs);
		}
	}

	/** How much is stored before a time. */
	before(ms: number): number {
		const span = this.#spans[this.#findLast(({ fromMs }) => fromMs <= ms)];
		if (span === undefined) return 0;
		const toMs = span === this.#spans.at(-1) ? span.toMs + this.#frameMs : span.toMs;
		return span.beforeMs + Math.min(ms, toMs) - span.fromMs;
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
