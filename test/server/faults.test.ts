// Longer than 300 lines: a test for each fault of the reading operations, on the same recording.

import {
	ClientLimitExceededException,
	GetMediaForFragmentListCommand,
	KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';
import test from 'ava';
import type { FaultRule } from '#lib/server/index.js';
import { DocumentScan } from '#lib/server/ingest/document-scan.js';
import { until } from '../helpers/wait.js';
import { startFaultyDoor } from './faulty-door.js';
import { plainClient } from './plain-client.js';

/** Lengths of the chunks must be equal, and are: numbers and times have as many digits. */
const concat = (chunks: readonly Buffer[], ...indexes: number[]): Buffer =>
	Buffer.concat(indexes.map((index) => chunks[index] as Buffer));

for (const error of [
	'ClientLimitExceededException',
	'ConnectionLimitExceededException',
	'ThrottlingException',
] as const) {
	test(`throttles with ${error}`, async (t) => {
		const door = await startFaultyDoor(t, { faults: [{ fault: 'throttle', error, nth: 2 }] });
		t.is((await door.media(0).response).status, 200);
		t.like(await door.media(0).response, { status: 400, awsError: error, broke: null });
		t.is((await door.media(0).response).status, 200);
		t.like(door.requests[1], {
			statusCode: 400,
			isThrottled: true,
			fragments: 0,
			fragmentsAsked: 1,
			faults: [{ rule: 0, fault: 'throttle' }],
		});
		t.like(door.requests[2], { isThrottled: false, faults: [] });
	});
}

test('the SDK throws its typed error for a throttle', async (t) => {
	const { url, numbers } = await startFaultyDoor(t, { faults: [{ fault: 'throttle' }] });
	const client = new KinesisVideoArchivedMediaClient({
		region: 'us-east-1',
		endpoint: url,
		credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
	});
	t.teardown(() => client.destroy());
	await t.throwsAsync(
		client.send(new GetMediaForFragmentListCommand({ StreamName: 'door', Fragments: [...numbers] })),
		{ instanceOf: ClientLimitExceededException },
	);
});

test('server-error responds with 500, or with the status of the rule', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'server-error', nth: 1 },
			{ fault: 'server-error', status: 503, nth: 2, operation: 'ListFragments' },
		],
	});
	const list = () => door.send('ListFragments', { FragmentSelector: {} }).response;
	t.like(
		await list(),
		{ status: 400, awsError: 'InvalidArgumentException' },
		'invalid requests match no rule',
	);
	t.like(await door.media(0).response, { status: 500, awsError: 'InternalFailure' });
	await door.list();
	await t.throwsAsync(door.list(), undefined, 'an error has no fragments');
	t.is(door.requests.at(-1)?.statusCode, 503);
});

for (const [fault, broke] of [
	['reset', 'ECONNRESET'],
	['hang-up', 'ECONNRESET'],
] as const) {
	test(`${fault} in place of a response`, async (t) => {
		const door = await startFaultyDoor(t, { faults: [{ fault, times: 1 }] });
		t.like(await door.media(0).response, { status: 0, broke });
		await door.ended(1);
		t.like(door.requests[0], { statusCode: 0, faults: [{ rule: 0, fault }] });
		t.like(door.responses[0], { bytesSent: 0, isComplete: false });
		t.is((await door.media(0).response).status, 200);
	});
}

test('no-response delays a response, or never sends it', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'no-response', ms: 30_000, nth: 1 },
			{ fault: 'no-response', nth: 2 },
		],
	});
	t.deepEqual((await door.media(1).response).body, door.chunks[1]);
	t.deepEqual(door.clock.sleeps, [30_000]);
	const silent = door.media(1);
	// The log has its line before the silence begins.
	await until(
		() => door.requests.length >= 2,
		() => `${door.requests.length} requests`,
	);
	silent.destroy();
	await door.ended(2);
	t.like(door.responses[1], { bytesSent: 0, isComplete: false });
});

