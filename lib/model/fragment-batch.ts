import type { Fragment } from './fragment.js';

/** Fragments that are requested together, in the order in which they are to be delivered. */
export interface FragmentBatch {
	/** 0, 1, 2 … in this run. */
	readonly index: number;
	/** At least one, at most 1,000. */
	readonly fragments: readonly Fragment[];
	/** Sum of the listed sizes, in bytes. */
	readonly sizeBytes: number;
}
