import type { FailedFragment, RunSummary } from '../index.js';

/** What was done with a slice. */
export interface SliceResult
	extends Pick<
		RunSummary,
		| 'isComplete'
		| 'fragments'
		| 'delivered'
		| 'failed'
		| 'missing'
		| 'skipped'
		| 'frames'
		| 'bytes'
		| 'calls'
		| 'throttled'
	> {
	/** Pictures written. */
	readonly pictures: number;
	/** Frames that could not be decoded. */
	readonly pictureFailures: number;
	/** The files of an export, else the folder; relative to the worker's folder for output, with `/`, or URLs in S3. */
	readonly files: readonly string[];
	/** The fragments that failed or are missing; of each slice the first 100. */
	readonly failures: readonly FailedFragment[];
	/** What the handler returned. */
	readonly value?: unknown;
	/** Whether it was done before, so that there was nothing to do. */
	readonly wasDone: boolean;
}

/** The most failures that the result of a slice names: results are kept in Redis. */
const MAX_FAILURES = 100;

/** A slice of which nothing is known yet. */
export const NOTHING_DONE: SliceResult = {
	isComplete: true,
	fragments: 0,
	delivered: 0,
	failed: 0,
	missing: 0,
	skipped: 0,
	frames: 0,
	bytes: 0,
	calls: 0,
	throttled: 0,
	pictures: 0,
	pictureFailures: 0,
	files: [],
	failures: [],
	wasDone: false,
};

/** What a run leaves in the result of a slice. */
export function resultOfRun(summary: RunSummary): SliceResult {
	const { isComplete, fragments, delivered, failed, missing, skipped } = summary;
	const { frames, bytes, calls, throttled, failures } = summary;
	const counts = { fragments, delivered, failed, missing, skipped, frames, bytes, calls, throttled };
	return { ...NOTHING_DONE, isComplete, ...counts, failures: failures.slice(0, MAX_FAILURES) };
}
