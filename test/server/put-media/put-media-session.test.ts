// Longer than 300 lines: one operation from its headers to a full disk, on one kind of producer.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { block } from '#lib/mkv/matroska-writer.js';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { serviceTags } from '#lib/server/wire/chunk-writer.js';
import { testWith } from '../../helpers/needs.js';
import { Producer, type ReceivedAck } from '../../helpers/service/producer.js';
import {
	everything,
	type Json,
	type StartedServer,
	startServer,
} from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { until } from '../../helpers/wait.js';
import { SteppedClock } from '../stepped-clock.js';
import { bothTracks, clusterOf, endOfFragment, frame, header, tags, UNSIZED } from './body.js';
import { fuzzPutMedia } from './fuzz.js';

const START_MS = Date.UTC(2026, 0, 31, 14);

/** A server with an empty stream `cam`, whose clock stands still unless the test has its own. */
async function startWithStream(
	t: ExecutionContext,
	{ retentionHours = 24, ...options }: ArchiveServerOptions = {},
): Promise<StartedServer> {
	// Where time stands still, nothing is idle, however busy the machine.
	const started = await startServer(t, { clock: new SteppedClock(), ...options });
	await started.server.archive.ready;
	if (started.server.archive.stream('cam') === undefined) {
		await started.server.archive.createStream({ name: 'cam', retentionHours });
	}
	return started;
}

async function listed({ call }: StartedServer, stream = 'cam'): Promise<Json[]> {
	const fragments: Json[] = [];
	for (let token: string | null = null; ; ) {
		const members = token === null ? { FragmentSelector: everything } : { NextToken: token };
		const { json } = await call('ListFragments', { StreamName: stream, MaxResults: 1000, ...members });
		fragments.push(...json.Fragments);
		token = json.NextToken;
		if (token === null) break;
	}
	return fragments.toSorted((a, b) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1));
}

async function chunkOf({ url }: StartedServer, number: string | undefined): Promise<Buffer> {
	const body = JSON.stringify({ StreamName: 'cam', Fragments: [number] });
	const response = await fetch(`${url}/getMediaForFragmentList`, { method: 'POST', body });
	return Buffer.from(await response.arrayBuffer());
}

function eventsOf(acks: readonly ReceivedAck[]): string[] {
	return acks.map(({ EventType, FragmentTimecode }) => `${EventType} ${FragmentTimecode}`);
}

const isPersisted = (timecode: number) => (ack: ReceivedAck) =>
	ack.EventType === 'PERSISTED' && ack.FragmentTimecode === timecode;

test('300 fragments are acknowledged in order, listed, and read back byte for byte', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const clusters = Array.from({ length: 300 }, (_, index) => clusterOf(START_MS + index * 1000));
	await producer.send(header());
	for (const bytes of clusters) await producer.send(bytes);
	await producer.finish();
	await producer.ended;
	t.regex(producer.head, /^HTTP\/1\.1 200/);
	t.is(producer.acks.length, 900);
	for (const [index] of clusters.entries()) {
		const own = producer.acks.filter(({ FragmentTimecode }) => FragmentTimecode === START_MS + index * 1000);
		t.deepEqual(
			own.map(({ EventType }) => EventType),
			['BUFFERING', 'RECEIVED', 'PERSISTED'],
		);
		t.is(new Set(own.map(({ FragmentNumber }) => FragmentNumber)).size, 1);
	}
	for (const type of ['BUFFERING', 'RECEIVED', 'PERSISTED']) {
		const times = producer.acks.flatMap((ack) => (ack.EventType === type ? [ack.FragmentTimecode] : []));
		t.deepEqual(
			times,
			times.toSorted((a = 0, b = 0) => a - b),
			type,
		);
	}
	// One acknowledgement, one HTTP chunk, one line; and the last chunk is empty.
	t.true(producer.chunks.slice(0, -1).every((chunk) => /^\{.*\}\n$/.test(chunk) && chunk.length < 1024));
	t.is(producer.chunks.at(-1), '');

	const fragments = await listed(started);
	t.is(fragments.length, 300);
	for (const [
		index,
		{ FragmentNumber, ProducerTimestamp, ServerTimestamp, ...rest },
	] of fragments.entries()) {
		const producerMs = START_MS + index * 1000;
		t.is(Math.round(ProducerTimestamp * 1000), producerMs);
		const serverMs = Math.round(ServerTimestamp * 1000);
		const expected = Buffer.concat([
			header(),
			serviceTags({ number: FragmentNumber, serverMs, producerMs }),
			clusters[index] as Buffer,
		]);
		t.like(rest, { FragmentLengthInMilliseconds: 40, FragmentSizeInBytes: expected.byteLength });
		if (index % 50 === 0) t.deepEqual(await chunkOf(started, FragmentNumber), expected);
	}
});

