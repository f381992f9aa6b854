import { compareFragmentNumbers, type Fragment } from '../model/fragment.js';
import type { RangeClock } from '../model/time-range.js';
import { Stage } from '../stream/stage.js';

/** How many fragments wait for a newer one on the server's clock: what a listing's window may hold, too. */
const SERVER_WINDOW_FRAGMENTS = 5000;

/** Options of {@link DuplicateFilter}. */
export interface DuplicateFilterOptions {
	/** The clock by which the fragments are sorted. */
	readonly by: RangeClock;
	/** Called with how many fragments were left out. */
	readonly onDropped: (count: number) => void;
	/** Fragments that are held back, on the server's clock. @default 5000 */
	readonly windowFragments?: number | undefined;
}

/**
 * Of fragments with the same producer time, to the millisecond, keeps the one with the largest number: the one that was
 * ingested last.
 *
 * Sorted by the producer's clock they are neighbours, and one fragment is held. Sorted by the server's they may be any
 * distance apart: as many fragments are held back as the window says, and those that are further apart are all kept.
 */
export class DuplicateFilter extends Stage<Fragment, Fragment> {
	readonly #windowFragments: number;
	readonly #onDropped: (count: number) => void;
	/** By producer time, in the order of the listing. */
	readonly #held = new Map<number, Fragment>();
	/** Goes along `#held` as its head leaves: a new iterator would pass over all that have left before. */
	readonly #order = this.#held.keys();

	constructor({ by, onDropped, windowFragments = SERVER_WINDOW_FRAGMENTS }: DuplicateFilterOptions) {
		super();
		this.#windowFragments = by === 'producer' ? 1 : windowFragments;
		this.#onDropped = onDropped;
	}

	protected override process(fragment: Fragment): Fragment[][] {
		const ms = fragment.producerTimestamp.getTime();
		const other = this.#held.get(ms);
		if (other !== undefined) this.#onDropped(1);
		if (other !== undefined && compareFragmentNumbers(other.fragmentNumber, fragment.fragmentNumber) > 0) {
			return [];
		}
		// Deleted first, so that it takes its own place in the order and not the older one's.
		this.#held.delete(ms);
		this.#held.set(ms, fragment);
		return this.#held.size > this.#windowFragments ? [[this.#takeFirst()]] : [];
	}

	protected override finish(): Fragment[][] {
		return [[...this.#held.values()]];
	}

	#takeFirst(): Fragment {
		const ms = this.#order.next().value as number;
		const fragment = this.#held.get(ms) as Fragment;
		this.#held.delete(ms);
		return fragment;
	}
}
