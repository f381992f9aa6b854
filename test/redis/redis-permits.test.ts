import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import type { ExecutionContext } from 'ava';
import { KvsArchive, type MediaEvent, type Permit, type RequestCost } from 'kvs-archive';
import { createRedisLimiter, type RedisLimiter } from 'kvs-archive/redis';
import { fragmentDocument, fragmentNumber, frameBlock } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startRedis, type TestRedis } from '../helpers/store/redis.js';
import { until, within } from '../helpers/wait.js';
import { limitersOf, range, withRedis } from './cam-limiters.js';

const KEY = 'kvs-archive:quota:cam';

/** What Redis holds of `cam`, of one kind: `held` or `wait`. */
async function membersOf({ client }: TestRedis, kind: string): Promise<string[]> {
	return (await client.zrange(KEY, 0, -1)).filter((member) => member.startsWith(`${kind} `));
}

/** What time it is by the clock of Redis, in epoch milliseconds. */
async function timeOf({ client }: TestRedis): Promise<number> {
	const [seconds = 0, microseconds = 0] = await client.time();
	return seconds * 1000 + microseconds / 1000;
}

function startHolder(t: ExecutionContext, { url }: TestRedis): ChildProcess {
	const script = fileURLToPath(new URL('../helpers/store/permit-holder.js', import.meta.url));
	const holder = fork(script, [url, 'cam']);
	t.teardown(() => holder.kill('SIGKILL'));
	return holder;
}

withRedis(
	'calls and points of all who share them stay in the quotas of any second on the clock of Redis',
	async (t) => {
		const redis = await startRedis(t);
		const newLimiter = limitersOf(t, redis);
		const limiters = [newLimiter(), newLimiter(), newLimiter()];
		const sent: { atMs: number; points: number }[] = [];
		const request = async (limiter: RedisLimiter | undefined, points: number): Promise<void> => {
			const permit = (await limiter?.acquire({ calls: 1, mediaPoints: points, connections: 1 })) as Permit;
			sent.push({ atMs: await timeOf(redis), points });
			permit.sent();
			permit.closed();
		};
		const points = [100, 100, 250, 20, 30, 20, 30, 500, 900, 10, 10, 10];
		await Promise.all(points.map((count, index) => request(limiters[index % limiters.length], count)));
		t.is(sent.length, points.length);
		const times = sent.toSorted((a, b) => a.atMs - b.atMs);
		for (const [index, { atMs }] of times.entries()) {
			const second = times.slice(index).filter((other) => other.atMs < atMs + 1000);
			t.true(second.length <= 5, inspect(times));
			// More than a second's quota goes alone.
			const total = second.reduce((sum, other) => sum + other.points, 0);
			t.true(total <= 500 || second.length === 1, inspect(times));
		}
		t.deepEqual(await membersOf(redis, 'wait'), []);
		const keys = await redis.client.keys('*');
		t.deepEqual(keys, [KEY]);
		t.true((await redis.client.pttl(KEY)) > 0);
	},
);

withRedis(
	'processes get permits in turn, and in each process urgent requests come first, then the oldest',
	async (t) => {
		const redis = await startRedis(t);
		const newLimiter = limitersOf(t, redis);
		const quotas = { connections: 1 };
		const [a, b] = [newLimiter({ quotas }), newLimiter({ quotas })];
		let permit = await a.acquire({ connections: 1 });
		const given: [name: string, permit: Permit][] = [];
		const wait = async (limiter: RedisLimiter, name: string, cost: RequestCost = {}): Promise<void> => {
			given.push([name, await limiter.acquire({ connections: 1, ...cost })]);
		};
		const waits = [wait(a, 'a1'), wait(a, 'a2'), wait(a, 'a3')];
		const isNoted = (count: number) => async () => (await membersOf(redis, 'wait')).length === count;
		const state = (): string => inspect(given);
		await until(isNoted(1), state);
		waits.push(wait(b, 'b1'), wait(b, 'b2'), wait(b, 'urgent', { isUrgent: true }));
		await until(isNoted(2), state);
		// Other kinds of places are not waited for.
		(await b.acquire({ metadataPoints: 1000 })).cancel();
		for (let count = 1; count <= 6; count++) {
			permit.closed();
			await until(() => given.length >= count, state);
			t.is(given.length, count);
			// Who comes next must be noted before this one is given back.
			await until(isNoted(Math.min(2, 6 - count)), state);
			permit = given[count - 1]?.[1] as Permit;
		}
		await Promise.all(waits);
		t.deepEqual(
			given.map(([name]) => name),
			['a1', 'urgent', 'a2', 'b1', 'a3', 'b2'],
		);
		permit.closed();
	},
);

withRedis(
	'an aborted wait leaves nothing in Redis, and a permit granted too late is given back',
	async (t) => {
		const redis = await startRedis(t);
		const limiter = limitersOf(t, redis)({ quotas: { connections: 1 } });
		const first = await limiter.acquire({ connections: 1 });
		const reason = new Error('enough');
		const ended = new AbortController();
		const waiting = limiter.acquire({ connections: 1 }, ended.signal);
		await until(
			async () => (await membersOf(redis, 'wait')).length === 1,
			() => 'nothing waits',
		);
		ended.abort(reason);
		t.is(await t.throwsAsync(waiting), reason);
		await until(
			async () => (await membersOf(redis, 'wait')).length === 0,
			() => 'it waits still',
		);
		first.closed();
		// Aborted while the request is on its way, one after the other.
		for (let count = 0; count < 20; count++) {
			const controller = new AbortController();
			const late = limiter.acquire({ connections: 1 }, controller.signal);
			if (count % 2 === 1) await redis.client.ping();
			controller.abort(reason);
			await late.then(
				(permit) => permit.cancel(),
				() => {},
			);
		}
		await t.throwsAsync(limiter.acquire({ connections: 1 }, AbortSignal.abort(reason)), { is: reason });
		(await limiter.acquire({ connections: 1 })).cancel();
		await until(
			async () => (await redis.client.zcard(KEY)) === 1,
			() => 'something is left',
		);
	},
);

