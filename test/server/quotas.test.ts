import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
	type ArchiveServerOptions,
	createArchiveServer,
	type RequestRecord,
	type ResponseRecord,
} from '#lib/server/index.js';
import { processClock } from '#lib/server/monotonic-clock.js';
import { pacedBody } from '#lib/server/quotas/paced-body.js';
import { everything, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { FakeClock } from './fake-clock.js';
import { recordedChunk, writeRecordingOf } from './made-media.js';
import { plainClient } from './plain-client.js';

const noLimit = Number.POSITIVE_INFINITY;

async function startDoor(t: ExecutionContext, options: ArchiveServerOptions, fragments = 3) {
	const clock = new FakeClock();
	const requests: RequestRecord[] = [];
	const responses = new Map<number, ResponseRecord>();
	const waiting = new Map<number, (response: ResponseRecord) => void>();
	/** The end of the response to the request of that id, once the server has seen it. */
	const ended = (id: number) =>
		new Promise<ResponseRecord>((resolve) => {
			const response = responses.get(id);
			if (response === undefined) waiting.set(id, resolve);
			else resolve(response);
		});
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'door.mkv');
	const numbers = await writeRecordingOf(file, fragments);
	const { server, url } = await startServer(t, {
		clock,
		onRequest: (record) => requests.push(record),
		onResponseEnd: (record) => {
			responses.set(record.request.id, record);
			waiting.get(record.request.id)?.(record);
		},
		...options,
	});
	await server.archive.ingest('door', file);
	await server.archive.ingest('gate', file);
	const send = plainClient(t, url);
	const ask = (operation: string, body: object) => send(operation, { StreamName: 'door', ...body }).response;
	const media = (Fragments: string[], StreamName = 'door') =>
		ask('GetMediaForFragmentList', { Fragments, StreamName });
	return { clock, requests, ended, numbers, server, url, send, ask, media };
}

test('five media calls in any rolling second, per stream', async (t) => {
	const { clock, requests, numbers, media } = await startDoor(t, { quotas: 'aws' });
	const [first = ''] = numbers;
	const statuses: number[] = [];
	for (const atMs of [0, 100, 200, 300, 400, 999.9, 1000, 1099.9, 1100]) {
		clock.nowMs = atMs;
		const { status, awsError } = await media([first]);
		statuses.push(status);
		if (status !== 200) t.is(awsError, 'ClientLimitExceededException');
	}
	t.deepEqual(statuses, [200, 200, 200, 200, 200, 400, 200, 400, 200]);
	t.is((await media([first], 'gate')).status, 200);
	t.deepEqual(
		requests.map(({ isThrottled }) => isThrottled),
		[...statuses.map((status) => status === 400), false],
	);
	t.deepEqual(
		requests.map(({ arrivedAtMs }) => arrivedAtMs),
		[0, 100, 200, 300, 400, 999.9, 1000, 1099.9, 1100, 1100],
	);
});

test('a request is let in while its bucket is positive, and its debt delays the next', async (t) => {
	const { clock, requests, numbers, media } = await startDoor(t, {
		quotas: { mediaCallsPerSecond: noLimit },
	});
	const of = (count: number) => Array.from({ length: count }, () => numbers[0] as string);
	const at = async (atMs: number, count: number) => {
		clock.nowMs = atMs;
		return (await media(of(count))).status;
	};
	t.is(await at(0, 499), 200);
	t.is(await at(0, 1000), 200, 'one point is left');
	t.is(await at(0, 1), 400, '999 points of debt');
	t.is(await at(1998, 1), 400, 'paid, but empty');
	t.is(await at(1999, 1), 200);
	t.is(await at(60_000, 500), 200, 'a bucket holds no more than a second');
	t.is(await at(60_000, 1), 400);
	t.deepEqual(
		requests.map(({ fragmentsAsked }) => fragmentsAsked),
		[499, 1000, 1, 1, 1, 500, 1],
	);
});

test('listings cost their MaxResults, whatever they list, and the default where it is absent', async (t) => {
	const { clock, requests, ask } = await startDoor(t, { quotas: 'aws' });
	const list = async (members: object) =>
		(await ask('ListFragments', { FragmentSelector: everything, ...members })).status;
	for (let call = 0; call < 10; call++) t.is(await list({ MaxResults: 1000 }), 200);
	t.is(await list({ MaxResults: 1 }), 400);
	clock.nowMs = 5;
	t.is(await list({}), 200);
	t.is(await list({}), 400, 'the last one left a debt of 50');
	t.deepEqual(
		requests.map(({ metadataPoints }) => metadataPoints),
		[...Array.from({ length: 10 }, () => 1000), 1, 100, 100],
	);
});

test('five GetDataEndpoint and five DescribeStream calls a second, counted apart', async (t) => {
	const { clock, ask } = await startDoor(t, { quotas: 'aws' });
	for (let call = 0; call < 5; call++) {
		t.is((await ask('GetDataEndpoint', { APIName: 'LIST_FRAGMENTS' })).status, 200);
		t.is((await ask('DescribeStream', {})).status, 200);
	}
	t.is(
		(await ask('GetDataEndpoint', { APIName: 'LIST_FRAGMENTS' })).awsError,
		'ClientLimitExceededException',
	);
	t.is((await ask('DescribeStream', {})).awsError, 'ClientLimitExceededException');
	t.is((await ask('DescribeStream', { StreamName: 'gate' })).status, 200);
	clock.nowMs = 1000;
	t.is((await ask('DescribeStream', {})).status, 200);
});

