import type { Job, Queue } from 'bullmq';
import type { FailedFragment } from '../index.js';
import { MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { Clock } from '../pace/clock.js';
import { type JobSpec, jobsOf } from './job-spec.js';
import type { SliceJob } from './slice-job.js';
import { NOTHING_DONE, type SliceResult } from './slice-result.js';

/** How often the state of the jobs is read while they are waited for, in milliseconds. */
const POLL_MS = 500;

/** How many jobs are read at once. */
const READ_AT_ONCE = 200;

/** How far a slice has come. */
export type SliceProgress = Pick<
	SliceResult,
	'delivered' | 'failed' | 'missing' | 'bytes' | 'calls' | 'throttled'
>;

/** A slice, and what became of it. */
export interface SliceOutcome {
	/** ISO 8601. */
	readonly from: string;
	readonly to: string;
	/** Why nothing came of it, where all attempts failed; else null. */
	readonly error: string | null;
	/** Null where all attempts failed. */
	readonly result: SliceResult | null;
}

/** What became of all slices together. */
export interface SubmissionSummary extends Omit<SliceResult, 'value' | 'wasDone'> {
	readonly slices: number;
	/** Slices of which every attempt failed. */
	readonly slicesFailed: number;
	/** Slices that were done before. */
	readonly slicesKnown: number;
	/** Every slice, in order. */
	readonly outcomes: readonly SliceOutcome[];
}

/** How far all slices together have come. */
export interface SubmissionProgress extends SliceProgress {
	readonly slices: number;
	readonly slicesDone: number;
	/** Fragments that were listed. */
	readonly fragments: number;
}

/** Options of {@link Submission.wait}. */
export interface WaitOptions {
	/** Ends the wait, and not the jobs. */
	readonly signal?: AbortSignal | undefined;
	/** Called twice a second. */
	readonly onProgress?: ((progress: SubmissionProgress) => void) | undefined;
	/** Called once for each slice, when it is done or has failed. */
	readonly onOutcome?: ((outcome: SliceOutcome) => void) | undefined;
}

/** Jobs that were put into a queue. */
export class Submission {
	/** The slices, in order. */
	readonly jobs: readonly SliceJob[];
	readonly #queue: Queue;
	readonly #clock: Clock;
	readonly #specs: readonly JobSpec[];
	readonly #outcomes: (SliceOutcome | null)[];
	readonly #progress: (SliceProgress | null)[];

	/** @param queue - stays open until {@link Submission.wait} is over */
	constructor(queue: Queue, jobs: readonly SliceJob[], clock: Clock) {
		this.#queue = queue;
		this.#clock = clock;
		this.jobs = jobs;
		this.#specs = jobsOf(jobs);
		this.#outcomes = jobs.map(() => null);
		this.#progress = jobs.map(() => null);
	}

	/**
	 * Waits until every slice is done, or all attempts at it have failed. Where Redis has lost jobs (it came back empty) they are put
	 * into the queue again, except those that are known to be done; a worker recognizes the others whose output is there.
	 * Rejects with the signal's reason, and then leaves the jobs where they are.
	 */
	async wait({ signal, onProgress, onOutcome }: WaitOptions = {}): Promise<SubmissionSummary> {
		for (;;) {
			signal?.throwIfAborted();
			const known = new Set(this.#outcomes);
			const lost = await this.#look();
			onProgress?.(this.#progressOfAll());
			for (const outcome of this.#outcomes) if (!known.has(outcome)) onOutcome?.(outcome as SliceOutcome);
			if (this.#outcomes.every((outcome) => outcome !== null)) return this.#summary();
			if (lost.length > 0) await this.#queue.addBulk(lost);
			await this.#clock.sleep(POLL_MS, { signal });
		}
	}

	/** Reads the jobs of which nothing is known yet; returns those that are not there any more. */
	async #look(): Promise<JobSpec[]> {
		const open = [...this.#specs.keys()].filter((index) => this.#outcomes[index] === null);
		const lost: JobSpec[] = [];
		for (let at = 0; at < open.length; at += READ_AT_ONCE) {
			const looks = open.slice(at, at + READ_AT_ONCE).map(async (index) => {
				const spec = this.#specs[index] as JobSpec;
				const job: Job | undefined = await this.#queue.getJob(spec.opts.jobId);
				if (job === undefined) lost.push(spec);
				else this.#take(index, job);
			});
			await Promise.all(looks);
		}
		return lost;
	}

	#take(index: number, job: Job): void {
		const { progress, finishedOn, returnvalue, failedReason } = job;
		if (typeof progress === 'object') this.#progress[index] = progress as SliceProgress;
		if (finishedOn === undefined) return;
		const { from, to } = this.jobs[index] as SliceJob;
		const result = (returnvalue ?? null) as SliceResult | null;
		this.#outcomes[index] = { from, to, result, error: result === null ? (failedReason ?? 'failed') : null };
	}

	#progressOfAll(): SubmissionProgress {
		const sum = { delivered: 0, failed: 0, missing: 0, bytes: 0, calls: 0, throttled: 0 };
		for (const [index, outcome] of this.#outcomes.entries()) {
			const its = outcome?.result ?? this.#progress[index];
			if (its == null) continue;
			for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += its[name];
		}
		const fragments = this.jobs.reduce((count, job) => count + job.fragments, 0);
		const slicesDone = this.#outcomes.filter((outcome) => outcome !== null).length;
		return { ...sum, fragments, slices: this.jobs.length, slicesDone };
	}

	#summary(): SubmissionSummary {
		const outcomes = this.#outcomes as SliceOutcome[];
		const { value: _, wasDone: __, isComplete: ___, files: ____, failures: _____, ...counts } = NOTHING_DONE;
		const sum = { ...counts };
		const files: string[] = [];
		const failures: FailedFragment[] = [];
		for (const [index, { result }] of outcomes.entries()) {
			// All that was listed in a slice that failed is missing.
			const its = result ?? {
				...NOTHING_DONE,
				fragments: this.jobs[index]?.fragments ?? 0,
				missing: this.jobs[index]?.fragments ?? 0,
			};
			for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += its[name];
			files.push(...its.files);
			failures.push(...its.failures);
		}
		const slicesFailed = outcomes.filter(({ result }) => result === null).length;
		return {
			...sum,
			isComplete: outcomes.every(({ result }) => result?.isComplete === true),
			files,
			failures: failures.slice(0, MAX_NAMED_FAILURES),
			slices: outcomes.length,
			slicesFailed,
			slicesKnown: outcomes.filter(({ result }) => result?.wasDone === true).length,
			outcomes,
		};
	}
}