test('a fragment is listed as soon as it is acknowledged, while the next one is sent', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	t.is((await listed(started)).length, 0);
	await producer.send(clusterOf(2000, [frame(0)], UNSIZED));
	const { FragmentNumber } = await producer.ack(isPersisted(1000));
	t.deepEqual(
		(await listed(started)).map((fragment) => fragment.FragmentNumber),
		[FragmentNumber],
	);
	t.deepEqual(eventsOf(producer.acks).slice(0, 2), ['BUFFERING 1000', 'RECEIVED 1000']);
	await producer.finish();
	await producer.ended;
	t.is((await listed(started)).length, 2);
});

test('tags before the first Cluster go with the first fragment, those between two with the one before', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const lead = Buffer.concat(tags(['lead', '0']));
	const between = Buffer.concat(tags(['between', '1']));
	await producer.put(Buffer.concat([header(), lead, clusterOf(1000), between, clusterOf(2000)]));
	const [first, second] = await listed(started);
	const firstChunk = await chunkOf(started, first.FragmentNumber);
	t.true(firstChunk.includes(lead) && firstChunk.subarray(-between.byteLength).equals(between));
	const secondChunk = await chunkOf(started, second.FragmentNumber);
	t.false(secondChunk.includes('lead') || secondChunk.includes('between'));
});

const starts: [string, string, number][] = [
	['1511852108.513', 'any', 1_511_852_108_513],
	['1511852108.51', 'any', 1_511_852_108_510],
	['1511852108.51', 'AWS-PRODUCER-SDK-KVS/1.6.4', 1_511_852_108_051],
	['1511852108.5', 'AWS-SDK-KVS-CPP-CLIENT/3.6.0/1.6.4 CPPSDK', 1_511_852_108_005],
	['1511852108.7421369', 'any', 1_511_852_108_742],
	['1511852108', 'any', 1_511_852_108_000],
	['2017-11-28T06:55:08.513Z', 'any', 1_511_852_108_513],
	['0', 'any', 0],
];

test('relative timecodes count from the start, in every form that producers write it', async (t) => {
	const started = await startWithStream(t);
	for (const [start, agent, startMs] of starts) {
		const producer = await Producer.open(started.url, {
			stream: 'cam',
			timecodes: 'RELATIVE',
			start,
			headers: [`User-Agent: ${agent}`],
		});
		const acks = await producer.put(Buffer.concat([header(), clusterOf(250)]));
		t.is(acks[0]?.FragmentTimecode, 250);
		const { ProducerTimestamp } = (await listed(started)).at(-1);
		t.is(Math.round(ProducerTimestamp * 1000), startMs + 250, `${start} of ${agent}`);
	}
});

test('an error ends the connection, keeps what came before, and the next producer is served', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const body = [
		header({ tracks: bothTracks }),
		clusterOf(1000, [frame(0), frame(5, { trackNumber: 2 })]),
		clusterOf(2000),
		clusterOf(3000),
	];
	await producer.send(Buffer.concat(body));
	// The rest of the body is not waited for.
	await producer.ended;
	t.deepEqual(
		eventsOf(producer.acks),
		['BUFFERING 1000', 'RECEIVED 1000', 'BUFFERING 2000', 'PERSISTED 1000', 'ERROR 2000'].toSorted(
			(a, b) => eventsOf(producer.acks).indexOf(a) - eventsOf(producer.acks).indexOf(b),
		),
	);
	const { FragmentNumber } = producer.acks.find(
		({ EventType, FragmentTimecode }) => EventType === 'BUFFERING' && FragmentTimecode === 2000,
	) as ReceivedAck;
	t.deepEqual(producer.acks.at(-1), {
		EventType: 'ERROR',
		FragmentTimecode: 2000,
		FragmentNumber,
		ErrorCode: 'FRAMES_MISSING_FOR_TRACK',
		ErrorId: 4011,
	});
	const next = await Producer.open(started.url, { stream: 'cam' });
	await next.put(Buffer.concat([header(), clusterOf(4000)]));
	t.deepEqual(
		(await listed(started)).map(({ ProducerTimestamp }) => ProducerTimestamp),
		[1, 4],
	);
});

