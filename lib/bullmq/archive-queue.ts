import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { KvsArchive, type KvsArchiveOptions, type TimeRange } from '../index.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type ResolvedTimeRange, resolveTimeRange } from '../model/time-range.js';
import { systemClock } from '../pace/clock.js';
import { createRedisLimiter } from '../redis/index.js';
import { divideRange } from './divide-range.js';
import {
	endFollow,
	type FollowChange,
	type FollowedStream,
	type FollowManyOptions,
	followedIn,
	followJobsOf,
	followQueueOf,
	scheduleFollow,
	type UnfollowOptions,
} from './follow-schedule.js';
import { type JobSpec, jobsOf } from './job-spec.js';
import { checkQueueOptions, connectQueue, KEY_PREFIX, type QueueOptions } from './queue-connection.js';
import {
	checkJobStream,
	checkSliceOutput,
	checkSliceWork,
	type JobStream,
	type SliceJob,
	type SliceWork,
} from './slice-job.js';
import { Submission } from './submission.js';

/** What is done with a range, in slices. */
export interface SubmitOptions {
	/** The stream, and where it is; workers read it with credentials of their own. */
	readonly stream: JobStream;
	readonly range: TimeRange;
	/** A slice begins with the first fragment that begins in each of these milliseconds. */
	readonly sliceMs: number;
	readonly work: SliceWork;
	/**
	 * The folder for what is written, relative to the one that each worker has for that; or, but for handlers, `s3://BUCKET/PREFIX/`, below
	 * one that each worker was started with. Needed for all but handlers.
	 */
	readonly output?: string | undefined;
	/** As of exports and frames: whether what runs into the range is read too, trimmed. @default true */
	readonly padStart?: boolean | undefined;
	/** How the range is listed here, once. @default the SDK's own credentials */
	readonly client?: Pick<KvsArchiveOptions, 'credentials' | 'profile' | 'clients' | 'limiter'> | undefined;
	readonly signal?: AbortSignal | undefined;
}

const OPTION_NAMES: OptionNames<QueueOptions> = { url: true, name: true, onTrouble: true };

const SUBMIT_NAMES: OptionNames<SubmitOptions> = {
	stream: true,
	range: true,
	sliceMs: true,
	work: true,
	output: true,
	padStart: true,
	client: true,
	signal: true,
};

/** How many jobs go to Redis at once. */
const ADD_AT_ONCE = 200;

/** Its connection, once there is one. */
interface OpenQueue {
	readonly redis: Redis;
	readonly slices: Queue;
	readonly follow: Queue;
}

/**
 * Divides work into jobs for {@link ArchiveWorker}s, on a BullMQ queue in Redis. Needs the packages `bullmq` and `ioredis`. A Redis
 * that cannot be reached at first is an `ArchiveError` (`KVS_QUEUE_FAILED`); one that becomes unreachable later is waited for.
 */
export class ArchiveQueue implements AsyncDisposable {
	readonly #url: string;
	readonly #name: string;
	readonly #onTrouble: ((error: Error) => void) | undefined;
	#open: Promise<OpenQueue> | null = null;
	#isClosed = false;

	/** Throws `InvalidOptionError`. Nothing is connected yet. */
	constructor(options: QueueOptions) {
		checkOptionNames(options, OPTION_NAMES);
		const { url, name } = checkQueueOptions(options);
		this.#url = url;
		this.#name = name;
		this.#onTrouble = options.onTrouble;
	}

