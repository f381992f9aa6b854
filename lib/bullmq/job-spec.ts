import { createHash } from 'node:crypto';
import type { SliceJob } from './slice-job.js';

/** A job as the queue takes it. */
export interface JobSpec {
	readonly name: 'slice';
	readonly data: SliceJob;
	readonly opts: { readonly jobId: string };
}

/** How often a slice is tried, and the wait after the first failure, which doubles with each further one, in milliseconds. */
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 1000;

/** How long the queue keeps what became of a job, in seconds. */
const KEEP_DONE_S = 86_400;
const KEEP_FAILED_S = 7 * 86_400;

/** Retries of slices, and how long it is kept what became of them. */
export const SLICE_JOB_OPTIONS = {
	attempts: ATTEMPTS,
	backoff: { type: 'exponential', delay: FIRST_WAIT_MS, jitter: 0.5 },
	removeOnComplete: { age: KEEP_DONE_S },
	removeOnFail: { age: KEEP_FAILED_S },
} as const;

/** The jobs of slices. The same slice has the same id, so that it is in the queue once, however often it is submitted. */
export function jobsOf(jobs: readonly SliceJob[]): JobSpec[] {
	return jobs.map((data) => {
		const jobId = `slice-${createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 32)}`;
		return { name: 'slice', data, opts: { jobId, ...SLICE_JOB_OPTIONS } };
	});
}
