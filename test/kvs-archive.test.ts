import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import test from 'ava';
import {
	type CallRecord,
	type Fragment,
	type FragmentFailureEvent,
	type Frame,
	KvsArchive,
	type MediaEvent,
	type Progress,
	type RunSummary,
	type TimeRange,
} from 'kvs-archive';
import { startArchive, startMeddler } from './helpers/archive.js';
import { collect } from './helpers/collect.js';
import { matroskaFrames } from './helpers/matroska-frames.js';
import { sample, testWith } from './helpers/needs.js';
import { openArchive } from './helpers/open-archive.js';
import {
	audioTrack,
	failureDocument,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	recording,
	videoTrack,
} from './helpers/payload.js';
import { between, startMs } from './helpers/range.js';
import { temporaryDirectory } from './helpers/tools.js';
import { unlimited } from './helpers/unlimited.js';
import { until } from './helpers/wait.js';

const all = between(-60_000, 3_600_000);

/** A range that is listed with one call. */
const short = between(0, 800_000);

const listed = (archive: KvsArchive, range: TimeRange, options = {}): Promise<Fragment[]> =>
	collect(archive.fragments(range, options) as AsyncIterable<Fragment>);
const typesOf = (events: readonly MediaEvent[]): string => events.map(({ type }) => type).join(' ');
const deliveredNumbers = (events: readonly MediaEvent[]): (string | null)[] =>
	events
		.filter(({ type }) => type === 'fragment')
		.map((event) => (event as { fragmentNumber: string }).fragmentNumber);
const numbers = (count: number): string[] =>
	Array.from({ length: count }, (_, index) => fragmentNumber(index + 1));

test('lists every fragment once, in order, though the service answers in none', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(250) });
	const fragments = await listed(openArchive(t, endpoint), all, { pageSize: 50 });
	t.deepEqual(
		fragments.map((fragment) => fragment.fragmentNumber),
		numbers(250),
	);
	t.is(fragments[3]?.producerTimestamp.getTime(), startMs + 6000);
	t.is(fragments[3]?.serverTimestamp.getTime(), startMs + 7000);
	t.is(fragments[3]?.fragmentLengthInMilliseconds, 1000);
	t.is(count('GetDataEndpoint'), 1);
});

test('both ends of a range count, on the clock it names', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const archive = openArchive(t, endpoint);
	const range = { from: new Date(startMs + 4000), to: new Date(startMs + 8000) };
	const at = async (by: 'server' | 'producer'): Promise<number[]> =>
		(await listed(archive, { ...range, by })).map(
			({ producerTimestamp }) => producerTimestamp.getTime() - startMs,
		);
	t.deepEqual(await at('producer'), [4000, 6000, 8000]);
	t.deepEqual(await at('server'), [4000, 6000]);
	t.deepEqual(
		(await listed(archive, range)).map(({ producerTimestamp }) => producerTimestamp.getTime() - startMs),
		[4000, 6000],
	);
});

test('fragments with the same time are sorted by their number', async (t) => {
	const order = [5, 3, 9, 1];
	const media = Buffer.concat(
		order.map((index) => fragmentDocument({ number: fragmentNumber(index), producerMs: startMs })),
	);
	const { endpoint } = await startArchive(t, { door: media });
	t.deepEqual(
		(await listed(openArchive(t, endpoint), all)).map((fragment) => fragment.fragmentNumber),
		[1, 3, 5, 9].map(fragmentNumber),
	);
});

test('a range of ten sparse years costs dozens of calls', async (t) => {
	const dayMs = 86_400_000;
	const { endpoint, count } = await startArchive(t, {
		door: recording(365, { startMs: startMs - 3650 * dayMs, stepMs: 10 * dayMs }),
	});
	const range = { from: new Date(startMs - 3650 * dayMs), to: new Date(startMs), by: 'producer' } as const;
	t.is((await listed(openArchive(t, endpoint), range)).length, 365);
	t.true(count('ListFragments') < 40, `${count('ListFragments')} calls`);
});

test('windows that are too full are halved: more fragments than a window may hold come in order', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(12_000, { stepMs: 20 }) });
	const fragments = await listed(openArchive(t, endpoint), all);
	t.is(fragments.length, 12_000);
	t.true(fragments.every((fragment, index) => fragment.fragmentNumber === fragmentNumber(index + 1)));
});

