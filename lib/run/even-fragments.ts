import { StoredTime } from '../gaps/stored-time.js';
import { MAX_EARLY_MS } from '../gaps/time-extent.js';
import type { Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';
import { hasEvenTime } from '../pictures/selection/even-times.js';
import { unlessAborted } from '../stream/abort.js';

/** Options of {@link EvenFragments}. */
export interface EvenFragmentsOptions {
	/** Pictures that are wanted. */
	readonly count: number;
	readonly range: ResolvedTimeRange;
	/** Whether nothing before the range is wanted of a fragment that begins before it. */
	readonly padStart: boolean;
	/** Lists the range; ends with the signal. */
	readonly list: (signal: AbortSignal) => AsyncIterable<Fragment[]>;
}

/** What is stored of a range, and which of its fragments may hold one of a number of pictures that are spread evenly over it. */
export class EvenFragments {
	readonly #options: EvenFragmentsOptions;
	readonly #abort = new AbortController();
	#stored: Promise<StoredTime> | null = null;

	constructor(options: EvenFragmentsOptions) {
		this.#options = options;
	}

	/** What is stored: the range is listed once, when this is first called. */
	stored(): Promise<StoredTime> {
		this.#stored ??= this.#list();
		return this.#stored;
	}

	/** Ends the listing. */
	close(): void {
		this.#abort.abort();
	}

	/** Which fragments may hold one of the pictures. */
	async wanted(signal: AbortSignal): Promise<(fragment: Fragment) => boolean> {
		const { count, range } = this.#options;
		const hasTime = hasEvenTime(await unlessAborted(this.stored(), signal), count);
		return (fragment) => {
			const fromMs = startMs(fragment, range.by);
			const toMs = fromMs + fragment.fragmentLengthInMilliseconds;
			// Its frames need not keep to what it is listed with: the picture on the screen may be its neighbour's.
			return hasTime(fromMs - MAX_EARLY_MS, toMs + MAX_EARLY_MS);
		};
	}

	async #list(): Promise<StoredTime> {
		const { range, padStart, list } = this.#options;
		const stored = new StoredTime();
		for await (const fragments of list(this.#abort.signal)) {
			for (const fragment of fragments) {
				const fromMs = startMs(fragment, range.by);
				const toMs = fromMs + fragment.fragmentLengthInMilliseconds;
				if (!padStart) stored.add(fromMs, toMs);
				else if (toMs >= range.fromMs) stored.add(Math.max(fromMs, range.fromMs), toMs);
			}
		}
		return stored;
	}
}