const cuts: [string, FaultRule, (size: number) => number][] = [
	['after the head', { fault: 'cut', atByte: 0 }, () => 0],
	['at a byte', { fault: 'cut', atByte: 77 }, () => 77],
	['past the end', { fault: 'cut', atByte: 1e9 }, (size) => 3 * size],
	['at a fraction', { fault: 'cut', atFraction: 0.5 }, (size) => Math.floor(1.5 * size)],
	['inside a SimpleBlock', { fault: 'cut', inside: 'Block', fragment: 2 }, (size) => 2 * size - 5],
	['inside the EBML header', { fault: 'cut', inside: 'EBML', fragment: 'last' }, (size) => 2 * size + 22],
	['after the head of a Segment', { fault: 'cut', inside: 'Segment', fragment: 2 }, (size) => size + 52],
];
for (const [where, rule, offset] of cuts) {
	for (const as of ['abort', 'clean'] as const) {
		test(`cut ${where}, ${as}`, async (t) => {
			const door = await startFaultyDoor(t, { faults: [{ ...rule, as } as FaultRule] });
			const { status, body, broke } = await door.media(0, 1, 2).response;
			t.is(status, 200);
			t.is(broke, as === 'clean' ? null : 'ECONNRESET');
			const sizeBytes = offset(door.chunks[0]?.byteLength ?? 0);
			t.is(body.byteLength, sizeBytes);
			t.deepEqual(body, concat(door.chunks, 0, 1, 2).subarray(0, sizeBytes));
			await door.ended(1);
			t.like(door.responses[0], { bytesSent: sizeBytes, isComplete: as === 'clean' });
			t.deepEqual(door.requests[0]?.faults, [{ rule: 0, fault: 'cut' }]);
		});
	}
}

test('a cut inside an element ends within that element', async (t) => {
	for (const inside of ['EBML', 'Info', 'Tracks', 'Tags', 'Cluster', 'Block'] as const) {
		const door = await startFaultyDoor(t, { faults: [{ fault: 'cut', as: 'clean', inside }] });
		const { body } = await door.media(0).response;
		t.true(body.byteLength > 0 && body.byteLength < (door.chunks[0]?.byteLength ?? 0), inside);
		const scan = new DocumentScan();
		scan.write(body);
		t.is(scan.end()?.code, 'KVS_MEDIA_TRUNCATED', inside);
	}
});

test('a cut inside an element that the fragment lacks is at its middle', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [{ fault: 'cut', as: 'clean', inside: 'Block', element: 9, fragment: 2 }],
	});
	const size = door.chunks[0]?.byteLength ?? 0;
	t.is((await door.media(0, 1).response).body.byteLength, size + Math.floor(size / 2));
});

test('a response in JSON breaks off too, where the rule says so', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [{ fault: 'cut', atFraction: 0.5, operation: 'ListFragments' }],
	});
	const { status, broke } = await door.send('ListFragments', {
		FragmentSelector: {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: { StartTimestamp: 0, EndTimestamp: 1e10 },
		},
	}).response;
	t.like({ status, broke }, { status: 200, broke: 'ECONNRESET' });
	t.is((await door.media(0).response).broke, null);
});

test('a stall ends after its time, or without one when the client disconnects', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'stall', atByte: 100, ms: 5000, nth: 1 },
			{ fault: 'stall', atByte: 0, ms: 7000, nth: 1 },
			{ fault: 'stall', atByte: 100, nth: 2 },
			{ fault: 'stall', atByte: 0, nth: 3 },
		],
	});
	t.deepEqual((await door.media(0, 1).response).body, concat(door.chunks, 0, 1));
	t.deepEqual(door.clock.sleeps, [7000, 5000]);
	t.is(door.requests[0]?.faults.length, 2);
	const stalled = door.media(0, 1);
	await stalled.received(100);
	stalled.destroy();
	await door.ended(2);
	t.like(door.responses[1], { bytesSent: 100, isComplete: false });
	const headed = door.media(0);
	t.is(await headed.head, 200, 'the head comes before the stall');
	headed.destroy();
	await door.ended(3);
});

/** Documents of a payload: number, whether it is an exception, and the text around it. */
function documentsOf(body: Buffer): { number: string | null; isException: boolean }[] {
	const scan = new DocumentScan();
	scan.write(body);
	scan.end();
	return scan.documents.map(({ number, isException }) => ({ number, isException }));
}

test('in-band exceptions as GetMedia spells them end the response', async (t) => {
	const door = await startFaultyDoor(t, { faults: [{ fault: 'exception', code: 5000, fragment: 2 }] });
	const { body, broke } = await door.media(0, 1, 2).response;
	t.is(broke, null);
	const [, number = ''] = door.numbers;
	t.deepEqual(documentsOf(body), [
		{ number: door.numbers[0] as string, isException: false },
		{ number, isException: true },
	]);
	const text = body.toString('latin1');
	t.regex(text, /AWS_KINESISVIDEO_ERROR_CODE.{6}INTERNAL_ERROR/s);
	t.regex(text, /AWS_KINESISVIDEO_ERROR_ID.{6}5000/s);
	t.is(door.requests[0]?.fragments, 1);
});