test('a listing stops after maxItems and goes on from its token, in another process too', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(25) });
	const found: string[] = [];
	let startingToken: string | undefined;
	let rounds = 0;
	do {
		const source = openArchive(t, endpoint).fragments(
			startingToken === undefined ? all : { from: new Date(0), to: new Date(0) },
			{
				maxItems: 10,
				startingToken,
			},
		);
		for await (const fragment of source as AsyncIterable<Fragment>) found.push(fragment.fragmentNumber);
		startingToken = source.nextToken ?? undefined;
		rounds++;
	} while (startingToken !== undefined);
	t.deepEqual(found, numbers(25));
	t.is(rounds, 3);
});

test('a listing that ends with its last fragment has no token', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const source = openArchive(t, endpoint).fragments(all, { maxItems: 10 });
	t.is((await collect(source as AsyncIterable<Fragment>)).length, 10);
	t.is(source.nextToken, null);
});

test('a range is read as one ordered stream of events', async (t) => {
	const { endpoint, requests } = await startArchive(t, { door: recording(230) });
	const stream = openArchive(t, endpoint).events(short);
	const events = await collect(stream);
	t.true(typesOf(events) === Array(230).fill('fragment frame frame fragment-end').join(' '));
	const frames = events.filter((event): event is Frame => event.type === 'frame');
	t.deepEqual(
		frames.map(({ timestampMs }) => timestampMs),
		Array.from({ length: 460 }, (_, index) => startMs + index * 1000),
	);
	t.deepEqual(
		events.filter(({ type }) => type === 'fragment').map((event) => (event as { index: number }).index),
		Array.from({ length: 230 }, (_, index) => index),
	);
	const media = requests.filter(({ operation }) => operation === 'GetMediaForFragmentList');
	t.deepEqual(
		media.map(({ fragments }) => fragments),
		[10, 40, 100, 80],
	);
	const { elapsedMs, ...summary } = await stream.summary;
	t.true(elapsedMs >= 0);
	t.deepEqual(summary, {
		isComplete: true,
		fragments: 230,
		delivered: 230,
		failed: 0,
		missing: 0,
		failures: [],
		frames: 460,
		bytes: 4600,
		gaps: 0,
		calls: 7,
		throttled: 0,
	});
});

test('events come in batches too, the same ones', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(30) });
	const archive = openArchive(t, endpoint);
	const batches = await collect(archive.events(all).batches());
	t.is(typesOf(batches.flat()), typesOf(await collect(archive.events(all))));
});

test('frames are the encoded frames alone, the selected ones', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const frames = await collect(openArchive(t, endpoint).frames(all, { select: 'keyframes' }));
	t.deepEqual(
		frames.map(({ timestampMs, keyframe, fragmentNumber: number }) => [timestampMs, keyframe, number]),
		numbers(10).map((number, index) => [startMs + index * 2000, true, number]),
	);
});

test('an empty range ends at once', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(1) });
	const archive = openArchive(t, endpoint);
	const before = { from: new Date(0), to: new Date(1000) };
	const stream = archive.events(before);
	t.deepEqual(await collect(stream), []);
	t.is((await stream.summary).fragments, 0);
	const directory = await temporaryDirectory(t);
	await t.throwsAsync(archive.export(before, join(directory, 'x.mkv')), { code: 'KVS_EMPTY_RANGE' });
	t.deepEqual(await readdir(directory), []);
});

test('leaving the loop early is a normal end', async (t) => {
	const { endpoint, server } = await startArchive(t, { door: recording(500) });
	const archive = openArchive(t, endpoint);
	const stream = archive.events(all);
	let count = 0;
	for await (const _ of stream) if (++count === 5) break;
	t.true(stream.destroyed);
	t.true((await stream.summary).frames >= 2);
	await archive.close();
	const connections = (): Promise<number> =>
		new Promise((resolve) => server.getConnections((_, open) => resolve(open)));
	await until(
		async () => (await connections()) === 0,
		() => 'a connection is still open',
	);
});

