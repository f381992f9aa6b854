import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inspect } from 'node:util';
import test from 'ava';
import { KvsArchive } from 'kvs-archive';
import { createRedisLimiter, type RedisLimiterOptions } from 'kvs-archive/redis';
import { collect } from '../helpers/collect.js';
import { recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { runWithoutPackages } from '../helpers/package/without-packages.js';
import { commandLine } from '../helpers/program/command-line.js';
import { startArchive } from '../helpers/service/archive.js';
import { makeCertificate } from '../helpers/service/certificate.js';
import { startRedis } from '../helpers/store/redis.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';
import { limitersOf, range, withRedis } from './cam-limiters.js';

withRedis('one limiter serves many streams, each with its own quotas, and ends with close', async (t) => {
	const redis = await startRedis(t);
	const { endpoint } = await startArchive(t, {
		door: recording(2, { startMs }),
		cam: recording(2, { startMs }),
	});
	const limiter = createRedisLimiter({ url: redis.url });
	await t.throwsAsync(limiter.acquire({ calls: 1 }), { code: 'KVS_INVALID_OPTION', message: /`key`/ });
	const withCredentials = endpoint.replace('//', '//user:sesame@');
	const archives = [
		new KvsArchive({ streamName: 'door', endpoint, region: 'us-east-1', limiter }),
		new KvsArchive({ streamName: 'cam', endpoint: withCredentials, region: 'us-east-1', limiter }),
	];
	t.teardown(() => Promise.all(archives.map((archive) => archive.close())));
	for (const archive of archives) t.is((await collect(archive.fragments(range))).length, 2);
	const keys = await redis.client.keys('*');
	t.deepEqual(
		keys.toSorted(),
		['cam', 'door'].map((name) => `kvs-archive:quota:${endpoint} us-east-1 ${name}`),
	);
	const held = await Promise.all(keys.map((key) => redis.client.zrange(key, 0, -1)));
	t.notRegex(inspect([keys, held]), /sesame/);
	const narrow = createRedisLimiter({ url: redis.url, key: 'one', quotas: { connections: 1 } });
	const permit = await narrow.acquire({ connections: 1 });
	const waiting = narrow.acquire({ connections: 1 });
	permit.closed();
	(await waiting).closed();
	const last = await narrow.acquire({ connections: 1 });
	const refused = t.throwsAsync(narrow.acquire({ connections: 1 }), { code: 'KVS_CLOSED' });
	last.closed();
	await narrow.close();
	await refused;
	const ending = createRedisLimiter({ url: redis.url, key: 'two' });
	(await ending.acquire({ connections: 1 })).closed();
	await ending.close();
	await until(
		async () => (await redis.client.zcard('kvs-archive:quota:two')) === 1,
		() => 'what was given back is taken still',
	);
	await t.throwsAsync(narrow.acquire({ connections: 1 }), { code: 'KVS_CLOSED' });
	await limiter.close();
	await limiter.close();
	await t.throwsAsync(collect((archives[0] as KvsArchive).fragments(range)), { code: 'KVS_CLOSED' });
});

withRedis('a wrong password and missing rights are errors at once, without the password', async (t) => {
	const redis = await startRedis(t, {
		password: 'sesame',
		user: 'reader on >open-secret ~other:* +eval +time',
	});
	for (const [user, message] of [
		['user:open-sesame', /^the limiter in redis:\/\/127\.0\.0\.1:\d+ cannot be used: WRONGPASS/],
		['reader:open-secret', /NOPERM/],
	] as const) {
		const limiter = createRedisLimiter({ url: `redis://${user}@127.0.0.1:${redis.port}`, key: 'cam' });
		const error = await t.throwsAsync(limiter.acquire({ calls: 1 }), { code: 'KVS_LIMITER_FAILED', message });
		t.notRegex(inspect(error, { depth: 9 }), /open-s/);
		await limiter.close();
	}
	(await limitersOf(t, redis)().acquire({ calls: 1 })).cancel();
});

testWith('redis-server', 'openssl')('--redis takes rediss:// and a user of few rights', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const rights = '+eval +time +pexpire +@sortedset ~kvs-archive:*';
	const redis = await startRedis(t, { user: `reader on >sesame ${rights}`, tls });
	const { endpoint } = await startArchive(t, { cam: recording(3, { startMs }) });
	const place = `rediss://reader:sesame@127.0.0.1:${redis.port}`;
	const stream = [
		'--stream',
		'cam',
		'--endpoint',
		endpoint,
		'--from',
		range.from.toISOString(),
		'--to',
		range.to.toISOString(),
	];
	const outcome = await run(process.execPath, ['dist/cli/main.js', 'events', ...stream, '--redis', place], {
		env: { NODE_EXTRA_CA_CERTS: tls.certFile },
	});
	t.is(outcome.stderr, '');
	t.is(outcome.code, 0);
	t.is(outcome.stdout.match(/end of fragment .* complete/g)?.length ?? 0, 3, outcome.stdout);
});