test('invalid requests cost nothing, and refused ones neither', async (t) => {
	const { ask, media, numbers } = await startDoor(t, { quotas: { mediaCallsPerSecond: 1 } });
	for (let call = 0; call < 3; call++) t.is((await media(['1'])).awsError, 'InvalidArgumentException');
	t.is((await media(numbers)).status, 200);
	t.is((await media(numbers)).status, 400);
	t.is((await ask('ListStreams', {})).status, 200);
});

test('a sixth connection is refused until one of the five is gone, whoever ended it', async (t) => {
	const { requests, ended, numbers, send } = await startDoor(t, {
		quotas: { mediaCallsPerSecond: noLimit },
		faults: [{ fault: 'stall', atByte: 10, times: 5 }],
	});
	const body = { StreamName: 'door', Fragments: [numbers[0]] };
	const open = [];
	for (let call = 0; call < 5; call++) {
		const sent = send('GetMediaForFragmentList', body);
		await sent.received(10);
		open.push(sent);
	}
	const refused = await send('GetMediaForFragmentList', body).response;
	t.is(refused.awsError, 'ClientLimitExceededException');
	open[2]?.destroy();
	t.like(await ended(3), { bytesSent: 10, isComplete: false });
	t.is((await send('GetMediaForFragmentList', body).response).status, 200);
	t.deepEqual(
		requests.map(({ openMediaConnections }) => openMediaConnections),
		[0, 1, 2, 3, 4, 5, 4],
	);
});

test('a body is paced in small slices, with a burst of 50 ms', async (t) => {
	const clock = new FakeClock();
	const bytesPerSecond = 25_000_000;
	const signal = new AbortController().signal;
	const sent: { atMs: number; sizeBytes: number }[] = [];
	for await (const slice of pacedBody([Buffer.alloc(3_000_000), Buffer.alloc(2_000_000)] as never, {
		bytesPerSecond,
		clock,
		signal,
	})) {
		sent.push({ atMs: clock.nowMs, sizeBytes: slice.byteLength });
	}
	let total = 0;
	for (const { atMs, sizeBytes } of sent) {
		t.true(sizeBytes <= 262_144);
		// Admitted at a debt of up to 50 ms, the slice itself comes on top.
		t.true(total <= ((atMs + 50.001) * bytesPerSecond) / 1000);
		total += sizeBytes;
	}
	t.is(total, 5_000_000);
	t.true(clock.nowMs > 130 && clock.nowMs < 150, `${clock.nowMs}`);
	t.true(Math.max(...clock.sleeps) <= 11);
});

test('a slow reader saves up no more than the burst', async (t) => {
	const clock = new FakeClock();
	const signal = new AbortController().signal;
	let atOnce = 0;
	let isResumed = false;
	for await (const slice of pacedBody([Buffer.alloc(10_000_000)] as never, {
		bytesPerSecond: 25_000_000,
		clock,
		signal,
	})) {
		if (!isResumed) {
			clock.nowMs += 60_000;
			isResumed = true;
			clock.sleeps.length = 0;
		} else if (clock.sleeps.length === 0) atOnce += slice.byteLength;
	}
	t.true(atOnce <= 25_000 * 50 + 262_144, `${atOnce}`);
});

test('the process clock ends a sleep that is aborted', async (t) => {
	const gone = new AbortController();
	const asleep = processClock.sleep(1e9, gone.signal);
	gone.abort();
	await t.throwsAsync(asleep, { name: 'AbortError' });
	const beforeMs = processClock.now();
	t.true(processClock.now() >= beforeMs);
});

test('a media response is sent at 25 MB/s, and its record has the bytes sent and the time of the end', async (t) => {
	const { clock, server, ended, media } = await startDoor(t, { quotas: 'aws' });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'big.mkv');
	const number = ((1n << 156n) + (9n << 92n)).toString();
	const chunk = recordedChunk(number, 1000, randomBytes(3_000_000).toString('hex'));
	await writeFile(file, chunk);
	await server.archive.ingest('big', file);
	const begunMs = clock.nowMs;
	const { body } = await media([number], 'big');
	t.true(body.equals(chunk));
	const expectedMs = (chunk.byteLength / 25_000_000) * 1000;
	t.true(clock.nowMs - begunMs > expectedMs - 70 && clock.nowMs - begunMs <= expectedMs);
	const response = await ended(1);
	t.like(response, { bytesSent: chunk.byteLength, isComplete: true, endedAtMs: clock.nowMs });
	t.is(response.request.operation, 'GetMediaForFragmentList');
});

test('without quotas nothing is refused or paced', async (t) => {
	const { clock, requests, numbers, media } = await startDoor(t, {});
	for (let call = 0; call < 20; call++) t.is((await media(numbers)).status, 200);
	t.deepEqual(clock.sleeps, []);
	t.true(requests.every(({ isThrottled }) => !isThrottled));
});

test('invalid quotas are refused', (t) => {
	for (const quotas of ['on', 5, { mediaPoints: 1 }, { mediaConnections: 0 }, { mediaConnections: '5' }]) {
		const error = t.throws(() => createArchiveServer({ quotas: quotas as never }));
		t.like(error, { code: 'KVS_INVALID_OPTION' }, JSON.stringify(quotas));
	}
});