test('an abort rejects with its reason, before and during a run', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(500) });
	const archive = openArchive(t, endpoint);
	const reason = new Error('enough');
	t.is(await t.throwsAsync(collect(archive.events(all, { signal: AbortSignal.abort(reason) }))), reason);
	const controller = new AbortController();
	const reading = async (): Promise<void> => {
		for await (const event of archive.events(all, { signal: controller.signal })) {
			if (event.type === 'frame') controller.abort(reason);
		}
	};
	t.is(await t.throwsAsync(reading()), reason);
	const directory = await temporaryDirectory(t);
	t.is(
		await t.throwsAsync(archive.export(all, join(directory, 'x.mkv'), { signal: AbortSignal.abort(reason) })),
		reason,
	);
	t.deepEqual(await readdir(directory), []);
});

test('an in-band exception is an event in its place, and the rest of the batch is asked for again', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const number = fragmentNumber(4);
	const exception = failureDocument({
		ERROR_CODE: 'FRAGMENT_NOT_FOUND',
		ERROR_ID: '3000',
		FRAGMENT_NUMBER: number,
	});
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) => {
		if (path !== '/getMediaForFragmentList' || nth > 0) return null;
		return { body: Buffer.concat([body.subarray(0, (body.length / 10) * 3), exception]) };
	});
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	const failures = events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');
	t.like(failures[0], {
		fragmentNumber: number,
		index: null,
		code: 3000,
		name: 'FRAGMENT_NOT_FOUND',
		retryable: true,
	});
	t.is(failures.length, 1);
	t.deepEqual(
		deliveredNumbers(events),
		numbers(10).filter((one) => one !== number),
	);
	t.like(await stream.summary, { fragments: 10, delivered: 9, failed: 1, missing: 0 });
});

test('a body that breaks off between two fragments costs nothing', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList' && nth < 2
			? { body: body.subarray(0, (body.length / (10 - 4 * nth)) * 4 + 100), cut: true }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	t.is(typesOf(events), Array(10).fill('fragment frame frame fragment-end').join(' '));
	t.deepEqual(deliveredNumbers(events), numbers(10));
	t.like(await stream.summary, { fragments: 10, delivered: 10, failed: 0, missing: 0 });
});

test('a body that breaks off inside a fragment costs nothing either', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList' && nth === 0
			? { body: body.subarray(0, (body.length / 10) * 5 - 3), cut: true }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	t.is(typesOf(events), Array(10).fill('fragment frame frame fragment-end').join(' '));
	t.deepEqual(deliveredNumbers(events), numbers(10));
	t.like(await stream.summary, { fragments: 10, delivered: 10, failed: 0, missing: 0 });
	t.is(archive.count('GetMediaForFragmentList'), 2);
});

test('fragments that do not come are reported missing', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList'
			? { body: nth === 0 ? body.subarray(0, (body.length / 10) * 7) : Buffer.alloc(0) }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	const failures = events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');
	t.deepEqual(
		failures.map((failure) => [failure.name, failure.fragmentNumber]),
		[8, 9, 10].map((index) => ['MISSING', fragmentNumber(index)]),
	);
	const summary = await stream.summary;
	t.like(summary, { fragments: 10, delivered: 7, failed: 0, missing: 3 });
	t.deepEqual(
		summary.failures.map((failure) => [failure.name, failure.fragmentNumber]),
		[8, 9, 10].map((index) => ['MISSING', fragmentNumber(index)]),
	);
});

test('strict makes the first failure an error', async (t) => {
	const archive = await startArchive(t, { door: recording(4) });
	const exception = failureDocument({
		EXCEPTION_ERROR_CODE: '4501',
		EXCEPTION_MESSAGE: 'The key is disabled',
		FRAGMENT_NUMBER: fragmentNumber(1),
	});
	const endpoint = await startMeddler(t, archive, ({ path }) =>
		path === '/getMediaForFragmentList' ? { body: exception } : null,
	);
	const error = await t.throwsAsync(collect(openArchive(t, endpoint).events(all, { strict: true })));
	t.like(error, {
		name: 'FragmentError',
		code: 'KVS_FRAGMENT_FAILED',
		fragmentNumber: fragmentNumber(1),
		retryable: false,
	});
});

