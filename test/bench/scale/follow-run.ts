import type { Fragment } from '#lib/model/fragment.js';
import { placesOf } from '#lib/pace/quota-places.js';
import type { RateLimiter } from '#lib/pace/rate-limiter.js';
import { RETRY_FOR_EVER, retry } from '#lib/pace/retry.js';
import { batchesOf } from './batches-of.js';
import {
	CHECKPOINT_OPERATIONS_PER_JOB,
	KEPT_ARCHIVES,
	PROCESSOR,
	QUEUE_OPERATIONS_PER_JOB,
	WORKER,
} from './costs.js';
import { QuotaMemory } from './quota-memory.js';
import { Random } from './random.js';
import { SimulatedRedis } from './simulated-redis.js';
import { type Cameras, SimulatedService, SimulatedStream, Throttled } from './simulated-service.js';
import { VirtualClock } from './virtual-clock.js';
import { SimulatedQueue, SimulatedWorker } from './worker.js';

/** What is simulated. */
export interface FollowPlan {
	readonly streams: number;
	readonly workers: number;
	/** Each stream is looked at once in so many milliseconds, by a job. */
	readonly intervalMs: number;
	readonly cameras: Cameras;
	/** The streams are divided among so many queues, and the workers among these. */
	readonly queues: number;
	/** Whether the quota of each stream is kept in Redis. */
	readonly isLimited: boolean;
	readonly seed: number;
}

/** What came of it, of the part of it that is measured. */
export interface FollowOutcome {
	readonly seconds: number;
	readonly fragments: number;
	readonly bytes: number;
	readonly calls: SimulatedService['calls'];
	readonly throttled: number;
	readonly redisOperations: number;
	/** From a fragment's end until it was done, in milliseconds, sorted. */
	readonly lagsMs: readonly number[];
	/** The share of its core that the busiest worker used. */
	readonly load: number;
	/** The share of the jobs that were due while the one before was not done. */
	readonly lateShare: number;
}

const START_MS = Date.UTC(2026, 0, 31);
const MAX_RESULTS = 1000;

/** Intervals that pass before it is measured, and those that are. */
const WARM_UP_INTERVALS = 1;
const MEASURED_INTERVALS = 1;

/** A worker, and the archives that it keeps open. The data endpoints of others it knows, too. */
class FollowWorker extends SimulatedWorker {
	/** Those used last are last. */
	readonly archives = new Map<FollowedStream, RateLimiter>();

	keep(followed: FollowedStream, limiter: RateLimiter): void {
		this.archives.delete(followed);
		this.archives.set(followed, limiter);
		const [oldest] = this.archives.keys();
		if (this.archives.size > KEPT_ARCHIVES && oldest !== undefined) this.archives.delete(oldest);
	}
}

interface FollowedStream {
	readonly stream: SimulatedStream;
	readonly quotas: QuotaMemory;
	/** Fragments from there on are not done. */
	next: number;
	isActive: boolean;
}

