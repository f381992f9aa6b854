import type { RangeClock } from '../../model/time-range.js';
import { readFragmentNumber } from './fragment-number.js';
import type { StoredFragment } from './stored-fragment.js';

/** When a fragment starts on a clock, epoch milliseconds. */
export function startOn(clock: RangeClock, fragment: StoredFragment): number {
	return clock === 'server' ? fragment.serverMs : fragment.producerMs;
}

/** A range on one clock, epoch milliseconds, both ends included. */
export interface ClockRange {
	readonly clock: RangeClock;
	readonly startMs: number;
	readonly endMs: number;
}

/** The fragments of one ingest, sorted by each clock. Never changed. */
type Run = Readonly<Record<RangeClock, readonly StoredFragment[]>>;

/**
 * The fragments of a stream, to be found by number and by the start of their range on either clock.
 *
 * Each ingest adds one immutable run, so a count of runs identifies an earlier state of the stream: a page token that
 * carries it gives the same page every time, and costs no memory. A look-up is two binary searches a run.
 */
export class FragmentIndex {
	readonly #runs: Run[] = [];
	readonly #byNumber = new Map<string, StoredFragment>();
	#highestSequence: bigint | null = null;

	/** How many ingests the index holds. What {@link select} takes as `runs` later gives today's fragments. */
	get runs(): number {
		return this.#runs.length;
	}

	/** The highest sequence in the numbers that are laid out as the service's are; null where there is none. */
	get highestSequence(): bigint | null {
		return this.#highestSequence;
	}

	/** Adds the fragments of one ingest. Their numbers must be new. */
	add(fragments: readonly StoredFragment[]): void {
		for (const fragment of fragments) {
			this.#byNumber.set(fragment.number, fragment);
			const sequence = readFragmentNumber(fragment.number)?.sequence;
			if (sequence !== undefined && (this.#highestSequence === null || sequence > this.#highestSequence)) {
				this.#highestSequence = sequence;
			}
		}
		this.#runs.push({
			producer: fragments.toSorted((a, b) => a.producerMs - b.producerMs),
			server: fragments.toSorted((a, b) => a.serverMs - b.serverMs),
		});
	}

	/** The fragment of that number, if the stream has it. */
	get(number: string): StoredFragment | undefined {
		return this.#byNumber.get(number);
	}

	/** The last fragments that start at a time or before it, `count` of each ingest: the newest are among them. In no order. */
	latest(clock: RangeClock, timeMs: number, count: number): StoredFragment[] {
		return this.#runs.flatMap((run) => {
			const end = firstNotBefore(run[clock], clock, timeMs + 1);
			return run[clock].slice(Math.max(0, end - count), end);
		});
	}

	/** The fragments whose start is in the range, of the first `runs` ingests. */
	select({ clock, startMs, endMs }: ClockRange, runs = this.#runs.length): Selection {
		const spans: Span[] = [];
		for (const run of this.#runs.slice(0, runs)) {
			const fragments = run[clock];
			const from = firstNotBefore(fragments, clock, startMs);
			const to = firstNotBefore(fragments, clock, endMs + 1);
			if (from < to) spans.push({ fragments, from, length: to - from });
		}
		return new Selection(spans);
	}
}

interface Span {
	readonly fragments: readonly StoredFragment[];
	readonly from: number;
	readonly length: number;
}

/** The fragments of a range. Holds no copy of them. */
export class Selection {
	readonly length: number;
	readonly #spans: readonly Span[];

	constructor(spans: readonly Span[]) {
		this.#spans = spans;
		this.length = spans.reduce((sum, { length }) => sum + length, 0);
	}

	/** All of them, in no order. */
	all(): StoredFragment[] {
		return this.#spans.flatMap(({ fragments, from, length }) => fragments.slice(from, from + length));
	}

	/** The fragment at a position below {@link length}. Positions are stable, their order means nothing. */
	at(position: number): StoredFragment {
		let rest = position;
		for (const { fragments, from, length } of this.#spans) {
			if (rest < length) return fragments[from + rest] as StoredFragment;
			rest -= length;
		}
		throw new RangeError(`position ${position} is past the ${this.length} fragments of the selection`);
	}
}

function firstNotBefore(fragments: readonly StoredFragment[], clock: RangeClock, timeMs: number): number {
	let low = 0;
	let high = fragments.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (startOn(clock, fragments[middle] as StoredFragment) < timeMs) low = middle + 1;
		else high = middle;
	}
	return low;
}