test('a throttled call is made again', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const throttle = Buffer.from(
		JSON.stringify({ __type: 'ClientLimitExceededException', Message: 'Slow down' }),
	);
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path !== '/getDataEndpoint' && nth === 0 ? { status: 400, body: throttle } : null,
	);
	const stream = openArchive(t, endpoint).events(all);
	t.is((await collect(stream)).filter(({ type }) => type === 'frame').length, 6);
	t.like(await stream.summary, { throttled: 2, delivered: 3 });
});

test('an answer in JSON that is cut off is asked for again', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path !== '/getMediaForFragmentList' && nth < 2 ? { body: body.subarray(0, -5), cut: nth === 0 } : null,
	);
	const events = await collect(openArchive(t, endpoint).events(short));
	t.deepEqual(deliveredNumbers(events), numbers(3));
});

test('the data endpoint is asked once for each API, and again after a failure', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path === '/listFragments' && nth === 1
			? { status: 500, body: Buffer.from('{"__type":"InternalFailure"}') }
			: null,
	);
	const kvs = openArchive(t, endpoint);
	await collect(kvs.events(short));
	t.is(archive.count('GetDataEndpoint'), 2);
	await collect(kvs.events(short));
	t.is(archive.count('GetDataEndpoint'), 3);
});

test('a client handed in is used as it is', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(3) });
	const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
	const archivedMedia = new KinesisVideoArchivedMediaClient({ endpoint, region: 'eu-west-1', credentials });
	t.teardown(() => archivedMedia.destroy());
	const archive = new KvsArchive({ streamName: 'door', clients: { archivedMedia }, limiter: unlimited });
	t.is((await collect(archive.frames(all))).length, 6);
	t.is(count('GetDataEndpoint'), 0);
});

test('errors say what was tried, on what, and what came', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(1) });
	const unknown = await t.throwsAsync(listed(openArchive(t, endpoint, { streamName: 'gate' }), all));
	t.like(unknown, {
		code: 'KVS_NOT_FOUND',
		operation: 'GetDataEndpoint',
		stream: 'gate',
		statusCode: 404,
		retryable: false,
	});
	t.true(unknown?.message.includes('`gate`'), unknown?.message);
	t.throws(() => openArchive(t, 'not a url'), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => new KvsArchive({ endpoint }), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => new KvsArchive({ endpoint, streamName: 'a b' }), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => openArchive(t, endpoint).events({ from: new Date(2000), to: new Date(1000) }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).events({ from: new Date(Number.NaN), to: new Date(1000) }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).fragments(all, { startingToken: 'bm9uc2Vuc2U' }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).fragments(all, { pageSize: 1001 }), { code: 'KVS_INVALID_OPTION' });
	await t.throwsAsync(openArchive(t, endpoint).export(all, 'x.avi'), { code: 'KVS_INVALID_OPTION' });
});

test('a stream is found by its ARN', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(2) });
	const { createArchiveServer: _, ...rest } = await import('kvs-archive/server');
	t.deepEqual(Object.keys(rest), []);
	const response = await fetch(`${endpoint}/describeStream`, {
		method: 'POST',
		body: '{"StreamName":"door"}',
	});
	const { StreamInfo } = (await response.json()) as { StreamInfo: { StreamARN: string } };
	const archive = new KvsArchive({ streamArn: StreamInfo.StreamARN, endpoint, limiter: unlimited });
	t.is((await listed(archive, all)).length, 2);
	await archive.close();
});

test('a run tells how far it has come, and at its end all of it', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const reports: Progress[] = [];
	await collect(openArchive(t, endpoint).events(short, { onProgress: (progress) => reports.push(progress) }));
	const last = reports.at(-1);
	t.like(last, {
		fragments: 230,
		delivered: 230,
		failed: 0,
		missing: 0,
		frames: 460,
		bytes: 4600,
		calls: 7,
		throttled: 0,
		retries: 0,
	});
	t.is(last?.fraction, 458_000 / 800_000);
	t.true((last?.remainingMs ?? -1) >= 0);
});

