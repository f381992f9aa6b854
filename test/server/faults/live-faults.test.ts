// Longer than 300 lines: a test for each fault of PutMedia and GetMedia, on the same server.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions, FaultRule, RequestRecord, ResponseRecord } from '#lib/server/index.js';
import { ackErrorName } from '#lib/server/wire/ack-error-name.js';
import { Producer, type ReceivedAck } from '../../helpers/service/producer.js';
import { everything, type Json, startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { until } from '../../helpers/wait.js';
import { plainClient } from '../plain-client.js';
import { clusterOf, frame, header, UNSIZED } from '../put-media/body.js';
import { RawConnection } from '../raw-connection.js';
import { SteppedClock } from '../stepped-clock.js';

const BASE_MS = Date.UTC(2026, 0, 31);

/** A server with these faults and a stream `cam`. */
async function startLive(
	t: ExecutionContext,
	faults: readonly FaultRule[],
	options: ArchiveServerOptions = {},
) {
	const clock = new SteppedClock();
	const requests: RequestRecord[] = [];
	const responses: ResponseRecord[] = [];
	const started = await startServer(t, {
		clock,
		faults,
		onRequest: (record) => requests.push(record),
		onResponseEnd: (record) => responses.push(record),
		onWarning: () => {},
		...options,
	});
	await started.server.archive.ready;
	await started.server.archive.createStream({ name: 'cam' });
	const send = plainClient(t, started.url);
	return {
		...started,
		clock,
		requests,
		responses,
		send,
		put: () => Producer.open(started.url, { stream: 'cam' }),
		live: () => send('GetMedia', { StreamName: 'cam', StartSelector: { StartSelectorType: 'EARLIEST' } }),
		/** Producer times of what is listed, in milliseconds. */
		listed: async (): Promise<number[]> => {
			const { json } = await started.call('ListFragments', {
				StreamName: 'cam',
				FragmentSelector: everything,
			});
			return json.Fragments.map(({ ProducerTimestamp }: Json) => Math.round(ProducerTimestamp * 1000)).sort(
				(a: number, b: number) => a - b,
			);
		},
		hasEnded: (count: number) =>
			until(
				() => responses.length >= count,
				() => `${responses.length} of ${count} responses have ended`,
			),
	};
}

/** So many Clusters, one second each, from the time 1000 on. */
function clusters(count: number): Buffer[] {
	return Array.from({ length: count }, (_, index) => clusterOf(1000 * (index + 1)));
}

function eventsOf(acks: readonly ReceivedAck[], type: string): (number | undefined)[] {
	return acks.flatMap((ack) => (ack.EventType === type ? [ack.FragmentTimecode] : []));
}

const refusals: [FaultRule, RegExp][] = [
	[{ fault: 'throttle' }, /^HTTP\/1.1 400 [\s\S]*ClientLimitExceededException/],
	[
		{ fault: 'throttle', error: 'ConnectionLimitExceededException', operation: 'PutMedia' },
		/^HTTP\/1.1 400 [\s\S]*ConnectionLimitExceededException/,
	],
	[{ fault: 'server-error', status: 503 }, /^HTTP\/1.1 503 [\s\S]*ServiceUnavailable/],
	[{ fault: 'reset' }, /^$/],
	[{ fault: 'hang-up', operation: 'PutMedia' }, /^$/],
];
for (const [rule, head] of refusals) {
	test(`PutMedia is refused by ${JSON.stringify(rule)}, stores nothing, and the next one is served`, async (t) => {
		const { put, requests, listed } = await startLive(t, [{ ...rule, nth: 1 }]);
		const refused = await put();
		t.regex(await refused.responded(), head);
		await refused.ended;
		t.deepEqual(requests[0]?.faults, [{ rule: 0, fault: rule.fault }]);
		const next = await put();
		await next.put(Buffer.concat([header(), clusterOf(5000)]));
		t.deepEqual(await listed(), [5000]);
	});
}

test('fault rules refuse GetMedia and the operations on streams, which then have no effect', async (t) => {
	const { send, live, server } = await startLive(t, [
		{ fault: 'server-error', times: 1, operation: 'CreateStream' },
		{ fault: 'reset', times: 1, operation: 'DeleteStream' },
		{ fault: 'throttle', times: 1, operation: 'GetMedia' },
	]);
	t.like(await send('CreateStream', { StreamName: 'new' }).response, {
		status: 500,
		awsError: 'InternalFailure',
	});
	t.is(server.archive.stream('new'), undefined);
	t.is((await send('CreateStream', { StreamName: 'new' }).response).status, 200);
	const { arn: StreamARN } = server.archive.stream('new') as { arn: string };
	t.like(await send('DeleteStream', { StreamARN }).response, { status: 0, broke: 'ECONNRESET' });
	t.not(server.archive.stream('new'), undefined);
	t.is((await send('DeleteStream', { StreamARN }).response).status, 200);
	t.like(await live().response, { status: 400, awsError: 'ClientLimitExceededException' });
	t.is(await live().head, 200);
});

test('PutMedia responds late', async (t) => {
	const { put, clock, listed } = await startLive(t, [{ fault: 'no-response', ms: 7777, nth: 1 }]);
	const producer = await put();
	await clock.isSleptOn(7777);
	t.is(producer.head, '');
	clock.advance(7777);
	t.regex(await producer.responded(), /^HTTP\/1.1 200/);
	await producer.put(Buffer.concat([header(), clusterOf(1000)]));
	t.deepEqual(await listed(), [1000]);
});

test('a cut closes the connection of a producer at its byte; fragments before it are kept and acknowledged', async (t) => {
	const media = [header(), ...clusters(4)];
	const atByte = Buffer.concat(media.slice(0, 4)).byteLength - 3;
	const { put, listed, responses, hasEnded } = await startLive(t, [
		{ fault: 'cut', operation: 'PutMedia', atByte, nth: 1 },
	]);
	const producer = await put();
	await producer.send(Buffer.concat(media));
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks, 'PERSISTED'), [1000, 2000]);
	t.deepEqual(eventsOf(producer.acks, 'ERROR'), []);
	t.not(producer.chunks.at(-1), '', 'no last chunk');
	t.deepEqual(await listed(), [1000, 2000]);
	await hasEnded(1);
	t.like(responses[0], { isComplete: false, request: { faults: [{ rule: 0, fault: 'cut' }] } });
	const next = await put();
	await next.put(Buffer.concat(media));
	t.deepEqual(await listed(), [1000, 1000, 2000, 2000, 3000, 4000]);
});

