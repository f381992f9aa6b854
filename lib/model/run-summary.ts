/** A fragment that could not be had. */
export interface FailedFragment {
	/** Null where the service did not say which one it was about. */
	readonly fragmentNumber: string | null;
	/** The service's in-band code; null for what did not come, or not whole. */
	readonly code: number | null;
	/** The service's word for it, or `MISSING`, `TRUNCATED`, `MALFORMED`, `CHANGED`. */
	readonly name: string;
	readonly message: string;
}

/** What a summary names at most; a range of which nothing can be had fills no memory. */
export const MAX_NAMED_FAILURES = 1000;

/** What became of a run. */
export interface RunSummary {
	/** Fragments listed in the range. */
	readonly fragments: number;
	/** Fragments that came whole. */
	readonly delivered: number;
	/** Fragments that failed or were cut. */
	readonly failed: number;
	/** Fragments that were listed and asked for, and never came. */
	readonly missing: number;
	/** Those that failed or are missing, as they were given up; of more than 1,000 the first ones. */
	readonly failures: readonly FailedFragment[];
	readonly frames: number;
	/** Sum of the sizes of the frames. */
	readonly bytes: number;
	/** `gap` events of every kind. */
	readonly gaps: number;
	/** Calls made to the service, by all operations together. */
	readonly calls: number;
	/** Calls that the service answered with a throttle. */
	readonly throttled: number;
	readonly elapsedMs: number;
}
