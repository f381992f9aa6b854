import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { ArchiveError } from '../errors.js';
import type { Progress } from '../index.js';
import type { JobKind } from '../metrics/worker-metrics.js';
import { systemClock } from '../pace/clock.js';
import { createRedisLimiter, RedisCheckpoints, type RedisLimiter } from '../redis/index.js';
import { counted } from '../wording/counted.js';
import { ActiveJobs, isHandedBack, type JobAct } from './active-jobs.js';
import { ArchivePool } from './archive-pool.js';
import { readFollowJob } from './follow-job.js';
import { followQueueOf } from './follow-schedule.js';
import { followTurn, type TurnResult } from './follow-turn.js';
import { type BullMq, checkQueueOptions, connectQueue, KEY_PREFIX } from './queue-connection.js';
import { runSlice } from './run-slice.js';
import { readSliceJob } from './slice-job.js';
import type { SliceResult } from './slice-result.js';
import type { SliceProgress } from './submission.js';
import {
	type ArchiveWorkerOptions,
	type ResolvedWorkerOptions,
	resolveWorkerOptions,
} from './worker-options.js';

/** How many workers a job may have brought down before it is given up. */
const MAX_STALLED = 5;

/** Progress goes to Redis at most this often, in milliseconds. */
const PROGRESS_MS = 1000;

/** How long after a call that failed with the connection it is made again, in milliseconds. */
const RETRY_MS = 1000;

/** How long a job has to stop once its worker ends, in milliseconds. */
const STOP_MS = 5000;

/** The connection of a worker that was started. */
interface Running {
	readonly redis: Redis;
	readonly bullmq: BullMq;
	readonly archives: ArchivePool;
	/** Of the quotas of all streams. */
	readonly limiter: RedisLimiter;
	/** Of slices, and of streams. */
	readonly workers: readonly Worker[];
}

/**
 * Does the jobs of an {@link ArchiveQueue}, any number of workers beside each other. A job whose worker was killed is taken over; one
 * that failed is tried again after a while, five times in all. Writes only below `out`, and runs only modules below `handlers`.
 */
export class ArchiveWorker implements AsyncDisposable {
	readonly #options: ResolvedWorkerOptions;
	readonly #url: string;
	readonly #name: string;
	readonly #active = new ActiveJobs();
	#running: Running | null = null;
	#isStarted = false;

	/** Throws `InvalidOptionError`. Nothing is connected before `start`. */
	constructor(options: ArchiveWorkerOptions) {
		this.#options = resolveWorkerOptions(options);
		const { url, name } = checkQueueOptions(options);
		this.#url = url;
		this.#name = name;
	}