test('those who trace see every call and the end of every run', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(3) });
	const calls: CallRecord[] = [];
	const runs: { summary: RunSummary; error: Error | null }[] = [];
	const onCall = (message: unknown): void => void calls.push(message as CallRecord);
	const onRun = (message: unknown): void => void runs.push(message as (typeof runs)[0]);
	subscribe('kvs-archive:call', onCall);
	subscribe('kvs-archive:run', onRun);
	t.teardown(() => {
		unsubscribe('kvs-archive:call', onCall);
		unsubscribe('kvs-archive:run', onRun);
	});
	const streamName = 'door';
	await collect(openArchive(t, endpoint, { streamName }).events(short));
	const operations = calls.filter(({ stream }) => stream === streamName).map(({ operation }) => operation);
	for (const operation of ['GetDataEndpoint', 'ListFragments', 'GetMediaForFragmentList'])
		t.true(operations.includes(operation));
	t.true(calls.every(({ durationMs }) => durationMs >= 0));
	t.true(runs.some(({ summary, error }) => summary.delivered === 3 && error === null));
});

test("quotas are the service's own unless they are said, and then no limiter is", (t) => {
	const options = { streamName: 'door', endpoint: 'http://127.0.0.1:1' };
	t.throws(() => new KvsArchive({ ...options, limiter: unlimited, quotas: { connections: 2 } }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => new KvsArchive({ ...options, quotas: { callsPerSecond: 0 } }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => new KvsArchive({ ...options, quotas: { callsPerDay: 1 } as object }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.notThrows(() => new KvsArchive({ ...options, quotas: { connections: 2 } }));
});

test('in order of arrival everything comes as well', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const events = await collect(openArchive(t, endpoint).events(short, { order: 'arrival' }));
	t.deepEqual(new Set(deliveredNumbers(events)), new Set(numbers(230)));
	t.is(events.filter(({ type }) => type === 'frame').length, 460);
});

test('with hardly any memory for reading ahead everything comes in order', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const events = await collect(openArchive(t, endpoint).events(short, { maxBufferedBytes: 1000 }));
	t.deepEqual(deliveredNumbers(events), numbers(230));
});

async function payloadsOf(file: string): Promise<{ digest: string; frames: Frame[] }> {
	const frames = await matroskaFrames(file);
	const hash = createHash('sha256');
	for (const { data } of frames) hash.update(data);
	return { digest: hash.digest('hex'), frames };
}

testWith('output_get_media.mkv')(
	'a real capture goes in and comes out as one file, every frame byte for byte',
	async (t) => {
		const path = sample('output_get_media.mkv');
		const { endpoint } = await startArchive(t, { door: path });
		const archive = openArchive(t, endpoint);
		const range = { from: new Date('2017-11-28T00:00:00Z'), to: new Date('2017-11-29T00:00:00Z') };
		const file = join(await temporaryDirectory(t), 'out.mkv');
		const summary = await archive.export(range, file);
		t.like(summary, {
			fragments: 5,
			delivered: 5,
			failed: 0,
			missing: 0,
			frames: 300,
			bytes: 2_494_505,
			gaps: 0,
			file,
		});
		const { digest, frames } = await payloadsOf(file);
		t.is(digest, 'e9fbb6b8f8b697d1a2e961992408151af50b7f22893b7c7a3ad5089a25283472');
		t.is(frames.length, 300);
		const again = join(await temporaryDirectory(t), 'again.mkv');
		await archive.export(range, again);
		t.deepEqual(await readFile(again), await readFile(file));
	},
);

testWith('vogels_480.mkv')(
	'picture and sound survive ingest and export whole, with their times',
	async (t) => {
		const path = sample('vogels_480.mkv');
		const { endpoint } = await startArchive(t, { door: path });
		const file = join(await temporaryDirectory(t), 'out.mkv');
		await openArchive(t, endpoint).export(all, file);
		const [before, after] = await Promise.all([payloadsOf(path), payloadsOf(file)]);
		t.is(after.digest, before.digest);
		t.is(after.frames.filter(({ track }) => track.type === 'video').length, 909);
		t.is(after.frames.filter(({ track }) => track.type === 'audio').length, 1425);
		for (const [index, frame] of after.frames.entries()) {
			const expected = before.frames[index] as Frame;
			t.is(frame.track.number, expected.track.number);
			t.is(frame.keyframe, expected.keyframe);
			t.true(Math.abs(Number(frame.timecodeNs - expected.timecodeNs)) <= 1e6);
		}
	},
);

test('a frame knows its server time', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: fragmentDocument({
			number: fragmentNumber(1),
			producerMs: startMs,
			serverMs: startMs + 5250,
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1, { relativeTicks: 40 })],
		}),
	});
	const frames = await collect(openArchive(t, endpoint).frames(all));
	t.deepEqual(
		frames.map(({ serverTimestampMs }) => serverTimestampMs),
		[startMs + 5250, startMs + 5290],
	);
});