withRedis('what a killed process held is free when its lease is over', async (t) => {
	const redis = await startRedis(t);
	const holder = startHolder(t, redis);
	t.deepEqual(await once(holder, 'message'), ['held', undefined]);
	t.is((await membersOf(redis, 'held')).length, 5);
	const limiter = limitersOf(t, redis)();
	const waiting = limiter.acquire({ connections: 1 });
	// For longer than a lease: it is renewed.
	const fromMs = await timeOf(redis);
	await until(
		async () => (await timeOf(redis)) >= fromMs + 3000,
		() => 'time stands still',
	);
	t.is((await membersOf(redis, 'held')).length, 5);
	holder.kill('SIGKILL');
	const permit = await within(waiting, () => 'the places are not given back');
	t.is((await membersOf(redis, 'held')).length, 1);
	permit.cancel();
});

withRedis(
	'a process that was suspended for longer than its lease notices that its permits are lost',
	async (t) => {
		const redis = await startRedis(t);
		const holder = startHolder(t, redis);
		await once(holder, 'message');
		holder.kill('SIGSTOP');
		const permit = await limitersOf(t, redis)().acquire({ connections: 5 });
		const noticed = once(holder, 'message');
		holder.kill('SIGCONT');
		t.deepEqual(await within(noticed, () => 'it goes on'), ['KVS_PERMIT_LOST', undefined]);
		t.false(permit.lost?.aborted);
		t.deepEqual((await membersOf(redis, 'held')).length, 1);
		permit.cancel();
	},
);

withRedis(
	'a Redis that is unreachable is waited for, at the start too, and one that comes back empty is used',
	async (t) => {
		const redis = await startRedis(t);
		await redis.stop();
		const troubles: string[] = [];
		const limiter = limitersOf(t, redis)({ onUnreachable: ({ message }) => troubles.push(message) });
		const waiting = [1, 2, 3].map(() => limiter.acquire({ connections: 1 }));
		await until(
			() => troubles.length > 0,
			() => 'nothing is said',
		);
		await redis.start();
		const permits = await Promise.all(waiting);
		await redis.stop();
		await redis.start();
		const more = limiter.acquire({ connections: 3 });
		for (const { lost } of permits) {
			await until(
				() => lost?.aborted === true,
				() => 'it is not lost',
			);
		}
		const permit = await more;
		await redis.client.flushall();
		await until(
			() => permit.lost?.aborted === true,
			() => 'it is not lost',
		);
		// Nothing is granted while others may not have noticed.
		const next = limiter.acquire({ connections: 1 });
		await until(
			async () => (await membersOf(redis, 'pause')).length === 1,
			() => 'it does not pause',
		);
		(await next).cancel();
		t.deepEqual(
			[troubles[0]],
			[`waiting for redis://127.0.0.1:${redis.port}: connect ECONNREFUSED 127.0.0.1:${redis.port}`],
		);
		t.true(troubles.length <= 2, inspect(troubles));
	},
);

withRedis('a permit that is lost while its response downloads costs no frame', async (t) => {
	const redis = await startRedis(t);
	const limiter = createRedisLimiter({ url: redis.url });
	t.teardown(() => limiter.close());
	// Far more than sockets and the reader hold, so that its response stays open until it is read.
	const blocks = Array.from({ length: 16 }, (_, index) => ({
		...frameBlock(index, { keyframe: index === 0 }),
		data: Buffer.alloc(1024 * 1024, index),
	}));
	const media = fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, blocks });
	const { endpoint, count } = await startArchive(t, { cam: media });
	const archive = new KvsArchive({ streamName: 'cam', endpoint, region: 'us-east-1', limiter });
	t.teardown(() => archive.close());
	const key = `kvs-archive:quota:${endpoint} us-east-1 cam`;
	const frames: unknown[] = [];
	const stream = archive.events(range, { maxBufferedBytes: 1 });
	for await (const event of stream as AsyncIterable<MediaEvent>) {
		if (event.type !== 'frame') continue;
		frames.push(event.data[0]);
		if (frames.length !== 3) continue;
		t.is(count('GetMediaForFragmentList'), 1);
		const connections = (await redis.client.zrange(key, 0, -1)).filter((name) => / connections /.test(name));
		t.is(connections.length, 1);
		await redis.client.del(key);
		// Its reader goes on when it was noticed.
		await until(
			async () => (await redis.client.exists(key)) === 1,
			() => 'it does not notice',
		);
	}
	t.deepEqual(
		frames,
		blocks.map((_, index) => index),
	);
	// On a machine that stands still for longer than a lease the second is lost, too.
	t.true(count('GetMediaForFragmentList') >= 2);
	t.true((await stream.summary).isComplete);
});
