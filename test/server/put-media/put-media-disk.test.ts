import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { testWith } from '../../helpers/needs.js';
import { Producer } from '../../helpers/service/producer.js';
import { everything, type Json } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { clusterOf, frame, header, UNSIZED } from './body.js';
import { chunkOf, listed, startWithStream } from './start-stream.js';

test('fragments of producers are kept over a restart; an incomplete one is cut off, which is reported once', async (t) => {
	const dataDirectory = join(await temporaryDirectory(t), 'data');
	const first = await startWithStream(t, { dataDirectory });
	const producer = await Producer.open(first.url, { stream: 'cam' });
	await producer.put(Buffer.concat([header(), clusterOf(1000), clusterOf(2000), clusterOf(3000)]));
	const before = await listed(first);
	t.is(before.length, 3);
	const chunk = await chunkOf(first, before[1].FragmentNumber);
	await first.close();

	const directory = join(dataDirectory, 'streams', 'cam');
	t.deepEqual((await readdir(directory)).toSorted(), ['00000001.jsonl', '00000001.mkv', 'stream.json']);
	const payload = join(directory, '00000001.mkv');
	const index = join(directory, '00000001.jsonl');
	t.is((await stat(payload)).mode & 0o777, 0o600);

	const reopen = async (expected: Json[]): Promise<string[]> => {
		const warnings: string[] = [];
		const again = await startWithStream(t, { dataDirectory, onWarning: (text) => warnings.push(text) });
		t.deepEqual(await listed(again), expected);
		if (expected.length > 1) t.deepEqual(await chunkOf(again, before[1].FragmentNumber), chunk);
		await again.close();
		return warnings;
	};
	t.deepEqual(await reopen(before), []);
	// The index is not synced: all of it, or its end, may be lost.
	await rm(index);
	t.deepEqual(await reopen(before), []);
	await truncate(index, (await stat(index)).size - 10);
	t.deepEqual(await reopen(before), []);
	t.is((await readFile(index, 'utf8')).trimEnd().split('\n').length, 3);
	// A fragment that was being written.
	const whole = await readFile(payload);
	await writeFile(payload, Buffer.concat([whole, Buffer.alloc(700)]));
	const said = await reopen(before);
	t.is(said.length, 1);
	t.regex(said[0] as string, /cut 700 bytes off .*00000001\.mkv/);
	t.deepEqual(await reopen(before), []);
	// One whose record was written, and whose media was not.
	await rm(index);
	await writeFile(payload, Buffer.concat([whole.subarray(0, -5), Buffer.alloc(5)]));
	t.is((await reopen(before.slice(0, 2))).length, 1);
	t.deepEqual(await reopen(before.slice(0, 2)), []);

	const last = await startWithStream(t, { dataDirectory });
	const more = await Producer.open(last.url, { stream: 'cam' });
	await more.put(Buffer.concat([header(), clusterOf(9000)]));
	t.deepEqual(
		(await listed(last)).map(({ ProducerTimestamp }) => ProducerTimestamp),
		[1, 2, 9],
	);
	t.true((await readdir(directory)).includes('00000002.mkv'));
});

test('a stream that is deleted ends its producers, and leaves nothing on the disk', async (t) => {
	const dataDirectory = join(await temporaryDirectory(t), 'data');
	const { server, url, call } = await startWithStream(t, { dataDirectory });
	const producer = await Producer.open(url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	const stream = server.archive.stream('cam');
	if (stream !== undefined) await server.archive.deleteStream(stream);
	await producer.ended;
	t.like(producer.acks.at(-1), { EventType: 'ERROR', ErrorId: 4008, FragmentTimecode: 1000 });
	t.is((await call('DescribeStream', { StreamName: 'cam' })).status, 404);
	t.deepEqual(await readdir(join(dataDirectory, 'streams')), []);
	t.deepEqual(await readdir(join(dataDirectory, 'incoming')), []);
});

test('a disk failure ends PutMedia with an ERROR, and readers are served', async (t) => {
	const dataDirectory = join(await temporaryDirectory(t), 'data');
	const started = await startWithStream(t, { dataDirectory });
	const first = await Producer.open(started.url, { stream: 'cam' });
	await first.put(Buffer.concat([header(), clusterOf(1000)]));
	const gone = await started.server.archive.createStream({ name: 'gone' });
	await rm(join(dataDirectory, 'streams', 'gone'), { recursive: true });
	const second = await Producer.open(started.url, { stream: 'gone' });
	const clusters = [2000, 3000, 4000].map((timeMs) => clusterOf(timeMs));
	const acks = await second.put(Buffer.concat([header(), ...clusters]));
	// What was begun and did not come to the disk is not waited for.
	t.is(gone.settledMs, Number.POSITIVE_INFINITY);
	t.like(acks.at(-1), {
		EventType: 'ERROR',
		FragmentTimecode: 2000,
		ErrorId: 5001,
		ErrorCode: 'ARCHIVAL_ERROR',
	});
	t.is((await listed(started)).length, 1);
});

testWith('bash')('a full disk ends PutMedia with an ERROR; readers and producers are served', async (t) => {
	const data = join(await temporaryDirectory(t), 'data');
	const command = `ulimit -f 500 && exec "$0" "$@"`;
	const serve = [process.execPath, resolve('dist/cli/main.js'), 'serve', '--port', '0', '--data', data];
	const child = spawn('bash', ['-c', command, ...serve], { stdio: ['ignore', 'pipe', 'pipe'] });
	const closed = once(child, 'close');
	let said = '';
	child.stderr.on('data', (bytes) => {
		said += bytes;
	});
	t.teardown(async () => {
		child.kill();
		await closed;
	});
	const [line] = await once(createInterface({ input: child.stdout }), 'line');
	const url = /http:\S+/.exec(line)?.[0] ?? '';
	const created = await fetch(`${url}/createStream`, {
		method: 'POST',
		body: JSON.stringify({ StreamName: 'cam', DataRetentionInHours: 1 }),
	});
	t.is(created.status, 200);
	const persisted: number[] = [];
	for (let round = 0; round < 2; round++) {
		const producer = await Producer.open(url, { stream: 'cam' });
		await producer.send(header());
		const data = Buffer.alloc(100_000, 1);
		for (let index = 0; index < 10 && !producer.socket.readableEnded; index++) {
			const timeMs = 1000 * (10 * round + index);
			await producer.send(clusterOf(timeMs, [frame(0, { data })], UNSIZED));
		}
		await producer.ended;
		t.like(producer.acks.at(-1), { EventType: 'ERROR', ErrorId: 5001, ErrorCode: 'ARCHIVAL_ERROR' });
		const before = persisted.length;
		for (const { EventType, FragmentTimecode } of producer.acks) {
			if (EventType === 'PERSISTED') persisted.push(FragmentTimecode ?? -1);
		}
		t.true(persisted.length > before);
	}
	const listing = await fetch(`${url}/listFragments`, {
		method: 'POST',
		body: JSON.stringify({ StreamName: 'cam', FragmentSelector: everything }),
	});
	const { Fragments } = (await listing.json()) as Json;
	t.deepEqual(
		Fragments.map(({ ProducerTimestamp }: Json) => Math.round(ProducerTimestamp * 1000)).toSorted(
			(a: number, b: number) => a - b,
		),
		persisted,
	);
	t.regex(said, /PutMedia into `cam` ended with 5001 ARCHIVAL_ERROR: the fragment cannot be stored: EFBIG/);
});
