import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import Bottleneck from 'bottleneck';
import { placesOf } from '#lib/pace/quota-places.js';
import { createRateLimiter, type RateLimiter } from '#lib/pace/rate-limiter.js';
import { QuotaMemory } from '../bench/scale/quota-memory.js';
import { SimulatedRedis } from '../bench/scale/simulated-redis.js';
import { VirtualClock } from '../bench/scale/virtual-clock.js';

const CALLS = 5;
const POINTS = 500;
const SECONDS = 10;

/** What holds a request up, in milliseconds: between its permit and its going out, on its way, and its response. */
interface Delays {
	readonly beforeMs: number;
	readonly wayMs: number;
	readonly responseMs: number;
}

/** A limiter without a limit: a job of its own that is done has let every job before it in other limiters start. */
const probe = new Bottleneck();

async function settle(): Promise<void> {
	for (let i = 0; i < 3; i++) await probe.schedule(async () => {});
}

/**
 * Has five readers of each limiter send requests, each held up by what comes next of `delays`, which every limiter begins with:
 * it judges by the responses that it has seen itself. Returns when they arrived, in their order.
 */
async function arrivals(
	clock: VirtualClock,
	limiters: readonly RateLimiter[],
	delays: readonly Delays[],
): Promise<{ atMs: number; points: number }[]> {
	const endMs = SECONDS * 1000;
	const arrived: { atMs: number; points: number }[] = [];
	const read = async (limiter: RateLimiter, next: () => Delays): Promise<void> => {
		while (clock.now() < endMs) {
			const { beforeMs, wayMs, responseMs } = next();
			const mediaPoints = 100;
			const permit = await limiter.acquire({ calls: 1, mediaPoints, connections: 1 });
			await clock.sleep(beforeMs);
			const response = clock.sleep(wayMs).then(() => {
				arrived.push({ atMs: clock.now(), points: mediaPoints });
				return clock.sleep(responseMs);
			});
			permit.sent(response);
			await response;
			permit.closed();
		}
	};
	const all = limiters.flatMap((limiter) => {
		let count = 0;
		const next = (): Delays => delays[count++ % delays.length] as Delays;
		return Array.from({ length: 5 }, () => read(limiter, next));
	});
	await clock.runUntil(endMs + 60_000);
	await Promise.all(all);
	return arrived.filter(({ atMs }) => atMs < endMs).toSorted((a, b) => a.atMs - b.atMs);
}

/** The limiter of this process, or those of three on one Redis. */
const LIMITERS = {
	process: (): { clock: VirtualClock; limiters: RateLimiter[] } => {
		const clock = new VirtualClock(0, settle);
		return { clock, limiters: [createRateLimiter({}, { clock })] };
	},
	Redis: (): { clock: VirtualClock; limiters: RateLimiter[] } => {
		const clock = new VirtualClock(0);
		const quotas = new QuotaMemory(clock, new SimulatedRedis(clock));
		return { clock, limiters: Array.from({ length: 3 }, () => quotas.limiter(placesOf({}))) };
	},
};

function stayWithinQuotas(t: ExecutionContext, arrived: readonly { atMs: number; points: number }[]): void {
	for (const [index, { atMs }] of arrived.entries()) {
		const second = arrived.slice(index, index + 20).filter((other) => other.atMs < atMs + 1000);
		t.true(second.length <= CALLS, `${second.length} calls within a second of ${atMs}`);
		t.true(second.reduce((sum, { points }) => sum + points, 0) <= POINTS);
	}
}

for (const [name, open] of Object.entries(LIMITERS)) {
	const ms = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
	const delays = fc.record({ beforeMs: ms(400), wayMs: ms(400), responseMs: ms(200) });
	testProp(
		`${name}: requests delayed before sending, on their way or by a late response never exceed a quota`,
		[fc.array(delays, { minLength: 3, maxLength: 12 })],
		async (t, held) => {
			const { clock, limiters } = open();
			// A response that nothing held up, from which the others are judged.
			const prompt = { beforeMs: 0, wayMs: 0, responseMs: 0 };
			stayWithinQuotas(t, await arrivals(clock, limiters, [prompt, ...held]));
		},
		{ numRuns: 3 },
	);

	test(`${name}: a service that responds after 200 ms leaves no tenth of the quota unused`, async (t) => {
		const { clock, limiters } = open();
		const prompt = [3, 10, 0, 5].map((wayMs) => ({ beforeMs: 0, wayMs, responseMs: 200 }));
		const arrived = await arrivals(clock, limiters, prompt);
		stayWithinQuotas(t, arrived);
		t.true(arrived.length >= 0.9 * CALLS * SECONDS, `${arrived.length} calls in ${SECONDS} s`);
	});
}
