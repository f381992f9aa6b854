import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { KvsArchive } from 'kvs-archive';
import { sharedRateLimiter } from '#lib/pace/shared-rate-limiter.js';
import { fragmentDocument, fragmentNumber, frameBlock, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { run } from '../helpers/tools.js';

const range = between(0, 60_000);

/** Far more than sockets and the reader hold, so that its response stays open until it is read. */
const largeFragment = fragmentDocument({
	number: fragmentNumber(1),
	producerMs: startMs,
	blocks: Array.from({ length: 32 }, (_, index) => ({
		...frameBlock(index, { keyframe: index === 0 }),
		data: Buffer.alloc(1024 * 1024, index),
	})),
});

test('limiters of one key share their quotas, those of another key do not', async (t) => {
	const a = sharedRateLimiter(async () => 'a', { connections: 1 });
	const again = sharedRateLimiter(async () => 'a');
	const b = sharedRateLimiter(async () => 'b', { connections: 1 });
	const permit = await a.acquire({ connections: 1 });
	let isGiven = false;
	const waiting = again.acquire({ connections: 1 }).then((next) => {
		isGiven = true;
		return next;
	});
	(await b.acquire({ connections: 1 })).cancel();
	t.false(isGiven);
	permit.closed();
	(await waiting).cancel();
});

test('quotas given later apply to everyone who shares the limiter', async (t) => {
	const narrow = sharedRateLimiter(async () => 'c', { connections: 1 });
	const first = await narrow.acquire({ connections: 1 });
	const waiting = narrow.acquire({ connections: 1 });
	const wide = sharedRateLimiter(async () => 'c', { connections: 3 });
	const third = await wide.acquire({ connections: 1 });
	for (const permit of [first, await waiting, third]) permit.cancel();
	t.pass();
});

test('a limiter is forgotten when nothing uses it, and not while a request counts', async (t) => {
	const module = pathToFileURL(resolve('dist/pace/shared-rate-limiter.js'));
	const program = `
		import { setTimeout } from 'node:timers/promises';
		import { sharedRateLimiter } from ${JSON.stringify(module)};
		const collect = async () => { for (let i = 0; i < 5; i++) { gc(); await setTimeout(1); } };
		const use = async (key) => (await sharedRateLimiter(async () => key, { callsPerSecond: 1 }).acquire({ calls: 1 }));
		for (let i = 0; i < 50; i++) (await use('warm ' + i)).cancel();
		await collect();
		const before = process.memoryUsage().heapUsed;
		for (let i = 0; i < 300; i++) (await use('stream ' + i)).cancel();
		await collect();
		const bytesPerKey = (process.memoryUsage().heapUsed - before) / 300;
		let waited;
		// On a busy machine the second in which a request counts may be over before it is looked at.
		for (let i = 0; waited === undefined && i < 50; i++) {
			const sentMs = performance.now();
			(await use('counted ' + i)).sent();
			await collect();
			let isGiven = false;
			use('counted ' + i).then(() => { isGiven = true; });
			for (const key of ['new a', 'new b', 'new c']) (await use(key + i)).cancel();
			if (!isGiven) waited = true;
			else if (performance.now() - sentMs < 1000) waited = false;
		}
		console.log(JSON.stringify({ isFlat: bytesPerKey < 5000, waited }));
		process.exit();`;
	const outcome = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', program]);
	t.deepEqual(outcome, { code: 0, stdout: '{"isFlat":true,"waited":true}\n', stderr: '' });
});

test('a stream has one limiter by name and by ARN, for the archive and for parts of its client', async (t) => {
	const { endpoint, count } = await startArchive(t, {
		door: largeFragment,
		other: recording(1, { startMs }),
	});
	const byName = new KvsArchive({
		streamName: 'door',
		endpoint,
		region: 'us-east-1',
		quotas: { connections: 1 },
	});
	const { StreamInfo } = await byName.client.send('DescribeStream', {});
	const { StreamARN } = StreamInfo as { StreamARN: string };
	const byArn = new KvsArchive({ streamArn: StreamARN, endpoint });
	const other = new KvsArchive({ streamName: 'other', endpoint });
	t.teardown(() => Promise.all([byName.close(), byArn.close(), other.close()]));

	const first = byName.events(range, { maxBufferedBytes: 1 });
	for await (const event of first) {
		if (event.type !== 'frame') continue;
		const second = byArn.events(range);
		const seconds: string[] = [];
		const reading = (async () => {
			for await (const { type } of second) seconds.push(type);
		})();
		// Another stream is read to its end while the second reader waits for the first one's connection.
		for await (const _ of other.events(range));
		t.is(count('GetMediaForFragmentList'), 2);
		first.destroy();
		await reading;
		t.is(count('GetMediaForFragmentList'), 3);
		t.is(seconds.filter((type) => type === 'frame').length, 32);
		break;
	}
});

test.serial('the region in the key is the one that calls use, wherever it stands', async (t) => {
	const endpoint = 'http://127.0.0.1:1';
	const keyOf = (options: { region?: string; streamName?: string; streamArn?: string }): Promise<string> =>
		new KvsArchive({ streamName: 'door', endpoint, ...options } as { streamName: string }).client.quotaKey();
	const before = process.env['AWS_REGION'];
	process.env['AWS_REGION'] = 'eu-west-1';
	t.teardown(() => {
		if (before === undefined) delete process.env['AWS_REGION'];
		else process.env['AWS_REGION'] = before;
	});
	t.is(await keyOf({}), await keyOf({ region: 'eu-west-1' }));
	t.not(await keyOf({}), await keyOf({ region: 'us-east-1' }));
	const streamArn = 'arn:aws:kinesisvideo:eu-west-1:123456789012:stream/door/1700000000000';
	const byArn = new KvsArchive({ streamArn, endpoint });
	t.is(await byArn.client.quotaKey(), await keyOf({}));
});
