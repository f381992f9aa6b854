// Longer than 300 lines: one Redis is started for all of it.

import { once } from 'node:events';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type Clock, type FollowEvent, KvsArchive } from 'kvs-archive';
import { RedisCheckpoints, type RedisClient } from 'kvs-archive/redis';
import { ManualClock } from '../helpers/manual-clock.js';
import { testWith } from '../helpers/needs.js';
import { runWithoutPackages } from '../helpers/package/without-packages.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { checkpointAt, KEY, startHolder, takeOver } from '../helpers/store/leases.js';
import { startRedis, type TestRedis } from '../helpers/store/redis.js';
import { run } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

const withRedis = testWith('redis-server');

const HASH = `kvs-archive:checkpoint:${KEY}`;

/** Too short to be waited for, and long enough for a call. */
const SHORT_LEASE_MS = 500;

function storesOf(t: ExecutionContext, { url }: TestRedis) {
	return (options: { leaseMs?: number; clock?: Clock } = {}): RedisCheckpoints => {
		const store = new RedisCheckpoints({ url, ...options });
		t.teardown(() => store.close().catch(() => {}));
		return store;
	};
}

withRedis('after close, the next consumer loads the saved checkpoint', async (t) => {
	const redis = await startRedis(t);
	const newStore = storesOf(t, redis);
	const store = newStore();
	t.is(await store.load(KEY), null);
	for (const fromMs of [1, 2, 3]) await store.save(KEY, checkpointAt(fromMs));
	await store.close();
	await store.close();
	await t.throwsAsync(store.save(KEY, checkpointAt(4)), { code: 'KVS_CLOSED' });
	t.deepEqual(await newStore().load(KEY), checkpointAt(3));
	t.deepEqual(Object.keys(await redis.client.hgetall(HASH)).toSorted(), ['checkpoint', 'holder', 'until']);
	t.is(await redis.client.pttl(HASH), -1);
});

withRedis(
	'of twenty consumers at once, one takes the lease, and the errors of the others name its holder',
	async (t) => {
		const newStore = storesOf(t, await startRedis(t));
		const results = await Promise.allSettled(Array.from({ length: 20 }, () => newStore().load(KEY)));
		const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
		t.is(refusals.length, 19);
		for (const { code, message } of refusals) {
			t.is(code, 'KVS_CHECKPOINT_IN_USE');
			t.regex(
				message,
				new RegExp(`is in use by process ${process.pid} on \\S+, since 20\\S+Z: one consumer`),
			);
		}
	},
);

withRedis('the newest checkpoint is written at most once a second, and on close', async (t) => {
	const redis = await startRedis(t);
	const written: unknown[] = [];
	const client: RedisClient = {
		eval: (script, keyCount, ...values) => {
			written.push(values[3]);
			return redis.client.eval(script, keyCount, ...values);
		},
	};
	const clock = new ManualClock();
	const store = new RedisCheckpoints({ client, clock, keyPrefix: 'test:' });
	await store.load(KEY);
	const saved = () => redis.client.hget(`test:${KEY}`, 'checkpoint');
	const isSaved = (fromMs: number) => async () => (await saved()) === JSON.stringify(checkpointAt(fromMs));
	written.length = 0;
	for (let fromMs = 1; fromMs <= 100; fromMs++) await store.save(KEY, checkpointAt(fromMs));
	clock.advance(999);
	t.deepEqual(written, []);
	clock.advance(1);
	await until(isSaved(100), () => `written: ${written.length}`);
	await until(
		() => clock.isSleptOn(1000),
		() => 'it does not wait for the next second',
	);
	clock.advance(1000);
	t.is(written.length, 1);
	await store.save(KEY, checkpointAt(101));
	await store.close();
	t.is(await saved(), JSON.stringify(checkpointAt(101)));
	t.is(written.length, 2);
	t.is(clock.pending, 0);
	// It stays open, as it is the caller's.
	t.is(redis.client.status, 'ready');
});