/** 5 fragments of 4 s, 25 pictures and 10 sounds a second, a key frame each second; server time a second later. */
function pictureAndSound(): Buffer {
	const blocks = Array.from({ length: 100 }, (_, index) => [
		frameBlock(index, { keyframe: index % 25 === 0 }),
		...(index % 5 === 0
			? [2 * index, 2 * index + 5].map((tenth) =>
					frameBlock(tenth, { keyframe: true, trackNumber: 2, relativeTicks: tenth * 20 }),
				)
			: []),
	]).flat();
	return Buffer.concat(
		Array.from({ length: 5 }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 4000,
				tracks: [videoTrack, audioTrack],
				blocks,
			}),
		),
	);
}

const sinceStart = (frames: readonly Frame[], type: string): number[] =>
	frames
		.filter(({ track }) => track.type === type)
		.map(({ timestampMs }) => (timestampMs as number) - startMs);

test('frames begin at `from`, inside the fragment that contains it', async (t) => {
	const { endpoint, requests } = await startArchive(t, { door: pictureAndSound() });
	const archive = openArchive(t, endpoint);
	for (const [range, options] of [
		[between(6500, 9000), {}],
		[between(6500, 9000), { order: 'arrival' }],
		[between(6500, 9000), { strict: true, maxBufferedBytes: 2000 }],
		[between(7500, 10_000, 'server'), {}],
	] as const) {
		const stream = archive.frames(range, options);
		const frames = await collect(stream);
		t.is(Math.min(...sinceStart(frames, 'video')), 6520);
		t.is(Math.min(...sinceStart(frames, 'audio')), 6500);
		t.is(Math.max(...sinceStart(frames, 'video')), 11_960);
		t.is(sinceStart(frames, 'video').length, 37 + 100);
		t.true(frames.every((frame) => frame.index === (frame.fragmentNumber === fragmentNumber(2) ? 0 : 1)));
		t.like(await stream.summary, { fragments: 2, delivered: 2, failed: 0, missing: 0, gaps: 0 });
		t.is((await stream.summary).frames, frames.length);
	}
	// Of all the padding, only the fragment that contains `from` was asked for.
	const asked = requests.flatMap(({ operation, fragments }) =>
		operation === 'GetMediaForFragmentList' ? [fragments] : [],
	);
	t.is(
		asked.reduce((sum, count) => sum + count, 0),
		8,
	);
	const without = await collect(archive.frames(between(6500, 9000), { padStart: false }));
	t.is(sinceStart(without, 'video')[0], 8000);
	const selected = await collect(archive.frames(between(6500, 9000), { select: 'keyframes' }));
	t.deepEqual(sinceStart(selected, 'video'), [7000, 8000, 9000, 10_000, 11_000]);
});

test('a range inside one fragment, and one that begins before everything', async (t) => {
	const { endpoint } = await startArchive(t, { door: pictureAndSound() });
	const archive = openArchive(t, endpoint);
	t.is(sinceStart(await collect(archive.frames(between(19_000, 19_001))), 'video').length, 25);
	t.is(sinceStart(await collect(archive.frames(between(-60_000, 0))), 'video').length, 100);
	const behind = archive.frames(between(20_100, 30_000));
	t.deepEqual(await collect(behind), []);
	t.like(await behind.summary, { fragments: 0, delivered: 0, frames: 0 });
});

test('a range that begins with a fragment has nothing of the one before, on either clock', async (t) => {
	const { endpoint } = await startArchive(t, { door: pictureAndSound() });
	const archive = openArchive(t, endpoint);
	for (const range of [between(4000, 8000), between(5000, 9000, 'server')]) {
		for (const padStart of [true, false]) {
			const stream = archive.events(range, { padStart });
			const events = await collect(stream);
			t.deepEqual(deliveredNumbers(events), [2, 3].map(fragmentNumber));
			t.deepEqual(
				events.flatMap((event) => (event.type === 'fragment-end' ? [[event.index, event.frames]] : [])),
				[
					[0, 140],
					[1, 140],
				],
			);
			t.like(await stream.summary, { fragments: 2, delivered: 2, gaps: 0, frames: 280 });
		}
	}
});

