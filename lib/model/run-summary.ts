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