test('in-band exceptions as documented, with the next fragment after them', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{
				fault: 'exception',
				code: 4503,
				name: 'the key is not available',
				spelling: 'documented',
				isNumbered: false,
				goesOn: true,
			},
		],
	});
	const { body } = await door.media(0, 1).response;
	t.deepEqual(documentsOf(body), [
		{ number: null, isException: true },
		{ number: door.numbers[1] as string, isException: false },
	]);
	const text = body.toString('latin1');
	t.regex(text, /AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE.{6}4503/s);
	t.regex(text, /AWS_KINESISVIDEO_EXCEPTION_MESSAGE.{6}the key is not available/s);
});

test('an exception chunk has the sizes of the capture', async (t) => {
	const door = await startFaultyDoor(t, { faults: [{ fault: 'not-ready' }] });
	const { body } = await door.media(0).response;
	const tags = body.subarray(body.indexOf(Buffer.from('1254c367', 'hex')));
	t.is(tags.subarray(4, 8).toString('hex'), '100000d5');
	t.is(tags.subarray(10, 14).toString('hex'), '100000cf');
	t.is(tags.subarray(16, 20).toString('hex'), '10000039');
	t.is(tags.byteLength, 8 + 0xd5);
});

test('a fragment is not ready for as many first requests as the rule says', async (t) => {
	const door = await startFaultyDoor(t, {});
	const [, second = ''] = door.numbers;
	const late = await startFaultyDoor(t, {
		faults: [{ fault: 'not-ready', requests: 2, fragmentNumber: second, goesOn: true }],
	});
	const exceptions = async (...indexes: number[]) =>
		documentsOf((await late.media(...indexes).response).body).map(({ isException }) => isException);
	t.deepEqual(await exceptions(0, 2), [false, false]);
	t.deepEqual(await exceptions(0, 1, 2), [false, true, false]);
	t.deepEqual(await exceptions(1), [true]);
	t.deepEqual(await exceptions(0, 1, 2), [false, false, false]);
	t.deepEqual(
		late.requests.map(({ faults }) => faults.length),
		[0, 1, 1, 0],
	);
});

test('a share of the fragments is not ready, and the response ends at the first', async (t) => {
	const door = await startFaultyDoor(t, { faults: [{ fault: 'not-ready', share: 0.5 }] }, 40);
	const all = door.numbers.map((_, index) => index);
	const documents = documentsOf((await door.media(...all).response).body);
	t.true(documents.length < 40);
	t.deepEqual(
		documents.map(({ isException }) => isException),
		documents.map((_, index) => index === documents.length - 1),
	);
	// All of them have been asked for once now.
	t.deepEqual((await door.media(...all).response).body, Buffer.concat(door.chunks));
});

test('a duplicate follows its fragment at once, or at the end of the response', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'duplicate', fragment: 2, nth: 1 },
			{ fault: 'duplicate', again: 'last', nth: 2 },
		],
	});
	t.deepEqual((await door.media(0, 1, 2).response).body, concat(door.chunks, 0, 1, 1, 2));
	t.deepEqual((await door.media(0, 1, 2).response).body, concat(door.chunks, 0, 1, 2, 0));
	t.is(door.requests[0]?.fragments, 4);
	t.is(door.requests[0]?.fragmentsAsked, 3);
});

test('a shuffled response has all, in another order', async (t) => {
	const door = await startFaultyDoor(t, { faults: [{ fault: 'shuffle' }] });
	for (let call = 0; call < 20; call++) {
		const { body } = await door.media(0, 1, 2).response;
		const indexes = documentsOf(body).map(({ number }) => door.numbers.indexOf(number ?? ''));
		t.notDeepEqual(indexes, [0, 1, 2]);
		t.deepEqual(
			indexes.sort((a, b) => a - b),
			[0, 1, 2],
		);
	}
	t.deepEqual((await door.media(3).response).body, door.chunks[3]);
	t.deepEqual(door.requests.at(-1)?.faults, []);
});

