/** A fragment that failed or is missing. */
export interface FailedFragment {
	/** Null where the service did not name the fragment. */
	readonly fragmentNumber: string | null;
	/** The service's in-band code; null for a fragment that is missing or was cut. */
	readonly code: number | null;
	/** The service's name for it, or `MISSING`, `TRUNCATED`, `MALFORMED`, `UNSUPPORTED`, `CHANGED`. */
	readonly name: string;
	readonly message: string;
}

/** The most failures that a summary names, so that a range without media does not fill memory. */
export const MAX_NAMED_FAILURES = 1000;

/** The result of a run. */
export interface RunSummary {
	/** Whether every fragment of the range that is wanted was delivered: none failed, none is missing. */
	readonly isComplete: boolean;
	/** Fragments listed in the range. */
	readonly fragments: number;
	/** Fragments that arrived whole. */
	readonly delivered: number;
	/** Fragments that failed or were cut. */
	readonly failed: number;
	/** Fragments that were listed and requested, and never arrived. */
	readonly missing: number;
	/** Fragments that came and are not wanted, as `where` says. */
	readonly skipped: number;
	/** The fragments that failed or are missing, in the order in which this was known; at most the first 1,000. */
	readonly failures: readonly FailedFragment[];
	readonly frames: number;
	/** Sum of the sizes of the frames. */
	readonly bytes: number;
	/** `gap` events of every kind. */
	readonly gaps: number;
	/** Calls made to the service, by all operations together. */
	readonly calls: number;
	/** Calls that the service throttled. */
	readonly throttled: number;
	readonly elapsedMs: number;
}