/** Follows that many cameras with that many workers, on a virtual clock. */
export async function simulateFollow(plan: FollowPlan): Promise<FollowOutcome> {
	const { intervalMs, cameras } = plan;
	const clock = new VirtualClock(START_MS);
	const random = new Random(plan.seed);
	const redis = new SimulatedRedis(clock);
	const service = new SimulatedService(clock, random);
	const queues = Array.from({ length: plan.queues }, () => new SimulatedQueue<FollowedStream>());
	const places = placesOf({});
	const measureFromMs = START_MS + WARM_UP_INTERVALS * intervalMs;
	const lagsMs: number[] = [];
	let fragmentCount = 0;
	let due = 0;
	let late = 0;
	const limiterOf = ({ quotas }: FollowedStream): RateLimiter =>
		plan.isLimited ? quotas.limiter(places) : free;
	const isRetryable = (error: unknown): boolean => error instanceof Throttled;
	const call = <T>(send: () => Promise<T>): Promise<T> =>
		retry(send, { isRetryable, policy: RETRY_FOR_EVER, clock, random: random.next });

	const follow = async (followed: FollowedStream, worker: FollowWorker): Promise<void> => {
		const { stream } = followed;
		await redis.operation(QUEUE_OPERATIONS_PER_JOB);
		const kept = worker.archives.get(followed);
		const isOpen = kept !== undefined;
		const limiter = kept ?? limiterOf(followed);
		worker.keep(followed, limiter);
		if (!isOpen) await worker.compute(PROCESSOR.openArchiveMs);
		const permitted = async <T>(
			cost: Parameters<RateLimiter['acquire']>[0],
			send: () => Promise<T>,
		): Promise<T> =>
			call(async () => {
				const permit = await limiter.acquire(cost);
				permit.sent();
				try {
					return await send();
				} finally {
					permit.closed();
				}
			});
		const read = async (listed: readonly Fragment[]): Promise<void> => {
			for (const { fragments } of await batchesOf(listed)) {
				await worker.compute(PROCESSOR.callMs);
				const cost = { calls: 1, mediaPoints: fragments.length, connections: 1 };
				await permitted(cost, () => service.getMedia(stream, fragments));
				const mb = fragments.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0) / 1e6;
				await worker.compute(
					fragments.length * PROCESSOR.fragmentMs + mb * PROCESSOR.mbMs * PROCESSOR.tlsFactor,
				);
				for (const { fragmentNumber } of fragments) done(stream, Number(fragmentNumber));
			}
		};
		// As a follower until it has caught up: it lists once.
		await worker.compute(PROCESSOR.callMs);
		const listed = await permitted({ metadataPoints: MAX_RESULTS }, () =>
			service.listFragments(stream, followed.next, MAX_RESULTS),
		);
		followed.next += listed.length;
		if (listed.length > 0) await read(listed);
		await redis.operation(CHECKPOINT_OPERATIONS_PER_JOB);
		followed.isActive = false;
	};
	const done = (stream: SimulatedStream, index: number): void => {
		if (clock.now() < measureFromMs) return;
		fragmentCount++;
		lagsMs.push(clock.now() - stream.endMs(index));
	};

	const workers = Array.from({ length: plan.workers }, () => new FollowWorker(clock));
	for (const [index, worker] of workers.entries()) {
		const queue = queues[index % queues.length] as SimulatedQueue<FollowedStream>;
		for (let slot = 0; slot < WORKER.jobsAtOnce; slot++) {
			void (async () => {
				for (;;) await follow(await queue.take(), worker);
			})();
		}
	}
	for (let index = 0; index < plan.streams; index++) {
		const stream = new SimulatedStream(`camera-${index}`, cameras, START_MS, random);
		const quotas = new QuotaMemory(clock, redis);
		const followed: FollowedStream = { stream, quotas, next: 0, isActive: false };
		const queue = queues[index % queues.length] as SimulatedQueue<FollowedStream>;
		// It is measured as if it had run for long: each worker has seen every stream of its queue.
		for (const [number, worker] of workers.entries()) {
			if (number % queues.length === index % queues.length) worker.keep(followed, limiterOf(followed));
		}
		void (async () => {
			await clock.sleep(random.between(0, intervalMs));
			for (;;) {
				// A stream has one job at a time.
				due++;
				if (followed.isActive) late++;
				else {
					followed.isActive = true;
					queue.add(followed);
				}
				await clock.sleep(intervalMs);
			}
		})();
	}
	await clock.runUntil(measureFromMs);
	const before = {
		...service.calls,
		operations: redis.operations,
		throttled: service.throttled,
		bytes: service.bytes,
	};
	const busyBefore = workers.map(({ busyMs }) => busyMs);
	[due, late] = [0, 0];
	const seconds = (MEASURED_INTERVALS * intervalMs) / 1000;
	await clock.runUntil(measureFromMs + seconds * 1000);
	return {
		seconds,
		fragments: fragmentCount,
		bytes: service.bytes - before.bytes,
		calls: {
			ListFragments: service.calls.ListFragments - before.ListFragments,
			GetMediaForFragmentList: service.calls.GetMediaForFragmentList - before.GetMediaForFragmentList,
		},
		throttled: service.throttled - before.throttled,
		redisOperations: redis.operations - before.operations,
		lagsMs: lagsMs.toSorted((a, b) => a - b),
		load: Math.max(
			...workers.map(({ busyMs }, index) => (busyMs - (busyBefore[index] ?? 0)) / seconds / 1000),
		),
		lateShare: late / due,
	};
}

/** Where nothing else reads a stream its quota need not be shared: a job every few seconds is far below it. */
const free: RateLimiter = {
	acquire: async () => ({ sent: () => {}, closed: () => {}, cancel: () => {} }),
};
