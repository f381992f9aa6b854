import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { KvsArchiveOptions, Progress } from '../index.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { systemClock } from '../pace/clock.js';
import { ArchivePool } from './archive-pool.js';
import {
	type BullMq,
	checkQueueOptions,
	connectQueue,
	KEY_PREFIX,
	type QueueOptions,
} from './queue-connection.js';
import { runSlice } from './run-slice.js';
import { readSliceJob, type SliceJob } from './slice-job.js';
import type { SliceResult } from './slice-result.js';
import type { SliceProgress } from './submission.js';

/** Options of {@link ArchiveWorker}. */
export interface ArchiveWorkerOptions extends QueueOptions {
	/** The folder below which everything is written, made where it is not there. @default '.' */
	readonly out?: string | undefined;
	/** The folder below which handler modules are. @default '.' */
	readonly handlers?: string | undefined;
	/** Slices at once. @default 1 */
	readonly concurrency?: number | undefined;
	/**
	 * For how long a job stays this worker's without a sign of life, in milliseconds: jobs of a worker that was killed are taken over
	 * after that and a half of it. @default 10000
	 */
	readonly lockMs?: number | undefined;
	/** How streams are read. @default the SDK's own credentials */
	readonly client?: Pick<KvsArchiveOptions, 'credentials' | 'profile' | 'limiter' | 'quotas'> | undefined;
	/** The ffmpeg to decode with. @default the one in the PATH */
	readonly ffmpeg?: string | undefined;
	/** Called when an attempt at a slice is over. */
	readonly onSlice?: ((attempt: SliceAttempt) => void) | undefined;
}

/** An attempt at a slice. */
export interface SliceAttempt {
	readonly job: Pick<SliceJob, 'stream' | 'from' | 'to'>;
	/** Null where it failed. */
	readonly result: SliceResult | null;
	readonly error: Error | null;
}

const OPTION_NAMES: OptionNames<ArchiveWorkerOptions> = {
	url: true,
	name: true,
	onTrouble: true,
	out: true,
	handlers: true,
	concurrency: true,
	lockMs: true,
	client: true,
	ffmpeg: true,
	onSlice: true,
};

const DEFAULT_LOCK_MS = 10_000;

/** How many workers a job may have brought down before it is given up. */
const MAX_STALLED = 5;

/** Progress goes to Redis at most this often, in milliseconds. */
const PROGRESS_MS = 1000;

/** How long after a call that failed with the connection it is made again, in milliseconds. */
const RETRY_MS = 1000;

/** How long a job has to stop once its worker ends, in milliseconds. */
const STOP_MS = 5000;

/** What another attempt would not change. */
const FINAL_CODES: ReadonlySet<string> = new Set([
	'KVS_INVALID_OPTION',
	'KVS_JOB_REFUSED',
	'KVS_NOT_FOUND',
	'KVS_DENIED',
	'KVS_EMPTY_RANGE',
	'KVS_CODEC_NOT_SUPPORTED',
	'KVS_TRACKS_CHANGED',
	'KVS_GAP_TOO_LONG',
	'KVS_NO_SUCH_TRACK',
]);

/** Why a job was aborted here. */
class JobStop extends Error {
	/** Whether the job goes back into the queue; else it is not this worker's any more. */
	readonly isHandedBack: boolean;

	constructor(message: string, { isHandedBack }: { isHandedBack: boolean }) {
		super(message);
		this.isHandedBack = isHandedBack;
	}
}

/** The connection of a worker that was started. */
interface Running {
	readonly redis: Redis;
	readonly bullmq: BullMq;
	readonly worker: Worker;
}

/** A job that is being done. */
interface ActiveJob {
	readonly stop: AbortController;
	readonly over: Promise<unknown>;
}

/**
 * Does the jobs of an {@link ArchiveQueue}, any number of workers beside each other. A job whose worker was killed is taken over; one
 * that failed is tried again after a while, five times in all. Writes only below `out`, and runs only modules below `handlers`.
 */
export class ArchiveWorker implements AsyncDisposable {
	readonly #options: ArchiveWorkerOptions;
	readonly #url: string;
	readonly #name: string;
	readonly #archives: ArchivePool;
	readonly #active = new Map<string, ActiveJob>();
	#running: Running | null = null;
	#isStarted = false;

	/** Throws `InvalidOptionError`. Nothing is connected before `start`. */
	constructor(options: ArchiveWorkerOptions) {
		checkOptionNames(options, OPTION_NAMES);
		const { url, name } = checkQueueOptions(options);
		this.#options = options;
		this.#archives = new ArchivePool(options.client ?? {});
		this.#url = url;
		this.#name = name;
		const { concurrency = 1, lockMs = DEFAULT_LOCK_MS } = options;
		for (const [option, value] of Object.entries({ concurrency, lockMs })) {
			if (Number.isSafeInteger(value) && value >= 1) continue;
			throw new InvalidOptionError(option, 'a whole number of at least 1', value);
		}
	}

