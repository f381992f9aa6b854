import type { Queue } from 'bullmq';
import { InvalidOptionError } from '../errors.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { checkFollowJob, type FollowJob, type FollowWork, followIdOf } from './follow-job.js';
import type { JobStream } from './slice-job.js';

/** Streams to follow, and how. */
export interface FollowManyOptions {
	readonly streams: readonly JobStream[];
	/** From one turn of a stream to the next, in milliseconds: what comes is read that much later at most. @default 10000 */
	readonly everyMs?: number | undefined;
	readonly work: FollowWork;
	/** Where a stream begins that was not followed before: `now`, `earliest` or a time, by the server's clock. @default 'now' */
	readonly from?: Instant | undefined;
	/** Name of the checkpoint: another consumer follows the same streams beside this one. @default 'workers' */
	readonly consumer?: string | undefined;
	/** Only fragments that carry these tags. @default all */
	readonly where?: Readonly<Record<string, string>> | undefined;
	/** For recordings: parent folder of the streams' folders, relative to the worker's `out`. */
	readonly output?: string | undefined;
	/** Whether other streams of this consumer are no longer followed. @default false */
	readonly isAll?: boolean | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** Streams to stop following. */
export interface UnfollowOptions {
	readonly streams: readonly JobStream[];
	/** @default 'workers' */
	readonly consumer?: string | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** What changed. */
export interface FollowChange {
	/** Streams that are followed now and were not, or otherwise. */
	readonly added: number;
	/** Streams that are no longer followed. */
	readonly removed: number;
}

/** A stream that is followed. */
export interface FollowedStream {
	readonly stream: JobStream;
	readonly consumer: string;
	readonly everyMs: number;
}

const OPTION_NAMES: OptionNames<FollowManyOptions> = {
	streams: true,
	everyMs: true,
	work: true,
	from: true,
	consumer: true,
	where: true,
	output: true,
	isAll: true,
	signal: true,
};

const DEFAULT_CONSUMER = 'workers';
const DEFAULT_EVERY_MS = 10_000;
const MIN_EVERY_MS = 1000;

/** Of a turn that failed the next one is soon enough. A worker that finds nothing to say leaves nothing. */
const TURN_OPTIONS = {
	attempts: 1,
	removeOnComplete: true,
	removeOnFail: { age: 86_400, count: 1000 },
} as const;

/** How many schedulers are written at once. */
const WRITE_AT_ONCE = 100;

/** Name of the queue of turns, beside the one of slices: long slices must not keep streams waiting. */
export function followQueueOf(name: string): string {
	return `${name}-follow`;
}

/** The jobs of streams. Throws `InvalidOptionError`. */
export function followJobsOf(options: FollowManyOptions, nowMs: number): FollowJob[] {
	checkOptionNames(options, OPTION_NAMES);
	const { streams, everyMs = DEFAULT_EVERY_MS, work, from = 'now', consumer = DEFAULT_CONSUMER } = options;
	if (!Number.isSafeInteger(everyMs) || everyMs < MIN_EVERY_MS) {
		throw new InvalidOptionError('everyMs', `whole milliseconds, ${MIN_EVERY_MS} or more`, everyMs);
	}
	// A turn that finds nothing leaves no checkpoint: `now` must not be later for the next one.
	const begin =
		from === 'earliest'
			? from
			: new Date(from === 'now' ? nowMs : resolveInstant('from', from)).toISOString();
	return streams.map((stream) => {
		const { where = null, output = null } = options;
		const job: FollowJob = { version: 1, stream: { ...stream }, consumer, from: begin, where, work, output };
		checkFollowJob(job);
		return job;
	});
}

/** Writes schedulers, those that are as they should be excepted: a stream must not lose its turn. */
export async function scheduleFollow(
	queue: Queue,
	jobs: readonly FollowJob[],
	{ everyMs = DEFAULT_EVERY_MS, consumer = DEFAULT_CONSUMER, isAll = false, signal }: FollowManyOptions,
): Promise<FollowChange> {
	const known = new Map((await queue.getJobSchedulers(0, -1)).map((scheduler) => [scheduler.key, scheduler]));
	const wanted = new Map(jobs.map((job) => [followIdOf(job.stream, consumer), job]));
	const changed = [...wanted].filter(([id, job]) => {
		const found = known.get(id);
		const data = found?.template?.data as FollowJob | undefined;
		// Where it began is of no matter any more.
		return found?.every !== everyMs || JSON.stringify({ ...data, from: job.from }) !== JSON.stringify(job);
	});
	for (let at = 0; at < changed.length; at += WRITE_AT_ONCE) {
		signal?.throwIfAborted();
		const writes = changed.slice(at, at + WRITE_AT_ONCE).map(([id, job]) => {
			const data = {
				...job,
				from: (known.get(id)?.template?.data as FollowJob | undefined)?.from ?? job.from,
			};
			const repeat = { every: everyMs, offset: offsetOf(id, everyMs) };
			return queue.upsertJobScheduler(id, repeat, { name: 'follow', data, opts: TURN_OPTIONS });
		});
		await Promise.all(writes);
	}
	const unwanted = isAll
		? [...known].filter(
				([id, { template }]) =>
					!wanted.has(id) && (template?.data as FollowJob | undefined)?.consumer === consumer,
			)
		: [];
	for (const [id] of unwanted) await queue.removeJobScheduler(id);
	return { added: changed.length, removed: unwanted.length };
}

/** Removes the schedulers of streams. */
export async function endFollow(
	queue: Queue,
	streams: readonly JobStream[],
	consumer: string = DEFAULT_CONSUMER,
): Promise<number> {
	let count = 0;
	for (const stream of streams) {
		if (await queue.removeJobScheduler(followIdOf(stream, consumer))) count++;
	}
	return count;
}

/** The streams that have schedulers. */
export async function followedIn(queue: Queue): Promise<FollowedStream[]> {
	return (await queue.getJobSchedulers(0, -1)).flatMap(({ template, every }) => {
		const job = template?.data as FollowJob | undefined;
		return job === undefined ? [] : [{ stream: job.stream, consumer: job.consumer, everyMs: Number(every) }];
	});
}

/** When in each `everyMs` a stream has its turn: spread over it, as all would come at once otherwise. */
function offsetOf(id: string, everyMs: number): number {
	return 1 + (Number.parseInt(id.slice(-8), 16) % (everyMs - 1));
}