test('leave-out omits fragments, and the response ends cleanly', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'leave-out', nth: 1 },
			{ fault: 'leave-out', fragment: 2, count: 2, nth: 2 },
			{ fault: 'leave-out', fragment: 1, count: 9, nth: 3 },
		],
	});
	t.deepEqual((await door.media(0, 1, 2).response).body, concat(door.chunks, 0, 1));
	t.deepEqual((await door.media(0, 1, 2, 3).response).body, concat(door.chunks, 0, 3));
	t.like(await door.media(0, 1).response, { status: 200, broke: null, body: Buffer.alloc(0) });
});

test('faults of one request add up', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'duplicate' },
			{ fault: 'leave-out' },
			{ fault: 'cut', as: 'clean', inside: 'Segment', fragment: 3 },
		],
	});
	const { body } = await door.media(0, 1, 2).response;
	const size = door.chunks[0]?.byteLength ?? 0;
	t.deepEqual(body, concat(door.chunks, 0, 0, 1).subarray(0, 2 * size + 52));
	t.deepEqual(
		door.requests[0]?.faults.map(({ rule }) => rule),
		[0, 1, 2],
	);
});

test('an empty page has a token for the page that was due', async (t) => {
	const door = await startFaultyDoor(t, { faults: [{ fault: 'empty-page', every: 2 }] });
	const first = await door.list({ MaxResults: 3 });
	t.is(first.numbers.length, 3);
	const empty = await door.list({ NextToken: first.token });
	t.deepEqual(empty.numbers, []);
	const last = await door.list({ NextToken: empty.token });
	t.is(last.token, null);
	t.deepEqual([...first.numbers, ...last.numbers].sort(), door.numbers);
	t.deepEqual((await door.list({})).numbers, []);
});

test('fragments are listed late by the clock', async (t) => {
	// The fragments' server times are 1,600,000,000,500 and a second more each.
	let nowMs = 1_600_000_000_500 + 2000 + 999;
	const door = await startFaultyDoor(t, {
		now: () => nowMs,
		faults: [{ fault: 'late-listing', delayMs: 1000 }],
	});
	t.deepEqual((await door.list()).numbers, door.numbers.slice(0, 2));
	nowMs += 1;
	t.deepEqual((await door.list()).numbers, door.numbers.slice(0, 3));
	nowMs += 60_000;
	t.deepEqual((await door.list()).numbers, door.numbers);
	t.deepEqual(
		door.requests.map(({ faults, fragments }) => [faults.length, fragments]),
		[
			[1, 2],
			[1, 3],
			[0, 5],
		],
	);
});

test('fragments are listed late by the count of listings, one or a share of them', async (t) => {
	const { numbers } = await startFaultyDoor(t, {});
	const [, second = ''] = numbers;
	const one = await startFaultyDoor(t, {
		faults: [{ fault: 'late-listing', fromListing: 3, fragmentNumber: second }],
	});
	const others = numbers.filter((number) => number !== second);
	t.deepEqual((await one.list()).numbers, others);
	t.deepEqual((await one.list()).numbers, others);
	t.deepEqual((await one.list()).numbers, numbers);
	const share = await startFaultyDoor(
		t,
		{ faults: [{ fault: 'late-listing', fromListing: 2, share: 0.3 }] },
		60,
	);
	const listed = (await share.list()).numbers.length;
	t.true(listed > 30 && listed < 55, `${listed}`);
	t.is((await share.list()).numbers.length, 60);
});

test('a dead endpoint refuses connections', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'dead-endpoint', nth: 1 },
			{ fault: 'dead-endpoint', nth: 2, endpoint: 'http://localhost:9' },
		],
	});
	const ask = async (): Promise<string> => {
		const { body } = await door.send('GetDataEndpoint', { APIName: 'LIST_FRAGMENTS' }).response;
		return JSON.parse(body.toString()).DataEndpoint;
	};
	const dead = await ask();
	t.is((await plainClient(t, dead)('ListFragments', {}).response).broke, 'ECONNREFUSED');
	t.is(await ask(), 'http://localhost:9');
	t.is(await ask(), door.url);
});

test('a server that closes ends stalled responses', async (t) => {
	const door = await startFaultyDoor(t, {
		faults: [
			{ fault: 'no-response', nth: 1 },
			{ fault: 'stall', atByte: 10, nth: 2 },
		],
	});
	const silent = door.media(0);
	await until(
		() => door.requests.length >= 1,
		() => `${door.requests.length} requests`,
	);
	const stalled = door.media(0);
	await stalled.received(10);
	await door.close();
	await door.ended(2);
	t.is((await silent.response).broke, 'ECONNRESET');
	t.is((await stalled.response).broke, 'ECONNRESET');
});