test('a producer that breaks off inside a cluster loses that fragment alone', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const cut = clusterOf(3000).subarray(0, -3);
	await producer.send(Buffer.concat([header(), clusterOf(1000), clusterOf(2000), cut]));
	await producer.ack(isPersisted(2000));
	producer.socket.destroy();
	const next = await Producer.open(started.url, { stream: 'cam' });
	await next.put(Buffer.concat([header(), clusterOf(4000)]));
	t.deepEqual(
		(await listed(started)).map(({ ProducerTimestamp }) => ProducerTimestamp),
		[1, 2, 4],
	);
});

test('END_OF_FRAGMENT closes a fragment while the body stays open', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const user = tags(['motion', 'yes']);
	await producer.send(
		Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED), ...user, ...endOfFragment]),
	);
	const { FragmentNumber } = await producer.ack(isPersisted(1000));
	t.true((await chunkOf(started, FragmentNumber)).includes('motion'));
	await producer.finish();
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000', 'RECEIVED 1000', 'PERSISTED 1000']);
});

test('a Cluster of known size is closed after 100 ms of silence', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000)]));
	await clock.isSleptOn(100);
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000']);
	clock.advance(100);
	await producer.ack(isPersisted(1000));
	await producer.finish();
	await producer.ended;
});

test('a silent producer gets IDLE, and is disconnected after 30 seconds', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	await clock.pass(30_000, 5000);
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000', ...Array(5).fill('IDLE undefined')]);
	t.is(producer.chunks.at(-1), '');
	// Whether more would have come to a Cluster of unknown size is not known.
	t.is((await listed(started)).length, 0);
});

test('a connection ends after 45 minutes', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	await clock.isSleptOn(5000);
	clock.advance(45 * 60_000);
	await producer.ended;
	t.like(producer.acks.at(-1), {
		EventType: 'ERROR',
		FragmentTimecode: 1000,
		ErrorId: 4003,
		ErrorCode: 'MAX_CONNECTION_DURATION_REACHED',
	});
});

test('a stream without retention says nothing of PERSISTED, and lists nothing', async (t) => {
	const started = await startWithStream(t, { retentionHours: 0 });
	const stream = await started.server.archive.createStream({ name: 'live', retentionHours: 0 });
	const producer = await Producer.open(started.url, { stream: 'live' });
	const acks = await producer.put(Buffer.concat([header(), clusterOf(1000), clusterOf(2000)]));
	t.deepEqual(eventsOf(acks), ['BUFFERING 1000', 'RECEIVED 1000', 'BUFFERING 2000', 'RECEIVED 2000']);
	t.is((await listed(started, 'live')).length, 0);
	t.is(stream.fragments.appended, 2);
});

test('producers of one stream go on side by side, and each number is given once', async (t) => {
	const started = await startWithStream(t);
	const producers = await Promise.all(
		Array.from({ length: 3 }, () => Producer.open(started.url, { stream: 'cam' })),
	);
	for (const producer of producers) await producer.send(header());
	for (let index = 0; index < 20; index++) {
		for (const [which, producer] of producers.entries()) {
			await producer.send(clusterOf(1000 * index + which, [frame(0)]));
		}
	}
	await Promise.all(producers.map((producer) => producer.finish()));
	await Promise.all(producers.map(({ ended }) => ended));
	const fragments = await listed(started);
	t.is(new Set(fragments.map(({ FragmentNumber }) => FragmentNumber)).size, 60);
	t.deepEqual(
		producers.map(({ acks }) => acks.filter(({ EventType }) => EventType === 'PERSISTED').length),
		[20, 20, 20],
	);
});

test('a producer that does not want acknowledgements gets an error all the same', async (t) => {
	const started = await startWithStream(t);
	const headers = ['x-amzn-fragment-acknowledgment-required: 0'];
	const first = await Producer.open(started.url, { stream: 'cam', headers });
	t.deepEqual(await first.put(Buffer.concat([header(), clusterOf(1000)])), []);
	t.is((await listed(started)).length, 1);
	const second = await Producer.open(started.url, { stream: 'cam', headers });
	t.like((await second.put(Buffer.from('nonsense')))[0], {
		EventType: 'ERROR',
		ErrorId: 4006,
		FragmentTimecode: -1,
		FragmentNumber: '',
	});
});