test('an export begins at the last key frame at or before `from`, its sound at the same time', async (t) => {
	const { endpoint } = await startArchive(t, { door: pictureAndSound() });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const summary = await archive.export(between(6500, 9000), file);
	t.like(summary, { fragments: 2, delivered: 2, failed: 0, missing: 0, frames: 150 + 60 });
	const { frames } = await payloadsOf(file);
	const times = (type: string): number[] =>
		frames
			.filter(({ track }) => track.type === type)
			.map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));
	t.true(frames[0]?.keyframe);
	t.is(frames[0]?.track.type, 'video');
	t.is(times('video')[0], 0);
	t.is(times('video').length, 50 + 100);
	t.is(times('audio')[0], 0);
	t.is(times('video').at(-1), 5960);
	const without = await archive.export(between(6500, 9000), file, { padStart: false });
	t.like(without, { fragments: 1, delivered: 1, frames: 140 });
});

test('a failure of the fragment before the range counts where it reaches the range only', async (t) => {
	const archive = await startArchive(t, { door: pictureAndSound() });
	const number = fragmentNumber(1);
	const exception = failureDocument({
		EXCEPTION_ERROR_CODE: '4501',
		EXCEPTION_MESSAGE: 'The key is disabled',
		FRAGMENT_NUMBER: number,
	});
	const endpoint = await startMeddler(t, archive, ({ path, body }) => {
		if (path !== '/getMediaForFragmentList') return null;
		const isFirst = body.includes(number);
		return isFirst ? { body: Buffer.concat([exception, body.subarray(body.length / 2)]) } : null;
	});
	const kvs = openArchive(t, endpoint);
	const reaching = kvs.events(between(3500, 7000), { padStart: true });
	const events = await collect(reaching);
	t.like(events[0], { type: 'fragment-failure', index: null, fragmentNumber: number });
	t.deepEqual(deliveredNumbers(events), [fragmentNumber(2)]);
	t.like(await reaching.summary, { fragments: 2, delivered: 1, failed: 1 });
	await t.throwsAsync(collect(kvs.frames(between(3500, 7000), { strict: true })), {
		code: 'KVS_FRAGMENT_FAILED',
	});
	const over = kvs.frames(between(4000, 7000), { strict: true });
	t.is((await collect(over)).length, 140);
	t.like(await over.summary, { fragments: 1, delivered: 1, failed: 0 });
});

test('what breaks off behind a fragment that was left out, or in a trimmed one, is gone on with', async (t) => {
	const archive = await startArchive(t, { door: pictureAndSound() });
	for (const share of [0.25, 0.45, 0.6, 0.9]) {
		const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
			path === '/getMediaForFragmentList' && nth === 0
				? { body: body.subarray(0, body.length * share), cut: true }
				: null,
		);
		for (const [fromMs, expected] of [
			[4000, 280],
			[2500, 52 + 280],
		] as const) {
			const stream = openArchive(t, endpoint).events(between(fromMs, 8000), { padStart: true });
			const events = await collect(stream);
			const fragments = events.filter(({ type }) => type === 'fragment');
			t.deepEqual(
				fragments.map((event) => (event as { index: number }).index),
				fragments.map((_, index) => index),
			);
			const frames = events.filter((event): event is Frame => event.type === 'frame');
			t.is(frames.length, expected, `${share} of the answer, from ${fromMs}`);
			t.true(frames.every((frame) => frame.index === frame.fragment.index));
			t.like(await stream.summary, { fragments: fragments.length, delivered: fragments.length, failed: 0 });
		}
	}
});

/** Two fragments, ingested once more a minute later. */
function twice(): Buffer {
	return Buffer.concat(
		[0, 1, 2, 3].map((index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + (index % 2) * 2000,
				serverMs: startMs + (index % 2) * 2000 + (index < 2 ? 0 : 60_000),
				blocks: [
					frameBlock(index, { keyframe: true, relativeTicks: 0 }),
					frameBlock(10 + index, { relativeTicks: 1000 }),
				],
			}),
		),
	);
}