withRedis('when the lease of a killed consumer expires, another takes over its checkpoint', async (t) => {
	const redis = await startRedis(t);
	const newStore = storesOf(t, redis);
	const holder = startHolder(t, redis.url, 3000);
	t.deepEqual(await once(holder, 'message'), ['held', undefined]);
	await t.throwsAsync(newStore().load(KEY), {
		code: 'KVS_CHECKPOINT_IN_USE',
		message: new RegExp(`in use by process ${holder.pid} on`),
	});
	await until(
		async () => (await redis.client.hexists(HASH, 'checkpoint')) === 1,
		() => 'nothing is saved',
	);
	holder.kill('SIGKILL');
	await once(holder, 'exit');
	t.deepEqual(await takeOver(newStore()), checkpointAt(7));
});

withRedis(
	'a consumer suspended for longer than its lease notices that another has taken it over',
	async (t) => {
		const redis = await startRedis(t);
		const newStore = storesOf(t, redis);
		const holder = startHolder(t, redis.url, SHORT_LEASE_MS);
		await once(holder, 'message');
		holder.kill('SIGSTOP');
		const store = newStore();
		await takeOver(store);
		const ended = once(holder, 'message');
		holder.kill('SIGCONT');
		t.deepEqual(await within(ended, () => 'it goes on'), ['KVS_CHECKPOINT_IN_USE', undefined]);
		await within(once(holder, 'exit'), () => 'it does not end');
		t.false(store.lost.aborted);
	},
);

withRedis(
	'a renewed lease keeps others out; after an expired one, the first consumer never overwrites the second',
	async (t) => {
		const redis = await startRedis(t);
		const newStore = storesOf(t, redis);
		// Its time stands still, so that it renews nothing.
		const clock = new ManualClock();
		const first = newStore({ leaseMs: SHORT_LEASE_MS, clock });
		await first.load(KEY);
		await first.save(KEY, checkpointAt(1));
		const second = newStore();
		t.is(await takeOver(second), null);
		await second.save(KEY, checkpointAt(2));
		clock.advance(SHORT_LEASE_MS);
		await t.throwsAsync(first.save(KEY, checkpointAt(3)), {
			code: 'KVS_CHECKPOINT_IN_USE',
			message: /now in use by process \d+ on .*: this consumer had not renewed its lease of 500 ms/,
		});
		t.true(first.lost.aborted);
		await first.close();
		await t.throwsAsync(first.load(KEY), { code: 'KVS_CHECKPOINT_IN_USE' });
		await second.close();
		t.deepEqual(await newStore().load(KEY), checkpointAt(2));
	},
);

withRedis('a lease that was over and taken by no other is renewed', async (t) => {
	const redis = await startRedis(t);
	const clock = new ManualClock();
	const store = storesOf(t, redis)({ clock });
	await store.load(KEY);
	clock.advance(100_000);
	await store.save(KEY, checkpointAt(1));
	t.is(await redis.client.hget(HASH, 'checkpoint'), JSON.stringify(checkpointAt(1)));
	t.false(store.lost.aborted);
});

withRedis('following ends when the lease is lost, even while no fragments arrive', async (t) => {
	const redis = await startRedis(t);
	const { endpoint, put } = await startGrowing(t);
	await put(1);
	const archive = new KvsArchive({ streamName: 'cam', endpoint, clock: new StandstillClock(Date.now()) });
	t.teardown(() => archive.close());
	const clock = new ManualClock();
	const newStore = storesOf(t, redis);
	const checkpoint = newStore({ leaseMs: SHORT_LEASE_MS, clock });
	const types: string[] = [];
	await t.throwsAsync(
		async () => {
			for await (const event of archive.follow({
				from: 'earliest',
				checkpoint,
			}) as AsyncIterable<FollowEvent>) {
				types.push(event.type);
				if (event.type !== 'caught-up') continue;
				await takeOver(newStore());
				clock.advance(SHORT_LEASE_MS);
			}
		},
		{ code: 'KVS_CHECKPOINT_IN_USE' },
	);
	t.deepEqual(types, ['fragment', 'frame', 'frame', 'fragment-end', 'caught-up']);
});