// Seen with kvssink: the archive is started anew, a connection or two are refused meanwhile, and the next body begins inside a
// Cluster. A connection that ends is not seen by libcurl while it waits to send, one that is reset is.
test('a producer that goes on inside a Cluster has its connection reset, unless it ends its body', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const bytes = Buffer.concat([...block(frame(40)), ...endOfFragment]);
	const line =
		'{"EventType":"ERROR","FragmentTimecode":-1,"FragmentNumber":"","ErrorCode":"INVALID_MKV_DATA","ErrorId":4006}\n';
	const waiting = await Producer.open(started.url, { stream: 'cam' });
	let broke = '';
	waiting.socket.on('error', (error: NodeJS.ErrnoException) => (broke = error.code ?? error.message));
	await waiting.send(bytes);
	await waiting.ack(({ EventType }) => EventType === 'ERROR');
	await clock.pass(2000, 2000);
	await waiting.ended;
	t.deepEqual(waiting.chunks, [line]);
	t.is(broke, 'ECONNRESET');
	const ending = await Producer.open(started.url, { stream: 'cam' });
	await ending.send(bytes);
	await ending.ack(({ EventType }) => EventType === 'ERROR');
	await ending.put(bytes);
	t.deepEqual(ending.chunks, [line, '']);
});

test('a body that ends before it begins gets the end of its response', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	t.like(await producer.put(Buffer.alloc(0)), { 0: { ErrorId: 4006 }, length: 1 });
	t.is(producer.chunks.at(-1), '');
});

test('headers that are wrong are refused before any media', async (t) => {
	const { url } = await startWithStream(t);
	const fields = {
		'x-amzn-stream-name': 'cam',
		'x-amzn-fragment-timecode-type': 'ABSOLUTE',
		'x-amzn-producer-start-timestamp': '0',
	};
	const cases: [Record<string, string | undefined>, number, RegExp][] = [
		[{ 'x-amzn-stream-name': undefined }, 400, /StreamName or StreamARN, got neither/],
		[{ 'x-amzn-stream-arn': 'arn:aws:kinesisvideo:us-east-1:123456789012:stream/cam/1' }, 400, /got both/],
		[{ 'x-amzn-stream-name': 'none' }, 404, /not found/],
		[{ 'x-amzn-fragment-timecode-type': 'absolute' }, 400, /one of ABSOLUTE, RELATIVE, got absolute/],
		[{ 'x-amzn-fragment-timecode-type': undefined }, 400, /got nothing/],
		[{ 'x-amzn-producer-start-timestamp': 'yesterday' }, 400, /epoch seconds or ISO 8601, got "yesterday"/],
		[
			{
				'x-amzn-producer-start-timestamp': undefined,
				'x-amzn-fragment-timecode-type': 'RELATIVE',
			},
			400,
			/with RELATIVE timecodes, got nothing/,
		],
	];
	for (const [changes, status, message] of cases) {
		const entries = Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined);
		const response = await fetch(`${url}/putMedia`, {
			method: 'POST',
			headers: Object.fromEntries(entries) as Record<string, string>,
		});
		t.is(response.status, status);
		t.regex(((await response.json()) as Json).message, message);
	}
});

test('what producers put in is there after a restart, a torn fragment is cut off, and that is said once', async (t) => {
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

test('a disk that fails is an ERROR, and readers are served', async (t) => {
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

test('broken bodies are each responded to, and leave nothing open', async (t) => {
	const report = await fuzzPutMedia(300, 42);
	t.is(report.fault, null);
	t.true(report.errors > 150 && report.taken > 0);
});

testWith('bash')('a full disk is an ERROR, readers are served, and so is the next producer', async (t) => {
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

test('more producers than a server holds are refused, and taken again when one has left', async (t) => {
	const started = await startWithStream(t);
	const producers: Producer[] = [];
	for (let count = 0; count < 256; count++) {
		const producer = await Producer.open(started.url, { stream: 'cam' });
		await producer.responded();
		producers.push(producer);
	}
	const refused = await Producer.open(started.url, { stream: 'cam' });
	t.regex(await refused.responded(), /^HTTP\/1\.1 400[\s\S]*ConnectionLimitExceededException/);
	await producers[0]?.put(Buffer.alloc(0));
	await until(
		() => started.server.archive.producers < 256,
		() => `${started.server.archive.producers} producers`,
	);
	const next = await Producer.open(started.url, { stream: 'cam' });
	t.is((await next.put(Buffer.concat([header(), clusterOf(1000)]))).length, 3);
	for (const producer of producers) producer.socket.destroy();
});