test('of duplicates all are kept, which is said, or the newest', async (t) => {
	const { endpoint } = await startArchive(t, { door: twice() });
	const archive = openArchive(t, endpoint);
	const server = between(0, 100_000, 'server');
	const cases = [
		{ range: all, duplicates: undefined, expected: [1, 3, 2, 4], gaps: ['duplicate', 'duplicate'] },
		{ range: all, duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
		{ range: server, duplicates: 'keep-all', expected: [1, 2, 3, 4], gaps: ['regression'] },
		{ range: server, duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
		{ range: between(0, 100_000), duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
	] as const;
	for (const { range, duplicates, expected, gaps } of cases) {
		const stream = archive.events(range, { duplicates });
		const events = await collect(stream);
		t.deepEqual(deliveredNumbers(events), expected.map(fragmentNumber));
		t.deepEqual(
			events.flatMap((event) => (event.type === 'gap' ? [event.kind] : [])),
			gaps,
		);
		const { length } = expected;
		t.like(await stream.summary, { fragments: length, delivered: length, failed: 0, missing: 0 });
	}
	t.throws(() => archive.events(all, { duplicates: 'keep-oldest' as 'keep-all' }), {
		code: 'KVS_INVALID_OPTION',
	});
});

test('an export has duplicates one behind the other, or the newest alone', async (t) => {
	const { endpoint } = await startArchive(t, { door: twice() });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const written = async (options = {}): Promise<[string, number][]> => {
		await archive.export(all, file, options);
		return (await payloadsOf(file)).frames.map(({ data, timecodeNs }) => [
			Buffer.from(data).toString(),
			Number(timecodeNs / 1_000_000n),
		]);
	};
	t.deepEqual(await written({ duplicates: 'keep-newest' }), [
		['frame-0002', 0],
		['frame-0012', 1000],
		['frame-0003', 2000],
		['frame-0013', 3000],
	]);
	t.deepEqual(
		(await written()).map(([name]) => name),
		[
			'frame-0000',
			'frame-0010',
			'frame-0002',
			'frame-0012',
			'frame-0001',
			'frame-0011',
			'frame-0003',
			'frame-0013',
		],
	);
});

test('after close every method says that the archive is closed, at once', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const kvs = new KvsArchive({ streamName: 'door', endpoint: archive.endpoint });
	const range = between(0, 6000);
	const pages = kvs.paginate('ListFragments');
	const source = kvs.fragments(range);
	await kvs.close();
	const calls: Readonly<Record<Exclude<keyof KvsArchive, 'client' | 'close' | symbol>, () => unknown>> = {
		fragments: () => kvs.fragments(range),
		timeline: () => kvs.timeline(range),
		events: () => kvs.events(range),
		frames: () => kvs.frames(range),
		pictures: () => kvs.pictures(range),
		export: () => kvs.export(range, 'never.mkv'),
		hlsSession: () => kvs.hlsSession({ mode: 'live' }),
		presign: () => kvs.presign('ListFragments'),
		canPaginate: () => kvs.canPaginate('ListFragments'),
		paginate: () => kvs.paginate('ListFragments'),
		waitForFragment: () => kvs.waitForFragment({ from: range.from }),
	};
	const closed = { code: 'KVS_CLOSED', message: /stream `door` was closed/ };
	for (const [name, call] of Object.entries(calls)) {
		await t.throwsAsync(async () => call(), closed, name);
	}
	await t.throwsAsync(source.toArray(), closed, 'a listing from before');
	await t.throwsAsync(pages.items().next(), closed, 'pages from before');
	await t.notThrowsAsync(kvs.close());
	t.is(archive.requests.length, 0);
});

test('a run that is under way when the archive is closed ends with that', async (t) => {
	const archive = await startArchive(t, { door: recording(500) });
	const kvs = new KvsArchive({ streamName: 'door', endpoint: archive.endpoint, limiter: unlimited });
	const range = between(0, 1_000_000);
	await t.throwsAsync(
		async () => {
			for await (const _ of kvs.events(range)) await kvs.close();
		},
		{ code: 'KVS_CLOSED' },
	);
});