	/**
	 * Connects, and takes jobs from then on; once in the life of a worker. Rejects with `ArchiveError`: `KVS_QUEUE_FAILED` where Redis
	 * cannot be reached now, `KVS_PEER_MISSING`; and with the signal's reason, which ends nothing later.
	 */
	async start({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
		if (this.#isStarted) throw new ArchiveError('KVS_CLOSED', 'this worker was started, or closed, before');
		this.#isStarted = true;
		const { concurrency = 1, lockMs = DEFAULT_LOCK_MS, onTrouble = () => {} } = this.#options;
		const { redis, bullmq } = await connectQueue(this.#url, { onTrouble, signal });
		const worker = new bullmq.Worker(
			this.#name,
			(job, token) => this.#take(job as Job, token ?? '', bullmq),
			{
				connection: redis,
				prefix: KEY_PREFIX,
				concurrency,
				lockDuration: lockMs,
				stalledInterval: Math.ceil(lockMs / 2),
				maxStalledCount: MAX_STALLED,
				runRetryDelay: RETRY_MS,
			},
		);
		worker.on('error', onTrouble);
		worker.on('lockRenewalFailed', (ids) => {
			// Another worker may have such a job by now, and goes on from where this one stops.
			const stop = new JobStop('another worker may have the job: its lock was lost', { isHandedBack: false });
			for (const id of ids) this.#active.get(id)?.stop.abort(stop);
		});
		this.#running = { redis, bullmq, worker };
	}

	/**
	 * Takes no more jobs, waits until those under way are done, at most for `graceMs`, puts the others back into the queue, for other
	 * workers to go on with, and closes the connection.
	 */
	async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
		this.#isStarted = true;
		const running = this.#running;
		this.#running = null;
		if (running === null) return;
		const { worker, redis } = running;
		await worker.pause(true);
		if (!(await this.#areDone(graceMs))) {
			const stop = new JobStop('the worker ends', { isHandedBack: true });
			for (const job of this.#active.values()) job.stop.abort(stop);
			await this.#areDone(STOP_MS);
		}
		const closed = worker.close(true);
		redis.disconnect();
		await closed;
		await this.#archives.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** Whether all jobs are done within that time. */
	async #areDone(limitMs: number): Promise<boolean> {
		const over = new AbortController();
		const late = systemClock.sleep(limitMs, { signal: over.signal }).then(
			() => false,
			() => true,
		);
		const jobs = [...this.#active.values()].map((job) => job.over);
		try {
			return await Promise.race([Promise.allSettled(jobs).then(() => true), late]);
		} finally {
			over.abort();
		}
	}

	async #take(job: Job, token: string, bullmq: BullMq): Promise<SliceResult> {
		const id = job.id as string;
		const stop = new AbortController();
		const doing = this.#do(job, stop.signal);
		this.#active.set(id, { stop, over: doing });
		try {
			return await doing;
		} catch (error) {
			const { reason } = stop.signal;
			if (reason instanceof JobStop && reason.isHandedBack) {
				await job.moveToWait(token);
				throw new bullmq.WaitingError();
			}
			const { code, message } = error as { code?: unknown; message: string };
			throw FINAL_CODES.has(String(code)) ? new bullmq.UnrecoverableError(message) : error;
		} finally {
			this.#active.delete(id);
		}
	}

	async #do(job: Job, signal: AbortSignal): Promise<SliceResult> {
		const { out = '.', handlers = '.', ffmpeg, onSlice } = this.#options;
		const slice = readSliceJob(job.data);
		const onProgress = this.#progressOf(job);
		try {
			const result = await this.#archives.with(slice.stream, (archive) =>
				runSlice(slice, { archive, out, handlers, ffmpeg, signal, onProgress }),
			);
			onSlice?.({ job: slice, result, error: null });
			return result;
		} catch (error) {
			onSlice?.({ job: slice, result: null, error: error as Error });
			throw error;
		}
	}

	/** Puts the progress of a job into the queue, now and then. */
	#progressOf(job: Job): (progress: Progress) => void {
		const { onTrouble = () => {} } = this.#options;
		let saidMs = Number.NEGATIVE_INFINITY;
		return ({ delivered, failed, missing, bytes, calls, throttled }) => {
			const nowMs = systemClock.now();
			if (nowMs - saidMs < PROGRESS_MS) return;
			saidMs = nowMs;
			const progress: SliceProgress = { delivered, failed, missing, bytes, calls, throttled };
			job.updateProgress(progress).catch(onTrouble);
		};
	}
}