withRedis(
	'saving continues while Redis is unreachable for a short time, and the newest checkpoint is written afterwards',
	async (t) => {
		const redis = await startRedis(t);
		const store = storesOf(t, redis)();
		await store.load(KEY);
		await store.save(KEY, checkpointAt(1));
		await redis.stop();
		for (const fromMs of [2, 3]) await store.save(KEY, checkpointAt(fromMs));
		await redis.start();
		const isSaved = async () =>
			(await redis.client.hget(HASH, 'checkpoint')) === JSON.stringify(checkpointAt(3));
		await until(isSaved, () => `lost: ${inspect(store.lost.reason)}`);
		t.false(store.lost.aborted);
		await store.close();
	},
);

withRedis('a Redis that restarts empty gets the checkpoint again, even while nothing is saved', async (t) => {
	const redis = await startRedis(t);
	const newStore = storesOf(t, redis);
	const earlier = newStore();
	await earlier.load(KEY);
	await earlier.save(KEY, checkpointAt(1));
	await earlier.close();
	const clock = new ManualClock();
	const store = newStore({ clock });
	await store.load(KEY);
	await redis.stop();
	await redis.start();
	t.is(await redis.client.exists(HASH), 0);
	clock.advance(10_000);
	await until(
		async () => (await redis.client.exists(HASH)) === 1,
		() => `lost: ${inspect(store.lost.reason)}`,
	);
	await store.close();
	t.deepEqual(await newStore().load(KEY), checkpointAt(1));
});