	/**
	 * Connects, and takes jobs from then on; once in the life of a worker. Rejects with `ArchiveError`: `KVS_QUEUE_FAILED` where Redis
	 * cannot be reached now, `KVS_PEER_MISSING`; and with the signal's reason, which ends nothing later.
	 */
	async start({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
		if (this.#isStarted) throw new ArchiveError('KVS_CLOSED', 'this worker was started, or closed, before');
		this.#isStarted = true;
		const { concurrency, streams, client, onTrouble } = this.#options;
		const { redis, bullmq } = await connectQueue(this.#url, { onTrouble, signal });
		const open = (kind: JobKind, name: string, atOnce: number, act: JobAct): Worker =>
			this.#open({ redis, bullmq, kind, name, atOnce, act });
		// All workers on this Redis share the quotas of each stream.
		const limiter = createRedisLimiter({ client: redis, quotas: client?.quotas, onUnreachable: onTrouble });
		const { quotas: _, ...settings } = { limiter, ...client };
		const archives = new ArchivePool(settings);
		this.#running = {
			redis,
			bullmq,
			archives,
			limiter,
			workers: [
				open('slice', this.#name, concurrency, (job, stop) => this.#slice(job, stop, archives)),
				open('turn', followQueueOf(this.#name), streams, (job, stop) =>
					this.#turn(job, stop, { archives, redis }),
				),
			],
		};
	}

	/**
	 * Takes no more jobs, waits until those under way are done, at most for `graceMs`, puts the others back into the queue, for other
	 * workers to go on with, and closes the connection. What does not stop within five more seconds, as a module that does not heed its
	 * signal, is left to itself, and reported to `onTrouble`: another worker takes its job over.
	 */
	async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
		this.#isStarted = true;
		const running = this.#running;
		this.#running = null;
		if (running === null) return;
		const { workers, redis, archives, limiter } = running;
		const closed = Promise.all(workers.map((worker) => worker.close()));
		if (!(await isOverWithin(closed, graceMs))) {
			this.#active.handBack();
			if (!(await isOverWithin(closed, STOP_MS))) this.#sayLeft();
		}
		// What still waits for a response of Redis waits no more.
		redis.disconnect();
		await isOverWithin(closed, STOP_MS);
		await archives.close();
		await limiter.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#sayLeft(): void {
		const { lockMs, onTrouble } = this.#options;
		if (this.#active.count === 0) return;
		const what = counted(this.#active.count, 'job');
		onTrouble(new Error(`${what} did not stop: other workers take over after ${(1.5 * lockMs) / 1000} s`));
	}

	#open({
		redis,
		bullmq,
		kind,
		name,
		atOnce,
		act,
	}: Pick<Running, 'redis' | 'bullmq'> & {
		readonly kind: JobKind;
		readonly name: string;
		readonly atOnce: number;
		readonly act: JobAct;
	}): Worker {
		const { lockMs, metrics, onTrouble } = this.#options;
		const take = async (job: Job, token: string): Promise<unknown> => {
			const end = metrics?.begin(kind, job);
			try {
				const result = await this.#active.do(job, token, bullmq, act);
				end?.('done');
				return result;
			} catch (error) {
				end?.(error instanceof bullmq.WaitingError ? 'handed-back' : 'failed');
				throw error;
			}
		};
		const worker = new bullmq.Worker(name, (job, token) => take(job as Job, token ?? ''), {
			connection: redis,
			prefix: KEY_PREFIX,
			concurrency: atOnce,
			lockDuration: lockMs,
			stalledInterval: Math.ceil(lockMs / 2),
			maxStalledCount: MAX_STALLED,
			runRetryDelay: RETRY_MS,
		});
		// What a worker says that was left is of no use.
		worker.on('error', (error) => {
			if (redis.status !== 'end') onTrouble(error);
		});
		worker.on('lockRenewalFailed', (ids) => this.#active.lost(ids));
		return worker;
	}

	async #slice(job: Job, signal: AbortSignal, archives: ArchivePool): Promise<SliceResult> {
		const { out, handlers, ffmpeg, decoders, onSlice } = this.#options;
		const slice = readSliceJob(job.data);
		const onProgress = this.#progressOf(job);
		try {
			const result = await archives.with(slice.stream, (archive) =>
				runSlice(slice, { archive, out, handlers, ffmpeg, decoders, signal, onProgress }),
			);
			onSlice?.({ job: slice, result, error: null });
			return result;
		} catch (error) {
			if (!isHandedBack(signal)) onSlice?.({ job: slice, result: null, error: error as Error });
			throw error;
		}
	}

	async #turn(
		job: Job,
		signal: AbortSignal,
		{ archives, redis }: Pick<Running, 'archives' | 'redis'>,
	): Promise<TurnResult> {
		const { out, handlers, lockMs, metrics, onTurn } = this.#options;
		const follow = readFollowJob(job.data);
		// The place of a worker that was killed is free when its job is.
		const checkpoint = new RedisCheckpoints({ client: redis, leaseMs: lockMs });
		try {
			const result = await archives.with(follow.stream, (archive) =>
				followTurn(follow, { archive, out, handlers, checkpoint, metrics: metrics?.follow, signal }),
			);
			onTurn?.({ job: follow, result, error: null });
			return result;
		} catch (error) {
			if (!isHandedBack(signal)) onTurn?.({ job: follow, result: null, error: error as Error });
			throw error;
		}
	}

	/** Puts the progress of a job into the queue, now and then. */
	#progressOf(job: Job): (progress: Progress) => void {
		const { onTrouble } = this.#options;
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

async function isOverWithin(task: Promise<unknown>, limitMs: number): Promise<boolean> {
	const over = new AbortController();
	const late = systemClock.sleep(limitMs, { signal: over.signal }).then(
		() => false,
		() => true,
	);
	try {
		return await Promise.race([task.then(() => true), late]);
	} finally {
		over.abort();
	}
}