withRedis(
	'the command line reports once that it waits for Redis, and never prints the password',
	async (t) => {
		const redis = await startRedis(t, { password: 'sesame' });
		const { endpoint } = await startArchive(t, { cam: recording(3, { startMs }) });
		const args = [
			'list',
			'--stream',
			'cam',
			'--endpoint',
			endpoint,
			'--from',
			range.from.toISOString(),
			'--json',
		];
		await redis.stop();
		const listing = spawn(process.execPath, ['dist/cli/main.js', ...args, '--redis', redis.url]);
		t.teardown(() => listing.kill());
		const closed = once(listing, 'close');
		const [stdout, stderr]: [string[], string[]] = [[], []];
		listing.stdout.on('data', (text) => stdout.push(String(text)));
		listing.stderr.on('data', (text) => stderr.push(String(text)));
		await until(
			() => stderr.length > 0,
			() => 'nothing is said',
		);
		await redis.start();
		t.deepEqual(await within(closed, () => 'it waits on'), [0, null]);
		t.is(stdout.join('').trim().split('\n').length, 3);
		t.regex(stderr.join(''), /^waiting for redis:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED [\d.:]+\n$/);
		const denied = await commandLine([...args, '--redis', redis.url.replace('sesame', 'open-secret')]);
		t.is(denied.code, 1);
		t.regex(
			denied.stderr,
			/^KVS_LIMITER_FAILED: the limiter in redis:\/\/127\.0\.0\.1:\d+ cannot be used: WRONGPASS/,
		);
		const invalid = await commandLine([...args, '--redis', 'http://user:open-secret@host']);
		t.is(invalid.code, 2);
		t.notRegex(denied.stderr + invalid.stderr, /open-secret/);
	},
);

withRedis('permits that are held do not keep the process alive, one that is waited for does', async (t) => {
	const { url } = await startRedis(t);
	const program = `
		import { createRedisLimiter } from 'kvs-archive/redis';
		const limiter = createRedisLimiter({ url: ${JSON.stringify(url)}, key: 'cam', quotas: { callsPerSecond: 1 } });
		for (const n of [1, 2]) {
			(await limiter.acquire({ calls: 1, connections: 1 })).sent();
			console.log(n);
		}`;
	const ended = await within(
		run(process.execPath, ['--input-type=module', '-e', program]),
		() => 'it runs on',
	);
	t.deepEqual(ended, { code: 0, stdout: '1\n2\n', stderr: '' });
});

test('invalid options are refused', (t) => {
	const url = 'redis://127.0.0.1';
	for (const options of [
		{},
		{ url: 'http://host' },
		{ url, quotas: { callsPerSecond: 0 } },
		{ url, uri: url },
	]) {
		t.throws(() => createRedisLimiter(options as RedisLimiterOptions), { code: 'KVS_INVALID_OPTION' });
	}
});

test('without the package ioredis one line says what to install', async (t) => {
	const program = `
		import { createRedisLimiter } from './dist/redis/index.js';
		const limiter = createRedisLimiter({ url: 'redis://127.0.0.1', key: 'cam' });
		await limiter.acquire({ calls: 1 }).catch(({ code, message }) => console.log(code, message));
		await limiter.close();`;
	t.deepEqual(await runWithoutPackages(t, program), {
		code: 0,
		stdout:
			'KVS_PEER_MISSING this needs the package `ioredis`, which is not installed: npm install ioredis\n',
		stderr: '',
	});
});
