import { divideRange } from '#lib/bullmq/divide-range.js';
import { placesOf } from '#lib/pace/quota-places.js';
import { RETRY_FOR_EVER, retry } from '#lib/pace/retry.js';
import { batchesOf } from './batches-of.js';
import { EXPORT_MB_MS, PROCESSOR, QUEUE_OPERATIONS_PER_JOB } from './costs.js';
import { QuotaMemory } from './quota-memory.js';
import { Random } from './random.js';
import { SimulatedRedis } from './simulated-redis.js';
import { type Cameras, SimulatedService, SimulatedStream, Throttled } from './simulated-service.js';
import { VirtualClock } from './virtual-clock.js';
import { SimulatedQueue, SimulatedWorker } from './worker.js';

/** What is simulated: what a camera has stored, exported in slices. */
export interface SlicesPlan {
	readonly cameras: Cameras;
	readonly rangeMs: number;
	readonly sliceMs: number;
	readonly workers: number;
	readonly seed: number;
}

/** What came of it. */
export interface SlicesOutcome {
	readonly slices: number;
	readonly seconds: number;
	readonly bytes: number;
	readonly calls: SimulatedService['calls'];
	readonly throttled: number;
	readonly redisOperations: number;
	/** The share of their cores that the workers used. */
	readonly load: number;
}

const START_MS = Date.UTC(2026, 0, 31);
const MAX_RESULTS = 1000;

/** Responses of one export that are open at once, if the quota allows. */
const RESPONSES_AT_ONCE = 5;

/** A worker says once a second how far its job is. */
const PROGRESS_MS = 1000;

/** Exports a range by that many workers, one slice each at a time, on a virtual clock. */
export async function simulateSlices(plan: SlicesPlan): Promise<SlicesOutcome> {
	const clock = new VirtualClock(START_MS);
	const random = new Random(plan.seed);
	const redis = new SimulatedRedis(clock);
	const service = new SimulatedService(clock, random);
	const stream = new SimulatedStream('camera', plan.cameras, START_MS - plan.rangeMs, random);
	const quotas = new QuotaMemory(clock, redis);
	const places = placesOf({});
	const stored = stream.listed(0, START_MS);
	const range = { fromMs: START_MS - plan.rangeMs, toMs: START_MS, by: 'server' } as const;
	async function* listed() {
		yield* stored;
	}
	const slices = await divideRange(listed(), { range, sliceMs: plan.sliceMs, padStart: false });
	const queue = new SimulatedQueue<(typeof slices)[number]>();
	for (const slice of slices) queue.add(slice);
	let left = slices.length;
	let endMs = START_MS;

	const workers = Array.from({ length: plan.workers }, () => new SimulatedWorker(clock));
	for (const worker of workers) {
		const limiter = quotas.limiter(places);
		const permitted = <T>(cost: Parameters<typeof limiter.acquire>[0], send: () => Promise<T>): Promise<T> =>
			retry(
				async () => {
					await worker.compute(PROCESSOR.callMs);
					const permit = await limiter.acquire(cost);
					permit.sent();
					try {
						return await send();
					} finally {
						permit.closed();
					}
				},
				{
					isRetryable: (error) => error instanceof Throttled,
					policy: RETRY_FOR_EVER,
					clock,
					random: random.next,
				},
			);
		const read = async (slice: (typeof slices)[number]): Promise<void> => {
			await redis.operation(QUEUE_OPERATIONS_PER_JOB);
			const fragments = await permitted({ metadataPoints: MAX_RESULTS }, async () => {
				await service.listFragments(stream, stored.length, MAX_RESULTS);
				return stored.filter(({ serverTimestamp }) => {
					const ms = serverTimestamp.getTime();
					return ms >= slice.fromMs && ms <= slice.toMs;
				});
			});
			const batches = await batchesOf(fragments);
			const take = async (): Promise<void> => {
				for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
					const wanted = batch.fragments;
					const cost = { calls: 1, mediaPoints: wanted.length, connections: 1 };
					await permitted(cost, () => service.getMedia(stream, wanted));
					const mb = wanted.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0) / 1e6;
					await worker.compute(mb * (EXPORT_MB_MS + PROCESSOR.mbMs * (PROCESSOR.tlsFactor - 1)));
				}
			};
			await Promise.all(Array.from({ length: RESPONSES_AT_ONCE }, take));
			if (--left === 0) endMs = clock.now();
		};
		let isWorking = true;
		void (async () => {
			while (left > 0) await read(await queue.take());
			isWorking = false;
		})();
		void (async () => {
			while (isWorking && left > 0) {
				await clock.sleep(PROGRESS_MS);
				await redis.operation();
			}
		})();
	}
	while (left > 0) await clock.runUntil(clock.now() + 60_000);
	const seconds = (endMs - START_MS) / 1000;
	const busyMs = workers.reduce((sum, worker) => sum + worker.busyMs, 0);
	return {
		slices: slices.length,
		seconds,
		bytes: service.bytes,
		calls: service.calls,
		throttled: service.throttled,
		redisOperations: redis.operations,
		load: busyMs / seconds / 1000 / workers.length,
	};
}