test('a cut at byte 0 closes the connection of a producer before its body', async (t) => {
	const { put, listed } = await startLive(t, [{ fault: 'cut', operation: 'PutMedia', atByte: 0 }]);
	const producer = await put();
	await producer.ended;
	t.deepEqual(producer.acks, []);
	t.deepEqual(await listed(), []);
});

test('a clean cut ends the body of a producer as if it were whole', async (t) => {
	const media = [header(), ...clusters(3)];
	const atByte = Buffer.concat(media.slice(0, 3)).byteLength;
	const { put } = await startLive(t, [{ fault: 'cut', as: 'clean', operation: 'PutMedia', atByte }]);
	const producer = await put();
	await producer.send(Buffer.concat(media));
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks, 'PERSISTED'), [1000, 2000]);
	t.is(producer.chunks.at(-1), '');
});

test('a stall of PutMedia pauses reading without counting as silence of the producer', async (t) => {
	const media = [header(), ...clusters(3)];
	const atByte = Buffer.concat(media.slice(0, 3)).byteLength;
	const { put, clock } = await startLive(t, [
		{ fault: 'stall', operation: 'PutMedia', atByte, ms: 3_600_000 },
	]);
	const producer = await put();
	await producer.send(Buffer.concat(media));
	await producer.ack(
		({ EventType, FragmentTimecode }) => EventType === 'PERSISTED' && FragmentTimecode === 1000,
	);
	await clock.isSleptOn(3_600_000);
	await clock.pass(40_000, 5000);
	t.deepEqual(eventsOf(producer.acks, 'IDLE'), []);
	t.deepEqual(eventsOf(producer.acks, 'BUFFERING'), [1000, 2000]);
	producer.socket.destroy();
});

test('reading resumes after a stall', async (t) => {
	const media = [header(), ...clusters(3)];
	const { put, clock } = await startLive(t, [{ fault: 'stall', operation: 'PutMedia', atByte: 10, ms: 777 }]);
	const producer = await put();
	const done = producer.put(Buffer.concat(media));
	await clock.isSleptOn(777);
	t.deepEqual(producer.acks, []);
	clock.advance(777);
	t.deepEqual(eventsOf(await done, 'PERSISTED'), [1000, 2000, 3000]);
});

