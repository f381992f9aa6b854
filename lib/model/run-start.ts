import type { FailedFragment } from './run-summary.js';

/** What a run has counted when it continues an earlier one. */
export interface RunTotals {
	readonly delivered: number;
	readonly failed: number;
	readonly missing: number;
	readonly skipped: number;
	readonly frames: number;
	/** Sum of frame sizes. */
	readonly bytes: number;
	readonly gaps: number;
}

/** Where a run starts: at the beginning of its range, or where an earlier run of the same range stopped. */
export interface RunStart {
	/** Numbers of the fragments that the earlier run completed. */
	readonly known: ReadonlySet<string>;
	/** The last of them; null at the beginning of the range. */
	readonly last: string | null;
	readonly totals: RunTotals;
	/** Fragments that failed or were missing, at most `MAX_NAMED_FAILURES` of them. */
	readonly failures: readonly FailedFragment[];
}

/** The beginning of a range. */
export const FRESH_START: RunStart = {
	known: new Set(),
	last: null,
	totals: { delivered: 0, failed: 0, missing: 0, skipped: 0, frames: 0, bytes: 0, gaps: 0 },
	failures: [],
};