	/**
	 * Lists a range once, divides it at fragments' starts, and puts a job for each slice into the queue. A slice that is in the queue
	 * already, from the same call, is not put there a second time; one that was done is done again: its worker looks whether the
	 * output is still what it should be. Rejects with `InvalidOptionError`, with `ArchiveError` (`KVS_EMPTY_RANGE`,
	 * `KVS_QUEUE_FAILED`, `KVS_PEER_MISSING`), with errors of the listing, and with the signal's reason.
	 */
	async submit(options: SubmitOptions): Promise<Submission> {
		checkOptionNames(options, SUBMIT_NAMES);
		const { stream, work, padStart = true, sliceMs, client, signal } = options;
		const range = resolveTimeRange(options.range);
		if (!Number.isSafeInteger(sliceMs) || sliceMs < 1) {
			throw new InvalidOptionError('sliceMs', 'whole milliseconds, 1 or more', sliceMs);
		}
		checkJobStream(stream);
		checkSliceWork(work);
		const output = checkSliceOutput(work, options.output ?? null);
		const { slices: queue, redis } = await this.#connected(signal);
		await using limiter = createRedisLimiter({ client: redis, onUnreachable: this.#onTrouble });
		await using archive = new KvsArchive({ limiter, ...client, ...stream });
		const listed = archive.fragments(toRange(range), { padStart, signal });
		const slices = await divideRange(listed, { range, sliceMs, padStart });
		const jobs = slices.map(
			(slice): SliceJob => ({
				version: 1,
				stream: { ...stream },
				from: new Date(slice.fromMs).toISOString(),
				to: new Date(slice.toMs).toISOString(),
				by: range.by,
				padStart: slice.padStart,
				fragments: slice.fragments,
				work,
				output,
			}),
		);
		const specs = jobsOf(jobs);
		for (let at = 0; at < specs.length; at += ADD_AT_ONCE) {
			signal?.throwIfAborted();
			await add(queue, specs.slice(at, at + ADD_AT_ONCE));
		}
		return new Submission(queue, jobs, systemClock);
	}

	/**
	 * Has streams followed: from then on each has a turn every `everyMs`, in which a worker reads what is new since the last one, and
	 * does with it what `work` says. Turns of different streams come at different times. A stream that is followed already by that
	 * consumer goes on, with the new `work`. Rejects with `InvalidOptionError` and `ArchiveError` (`KVS_QUEUE_FAILED`, `KVS_PEER_MISSING`).
	 */
	async follow(options: FollowManyOptions): Promise<FollowChange> {
		const jobs = followJobsOf(options, systemClock.now());
		const { follow } = await this.#connected(options.signal);
		return scheduleFollow(follow, jobs, options);
	}

	/** Ends that streams are followed by a consumer; their checkpoints stay. Resolves with the number of those that were followed. */
	async unfollow({ streams, consumer, signal }: UnfollowOptions): Promise<number> {
		for (const stream of streams) checkJobStream(stream);
		const { follow } = await this.#connected(signal);
		return endFollow(follow, streams, consumer);
	}

	/** The streams that are followed now, and by which consumer. */
	async followed(): Promise<FollowedStream[]> {
		const { follow } = await this.#connected(undefined);
		return followedIn(follow);
	}

	/** Closes the connection; what is in the queue stays there. */
	async close(): Promise<void> {
		this.#isClosed = true;
		const open = this.#open;
		this.#open = null;
		const opened = await open?.catch(() => null);
		if (opened == null) return;
		opened.redis.disconnect();
		await Promise.all([opened.slices.close(), opened.follow.close()]);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	async #connected(signal: AbortSignal | undefined): Promise<OpenQueue> {
		if (this.#isClosed) throw new ArchiveError('KVS_CLOSED', 'the queue was closed before `submit`');
		this.#open ??= this.#connect(signal);
		try {
			return await this.#open;
		} catch (error) {
			this.#open = null;
			throw error;
		}
	}

	async #connect(signal: AbortSignal | undefined): Promise<OpenQueue> {
		const onTrouble = this.#onTrouble;
		const { redis, bullmq } = await connectQueue(this.#url, { onTrouble, signal });
		const open = (name: string): Queue => {
			const queue = new bullmq.Queue(name, { connection: redis, prefix: KEY_PREFIX });
			// The connection says its own trouble; without a listener an error would end the process.
			queue.on('error', () => {});
			return queue;
		};
		return { redis, slices: open(this.#name), follow: open(followQueueOf(this.#name)) };
	}
}

/** Puts jobs into the queue, those that were finished at an earlier time anew. */
async function add(queue: Queue, specs: readonly JobSpec[]): Promise<void> {
	const removals = specs.map(async ({ opts }) => {
		const job = await queue.getJob(opts.jobId);
		if (job?.finishedOn !== undefined) await job.remove();
	});
	await Promise.all(removals);
	await queue.addBulk([...specs]);
}

function toRange({ fromMs, toMs, by }: ResolvedTimeRange): TimeRange {
	return { from: fromMs, to: toMs, by };
}