test('a cut of the response ends the acknowledgements inside one of them', async (t) => {
	const { url, hasEnded, responses } = await startLive(t, [
		{ fault: 'cut', operation: 'PutMedia', of: 'response', atByte: 40 },
	]);
	const connection = RawConnection.open(t, url);
	const body = Buffer.concat([header(), clusterOf(1000), clusterOf(2000, [frame(0)], UNSIZED)]);
	const lines = [
		'POST /putMedia HTTP/1.1',
		'Host: localhost',
		'transfer-encoding: chunked',
		'x-amzn-stream-name: cam',
		'x-amzn-fragment-timecode-type: ABSOLUTE',
		'x-amzn-producer-start-timestamp: 0',
	];
	connection.write(
		`${lines.join('\r\n')}\r\n\r\n${body.byteLength.toString(16)}\r\n${body.toString('latin1')}\r\n`,
	);
	t.regex(await connection.closed(), /\r\n28\r\n\{"EventType":"BUFFERING","FragmentTimeco\r\n$/);
	await hasEnded(1);
	t.like(responses[0], { bytesSent: 40, isComplete: false });
});

for (const as of ['abort', 'clean'] as const) {
	test(`GetMedia is cut after so many bytes, without waiting for more: ${as}`, async (t) => {
		const { put, live, responses, hasEnded } = await startLive(t, [
			{ fault: 'cut', operation: 'GetMedia', atByte: 100, as, nth: 1 },
			{ fault: 'cut', operation: 'GetMedia', atByte: 0, as, nth: 2 },
		]);
		const producer = await put();
		await producer.put(Buffer.concat([header(), clusterOf(1000)]));
		const broke = as === 'clean' ? null : 'ECONNRESET';
		const cut = await live().response;
		t.like(cut, { status: 200, broke });
		t.is(cut.body.byteLength, 100);
		t.like(await live().response, { status: 200, broke });
		await hasEnded(3);
		t.deepEqual(responses.map(({ bytesSent }) => bytesSent).slice(1), [100, 0]);
		const { head, received, destroy } = live();
		t.is(await head, 200);
		await received(101);
		destroy();
	});
}

test('GetMedia stalls for a while', async (t) => {
	const { put, live, clock, responses, hasEnded } = await startLive(t, [
		{ fault: 'stall', operation: 'GetMedia', atByte: 100, ms: 777, nth: 1 },
		{ fault: 'stall', operation: 'GetMedia', atByte: 100, nth: 2 },
	]);
	const producer = await put();
	await producer.put(Buffer.concat([header(), clusterOf(1000)]));
	const reader = live();
	await reader.received(100);
	await clock.isSleptOn(777);
	clock.advance(777);
	await reader.received(101);
	const stalled = live();
	await stalled.received(100);
	stalled.destroy();
	await hasEnded(2);
	t.is(responses.at(-1)?.bytesSent, 100);
	reader.destroy();
});

for (const errorId of [4002, 4011, 4503, 5000, 5001] as const) {
	test(`the third fragment fails with ${errorId}, those before it stay, and the next connection is served`, async (t) => {
		const { put, listed, requests } = await startLive(t, [
			{ fault: 'put-error', errorId, fragment: 3, times: 1 },
		]);
		const media = Buffer.concat([header(), ...clusters(5)]);
		const producer = await put();
		await producer.send(media);
		await producer.ended;
		t.is(producer.chunks.at(-1), '');
		const buffering = producer.acks.find(
			({ EventType, FragmentTimecode }) => EventType === 'BUFFERING' && FragmentTimecode === 3000,
		);
		t.deepEqual(producer.acks.at(-1), {
			EventType: 'ERROR',
			FragmentTimecode: 3000,
			FragmentNumber: buffering?.FragmentNumber as string,
			ErrorCode: ackErrorName(errorId),
			ErrorId: errorId,
		});
		t.deepEqual(eventsOf(producer.acks, 'PERSISTED'), [1000, 2000]);
		t.deepEqual(await listed(), [1000, 2000]);
		t.deepEqual(requests[0]?.faults, [{ rule: 0, fault: 'put-error' }]);
		await (await put()).put(media);
		t.is((await listed()).length, 7);
	});
}

test('a slow disk delays PERSISTED and the listing, and nothing else', async (t) => {
	const directory = await temporaryDirectory(t);
	const { put, clock, listed } = await startLive(t, [{ fault: 'slow-disk', ms: 777 }], {
		dataDirectory: directory,
	});
	const producer = await put();
	await producer.send(Buffer.concat([header(), ...clusters(2), clusterOf(3000, [frame(0)], UNSIZED)]));
	await producer.ack(
		({ EventType, FragmentTimecode }) => EventType === 'BUFFERING' && FragmentTimecode === 3000,
	);
	await clock.isSleptOn(777);
	t.deepEqual(eventsOf(producer.acks, 'RECEIVED'), [1000, 2000]);
	t.deepEqual(eventsOf(producer.acks, 'PERSISTED'), []);
	t.deepEqual(await listed(), []);
	t.true((await readdir(join(directory, 'streams', 'cam'))).includes('00000001.mkv'));
	clock.advance(777);
	await producer.ack(
		({ EventType, FragmentTimecode }) => EventType === 'PERSISTED' && FragmentTimecode === 2000,
	);
	t.deepEqual(await listed(), [1000, 2000]);
});

test('fragments of producers are listed late by the clock', async (t) => {
	let nowMs = BASE_MS;
	const { put, listed, send } = await startLive(
		t,
		[{ fault: 'late-listing', delayMs: 5000, stream: 'cam' }],
		{ now: () => nowMs },
	);
	const producer = await put();
	const acks = await producer.put(Buffer.concat([header(), ...clusters(2)]));
	t.deepEqual(eventsOf(acks, 'PERSISTED'), [1000, 2000]);
	t.deepEqual(await listed(), []);
	// It is there all the same.
	const members = { StreamName: 'cam', Fragments: [acks[0]?.FragmentNumber] };
	t.is((await send('GetMediaForFragmentList', members).response).status, 200);
	nowMs += 4999;
	t.deepEqual(await listed(), []);
	nowMs += 1;
	t.deepEqual(await listed(), [1000, 2000]);
});

test('fragments of producers are listed from the third listing on', async (t) => {
	const { put, listed } = await startLive(t, [{ fault: 'late-listing', fromListing: 3 }]);
	const producer = await put();
	await producer.put(Buffer.concat([header(), clusterOf(1000)]));
	t.deepEqual([await listed(), await listed(), await listed()], [[], [], [1000]]);
});