withRedis('a Redis that is unreachable for a whole lease fails the checkpoint, with the cause', async (t) => {
	const redis = await startRedis(t);
	const clock = new ManualClock();
	const store = storesOf(t, redis)({ clock });
	await store.load(KEY);
	await redis.stop();
	clock.advance(30_000);
	await t.throwsAsync(store.save(KEY, checkpointAt(1)), {
		code: 'KVS_CHECKPOINT_FAILED',
		message:
			/^cannot save the checkpoint `kvs-archive:checkpoint:cam\/default in redis:.*ECONNREFUSED.*lease lasts, 30000 ms/,
	});
	t.regex(String((store.lost.reason as Error).cause), /ECONNREFUSED/);
	await store.close();
	const other = storesOf(t, redis)();
	await t.throwsAsync(other.load(KEY), {
		code: 'KVS_CHECKPOINT_FAILED',
		message: /^cannot read .*ECONNREFUSED/,
	});
});

withRedis('a Redis that does not respond is waited for, and then the connection is made anew', async (t) => {
	const redis = await startRedis(t);
	const clock = new ManualClock();
	const store = storesOf(t, redis)({ clock });
	await store.load(KEY);
	const connections = async () =>
		Number(/connections_received:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
	const before = await connections();
	await redis.client.call('CLIENT', 'PAUSE', '600000', 'WRITE');
	await store.save(KEY, checkpointAt(1));
	clock.advance(1000);
	await until(
		() => clock.isSleptOn(10_000),
		() => 'nothing is written',
	);
	clock.advance(10_000);
	await until(
		async () => (await connections()) === before + 1,
		() => 'it does not connect again',
	);
	await redis.client.call('CLIENT', 'UNPAUSE');
	clock.advance(1000);
	await until(
		async () => (await redis.client.exists(HASH)) === 1,
		() => 'nothing is written',
	);
	t.false(store.lost.aborted);
	await store.close();
});

withRedis('a follower that ends while it takes the lease leaves it free', async (t) => {
	const redis = await startRedis(t);
	const archive = new KvsArchive({ streamName: 'cam', endpoint: 'http://127.0.0.1:9' });
	t.teardown(() => archive.close());
	const newStore = storesOf(t, redis);
	// Before Redis has responded, and while it does not.
	const piped = archive.follow({ checkpoint: newStore() });
	piped.resume();
	piped.destroy();
	await once(piped, 'close');
	await redis.client.call('CLIENT', 'PAUSE', '600000', 'WRITE');
	const controller = new AbortController();
	const reason = new Error('enough');
	const checkpoint = newStore({ clock: new ManualClock() });
	const followed = archive.follow({ checkpoint, signal: controller.signal }).batches().next();
	controller.abort(reason);
	await t.throwsAsync(
		within(followed, () => 'it waits for Redis'),
		{ is: reason },
	);
	await redis.client.call('CLIENT', 'UNPAUSE');
	t.is(await newStore().load(KEY), null);
});

withRedis('a damaged checkpoint, or one of another consumer, is refused and left as it is', async (t) => {
	const redis = await startRedis(t);
	const newStore = storesOf(t, redis);
	const right = JSON.stringify(checkpointAt(1));
	for (const [text, message] of [
		['', /is damaged/],
		[right.slice(0, -3), /is damaged/],
		[right.replace('"version":1', '"version":2'), /written by a later version/],
		[right.replace('cam/', 'door/'), /belongs to `door\/default`, and not to `cam\/default`/],
	] as const) {
		await redis.client.hset(HASH, 'checkpoint', text);
		await t.throwsAsync(newStore().load(KEY), { code: 'KVS_CHECKPOINT_INVALID', message });
		t.is(await redis.client.hget(HASH, 'checkpoint'), text);
	}
	await redis.client.hset(HASH, { checkpoint: right, holder: 'nonsense', until: 'nonsense' });
	const store = newStore();
	t.deepEqual(await store.load(KEY), checkpointAt(1));
	await store.close();
	await redis.client.set(HASH, 'text');
	await t.throwsAsync(newStore().load(KEY), {
		code: 'KVS_CHECKPOINT_INVALID',
		message: /a value of another type/,
	});
	t.is(await redis.client.get(HASH), 'text');
});

withRedis('credentials of the URL are in no message and in no cause', async (t) => {
	const redis = await startRedis(t, { password: 'sesame' });
	const right = new RedisCheckpoints({ url: redis.url });
	t.is(await right.load(KEY), null);
	const refused = await t.throwsAsync(new RedisCheckpoints({ url: redis.url }).load(KEY));
	t.regex(refused?.message ?? '', /in redis:\/\/127\.0\.0\.1:\d+` is in use/);
	await right.close();
	const wrong = new RedisCheckpoints({ url: `redis://user:open-secret@127.0.0.1:${redis.port}` });
	const denied = await t.throwsAsync(wrong.load(KEY), {
		code: 'KVS_CHECKPOINT_FAILED',
		message: /WRONGPASS/,
	});
	const malformed = t.throws(() => new RedisCheckpoints({ url: 'redis://user:open-secret@:port' }));
	const misspelled = t.throws(
		() => new RedisCheckpoints({ uri: 'redis://user:open-secret@host' } as object as { url: string }),
	);
	for (const error of [refused, denied, malformed, misspelled])
		t.notRegex(inspect(error, { depth: 9 }), /sesame|open-secret/);
});

withRedis('renewals do not keep the process alive', async (t) => {
	const { url } = await startRedis(t);
	const program = `
		import { Redis } from 'ioredis';
		import { RedisCheckpoints } from 'kvs-archive/redis';
		const client = new Redis(${JSON.stringify(url)});
		await new RedisCheckpoints({ client }).load('${KEY}');
		client.disconnect();`;
	const ended = await within(
		run(process.execPath, ['--input-type=module', '-e', program]),
		() => 'it runs on',
	);
	t.deepEqual(ended, { code: 0, stdout: '', stderr: '' });
});

test('invalid options are refused', (t) => {
	const url = 'redis://127.0.0.1';
	const client: RedisClient = { eval: async () => null };
	for (const options of [
		{},
		{ url, client },
		{ url: 'http://127.0.0.1' },
		{ url, leaseMs: 99 },
		{ url, leaseMs: 1000.5 },
	]) {
		t.throws(() => new RedisCheckpoints(options), { code: 'KVS_INVALID_OPTION' });
	}
});

test('without the package ioredis one line says what to install', async (t) => {
	t.deepEqual(
		await runWithoutPackages(
			t,
			`
		import { RedisCheckpoints } from './dist/redis/index.js';
		await new RedisCheckpoints({ url: 'redis://127.0.0.1' }).load('${KEY}').catch(({ code, message }) => console.log(code, message));`,
		),
		{
			code: 0,
			stdout:
				'KVS_PEER_MISSING this needs the package `ioredis`, which is not installed: npm install ioredis\n',
			stderr: '',
		},
	);
});
