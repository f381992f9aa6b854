// Longer than 300 lines: the table of refused requests, by operation.

import { writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RequestRecord } from '#lib/server/index.js';
import { everything, type Json, type StartedServer, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { recordedChunk, writeRecordingOf } from './made-media.js';

const CREATION_MS = 1_700_000_000_123;
const ARN = `arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/${CREATION_MS}`;

async function startDoor(
	t: ExecutionContext,
	records: RequestRecord[] = [],
): Promise<StartedServer & { numbers: string[] }> {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'door.mkv');
	const numbers = await writeRecordingOf(file, 5);
	const started = await startServer(t, {
		now: () => CREATION_MS,
		onRequest: (record) => records.push(record),
	});
	await started.server.archive.ingest('door', file);
	await writeFile(file, recordedChunk('777', 1000));
	await started.server.archive.ingest('other', file);
	return { ...started, numbers };
}

const invalid = 'InvalidArgumentException';
const range = (StartTimestamp: unknown, EndTimestamp: unknown) => ({
	FragmentSelector: {
		FragmentSelectorType: 'SERVER_TIMESTAMP',
		TimestampRange: { StartTimestamp, EndTimestamp },
	},
});

/** Operation, request, status and name of the error of the response. */
const refused: [string, unknown, number, string, RegExp?][] = [
	['ListFragments', { FragmentSelector: everything }, 400, invalid, /StreamName or StreamARN/],
	['ListFragments', { StreamName: null, FragmentSelector: everything }, 400, invalid],
	[
		'ListFragments',
		{ StreamName: 'unknown', FragmentSelector: everything },
		404,
		'ResourceNotFoundException',
		/not found or not active/,
	],
	['ListFragments', { StreamName: '', FragmentSelector: everything }, 400, invalid],
	['ListFragments', { StreamName: 'a/b', FragmentSelector: everything }, 400, invalid],
	['ListFragments', { StreamName: 'a'.repeat(257), FragmentSelector: everything }, 400, invalid],
	['ListFragments', { StreamName: '..', FragmentSelector: everything }, 404, 'ResourceNotFoundException'],
	[
		'ListFragments',
		{ StreamName: '__proto__', FragmentSelector: everything },
		404,
		'ResourceNotFoundException',
	],
	['ListFragments', { StreamName: 7, FragmentSelector: everything }, 400, invalid],
	['ListFragments', { StreamARN: 'door', FragmentSelector: everything }, 400, invalid],
	[
		'ListFragments',
		{ StreamARN: ARN.replace(/\d$/, '9'), FragmentSelector: everything },
		404,
		'ResourceNotFoundException',
	],
	['ListFragments', { StreamName: 'other', StreamARN: ARN, FragmentSelector: everything }, 400, invalid],
	['ListFragments', { StreamName: 'door' }, 400, invalid, /FragmentSelector/],
	['ListFragments', { StreamName: 'door', FragmentSelector: 7 }, 400, invalid],
	['ListFragments', { StreamName: 'door', FragmentSelector: {} }, 400, invalid, /FragmentSelectorType/],
	[
		'ListFragments',
		{ StreamName: 'door', FragmentSelector: { ...everything, FragmentSelectorType: 'server' } },
		400,
		invalid,
	],
	[
		'ListFragments',
		{ StreamName: 'door', FragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP' } },
		400,
		invalid,
		/TimestampRange/,
	],
	['ListFragments', { StreamName: 'door', ...range(1, undefined) }, 400, invalid, /EndTimestamp/],
	[
		'ListFragments',
		{ StreamName: 'door', ...range(undefined, 1) },
		400,
		invalid,
		/FragmentSelector.TimestampRange.StartTimestamp/,
	],
	['ListFragments', { StreamName: 'door', ...range('2020-01-01', 1e10) }, 400, invalid],
	['ListFragments', { StreamName: 'door', ...range(0, 1e300) }, 400, invalid],
	['ListFragments', { StreamName: 'door', ...range(2, 1) }, 400, invalid, /not to be before/],
	...[0, -1, 1001, 1.5, '5', true].map((MaxResults): [string, unknown, number, string, RegExp] => [
		'ListFragments',
		{ StreamName: 'door', FragmentSelector: everything, MaxResults },
		400,
		invalid,
		/MaxResults to be a whole number from 1 to 1000/,
	]),
	...['', 'no base64!', 'YWJj', `${'A'.repeat(4100)}`, 'YWJj-_'].map(
		(NextToken): [string, unknown, number, string, RegExp] => [
			'ListFragments',
			{ StreamName: 'door', NextToken },
			400,
			invalid,
			/NextToken/,
		],
	),
	['GetMediaForFragmentList', { StreamName: 'door' }, 400, invalid, /Fragments to be a list of 1 to 1000/],
	['GetMediaForFragmentList', { StreamName: 'door', Fragments: [] }, 400, invalid],
	['GetMediaForFragmentList', { StreamName: 'door', Fragments: '777' }, 400, invalid],
	[
		'GetMediaForFragmentList',
		{ StreamName: 'door', Fragments: Array(1001).fill('777') },
		400,
		invalid,
		/got "1001"/,
	],
	...['abc', '', '9'.repeat(129), '12', 7, null, '777'].map(
		(number): [string, unknown, number, string, RegExp] => [
			'GetMediaForFragmentList',
			{ StreamName: 'door', Fragments: [number] },
			400,
			invalid,
			/^Fragment numbers are invalid : \[/,
		],
	),
	['GetMediaForFragmentList', { StreamName: 'nobody', Fragments: ['777'] }, 404, 'ResourceNotFoundException'],
	['GetDataEndpoint', { StreamName: 'door' }, 400, invalid, /APIName/],
	['GetDataEndpoint', { StreamName: 'door', APIName: 'LISTFRAGMENTS' }, 400, invalid],
	['GetDataEndpoint', { StreamName: 'nobody', APIName: 'LIST_FRAGMENTS' }, 404, 'ResourceNotFoundException'],
	['DescribeStream', {}, 400, invalid],
	['DescribeStream', { StreamName: 'nobody' }, 404, 'ResourceNotFoundException'],
	['ListStreams', { MaxResults: 10_001 }, 400, invalid],
	['ListStreams', { MaxResults: 0 }, 400, invalid],
	['ListStreams', { NextToken: 'YWJj' }, 400, invalid],
	[
		'ListStreams',
		{ StreamNameCondition: { ComparisonOperator: 'EQUALS', ComparisonValue: 'd' } },
		400,
		invalid,
	],
	['ListFragments', '{"StreamName":', 400, 'SerializationException'],
	['ListFragments', '[]', 400, 'SerializationException'],
	['ListFragments', 'null', 400, 'SerializationException'],
	['ListFragments', '"door"', 400, 'SerializationException'],
	[
		'ListFragments',
		`{"StreamName":"${'a'.repeat(1024 * 1024)}"}`,
		400,
		invalid,
		/a body of at most 1048576 bytes/,
	],
	['ListFragmentsX', {}, 404, 'UnknownOperationException'],
	['toString', {}, 404, 'UnknownOperationException'],
];

test('refuses invalid requests that the SDKs do not check, as the service does', async (t) => {
	const { call } = await startDoor(t);
	for (const [operation, body, status, name, message = /./] of refused) {
		const label = `${operation} ${JSON.stringify(body).slice(0, 120)}`;
		const response = await call(operation, body);
		t.is(response.status, status, label);
		t.is(response.headers.get('x-amzn-ErrorType'), name, label);
		t.is(response.headers.get('x-amz-ErrorType'), name, label);
		t.regex(response.headers.get('x-amzn-RequestId') ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
		t.is(response.headers.get('x-amz-RequestId'), response.headers.get('x-amzn-RequestId'));
		t.is(response.headers.get('content-type'), 'application/json');
		t.deepEqual(Object.keys(response.json), ['__type', 'Message', 'message'], label);
		t.is(response.json.__type, name, label);
		t.is(response.json.Message, response.json.message);
		t.regex(response.json.Message, message, label);
	}
});

test('responds to a GET with 404 and takes a body without a type, an unknown member and a query', async (t) => {
	const { url, call } = await startDoor(t);
	const get = await fetch(`${url}/listFragments`);
	t.is(get.status, 404);
	t.is(((await get.json()) as Json).__type, 'UnknownOperationException');
	const { status } = await call('ListFragments', {
		StreamName: 'door',
		StreamARN: null,
		Extra: {},
		FragmentSelector: everything,
	});
	t.is(status, 200);
	const untyped = await fetch(`${url}/describeStream?X-Amz-Date=1`, {
		method: 'POST',
		body: Buffer.from('{"StreamName":"door"}'),
	});
	t.is(untyped.status, 200);
});

test('writes times as the service does and includes both ends of a range', async (t) => {
	const { url, call, numbers } = await startDoor(t);
	const list = async (start: number, end: number, type = 'PRODUCER_TIMESTAMP') => {
		const selector = {
			FragmentSelectorType: type,
			TimestampRange: { StartTimestamp: start, EndTimestamp: end },
		};
		const { json } = await call('ListFragments', { StreamName: 'door', FragmentSelector: selector });
		return json.Fragments.map((fragment: Json) => numbers.indexOf(fragment.FragmentNumber)).sort();
	};
	t.deepEqual(await list(1_600_000_001, 1_600_000_003), [1, 2, 3]);
	t.deepEqual(await list(1_600_000_001.001, 1_600_000_002.999), [2]);
	t.deepEqual(await list(1_600_000_002, 1_600_000_002), [2]);
	t.deepEqual(await list(1_600_000_000.5, 1_600_000_001.5, 'SERVER_TIMESTAMP'), [0, 1]);
	t.deepEqual(await list(5, 6), []);
	const response = await fetch(`${url}/listFragments`, {
		method: 'POST',
		body: JSON.stringify({ StreamName: 'door', ...range(1_600_000_000.5, 1_600_000_000.5) }),
	});
	const text = await response.text();
	t.true(text.startsWith('{"Fragments":[{"FragmentLengthInMilliseconds":0,"FragmentNumber":"9134'));
	t.true(
		text.endsWith('"ProducerTimestamp":1.6E9,"ServerTimestamp":1.6000000005E9}],"NextToken":null}'),
		text,
	);
});

test('finds streams by name and by ARN', async (t) => {
	const { url, call } = await startDoor(t);
	const described = await call('DescribeStream', { StreamARN: ARN });
	t.deepEqual(described.json.StreamInfo, {
		CreationTime: CREATION_MS / 1000,
		DataRetentionInHours: 24,
		DeviceName: null,
		IngestionConfiguration: null,
		KmsKeyId: 'alias/aws/kinesisvideo',
		MediaType: 'video/h264',
		Status: 'ACTIVE',
		StreamARN: ARN,
		StreamName: 'door',
		Version: described.json.StreamInfo.Version,
	});
	t.is((await call('DescribeStream', { StreamARN: ARN, StreamName: 'door' })).status, 200);
	for (const api of [
		'PUT_MEDIA',
		'GET_MEDIA',
		'LIST_FRAGMENTS',
		'GET_MEDIA_FOR_FRAGMENT_LIST',
		'GET_HLS_STREAMING_SESSION_URL',
		'GET_DASH_STREAMING_SESSION_URL',
		'GET_CLIP',
		'GET_IMAGES',
	]) {
		const { json } = await call('GetDataEndpoint', { StreamName: 'door', APIName: api });
		t.deepEqual(json, { DataEndpoint: url });
	}
	const names = async (body: object) => {
		const { json } = await call('ListStreams', body);
		return [json.StreamInfoList.map((info: Json) => info.StreamName), json.NextToken];
	};
	t.deepEqual(await names({}), [['door', 'other'], null]);
	const condition = { ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'ot' };
	t.deepEqual(await names({ StreamNameCondition: condition }), [['other'], null]);
	const [first, token] = await names({ MaxResults: 1 });
	t.deepEqual(first, ['door']);
	t.deepEqual(await names({ MaxResults: 1, NextToken: token }), [['other'], null]);
	t.is((await call('ListFragments', { StreamName: 'door', NextToken: token })).status, 400);
});

test('a token always gives the same page, for its own stream only', async (t) => {
	const { server, call } = await startDoor(t);
	const first = await call('ListFragments', {
		StreamName: 'door',
		FragmentSelector: everything,
		MaxResults: 2,
	});
	const { NextToken } = first.json;
	t.regex(NextToken, /^[a-zA-Z0-9+/]+={0,2}$/);
	const second = await call('ListFragments', { StreamName: 'door', NextToken });
	t.is(second.json.Fragments.length, 2);

	const directory = await temporaryDirectory(t);
	await writeRecordingOf(join(directory, 'more.mkv'), 20, 10, 5000);
	t.is((await server.archive.ingest('door', join(directory, 'more.mkv'))).addedFragments, 20);

	const again = await call('ListFragments', {
		StreamName: 'door',
		NextToken,
		MaxResults: 1000,
		FragmentSelector: { ...everything, FragmentSelectorType: 'SERVER_TIMESTAMP' },
	});
	t.deepEqual(again.json.Fragments, second.json.Fragments);
	const third = await call('ListFragments', { StreamName: 'door', NextToken: second.json.NextToken });
	t.is(third.json.Fragments.length, 1);
	t.is(third.json.NextToken, null);
	t.is((await call('ListFragments', { StreamName: 'other', NextToken })).status, 400);
	const touched = `${NextToken.slice(0, 60)}${NextToken[60] === 'A' ? 'B' : 'A'}${NextToken.slice(61)}`;
	t.is((await call('ListFragments', { StreamName: 'door', NextToken: touched })).status, 400);
	const foreign = await startDoor(t);
	t.is((await foreign.call('ListFragments', { StreamName: 'door', NextToken })).status, 400);
});

test('sends chunks in the order of the request, a repeated one twice', async (t) => {
	const records: RequestRecord[] = [];
	const { url, numbers } = await startDoor(t, records);
	const asked = [3, 0, 3].map((index) => numbers[index] as string);
	const response = await fetch(`${url}/getMediaForFragmentList`, {
		method: 'POST',
		body: JSON.stringify({ StreamName: 'door', Fragments: asked }),
	});
	t.is(response.headers.get('content-type'), 'video/webm');
	t.is(response.headers.get('content-length'), null);
	const expected = [3, 0, 3].map((index) =>
		recordedChunk(numbers[index] as string, 1_600_000_000_000 + index * 1000),
	);
	t.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.concat(expected));
	t.deepEqual(records, [
		{
			id: 1,
			method: 'POST',
			operation: 'GetMediaForFragmentList',
			stream: 'door',
			statusCode: 200,
			isThrottled: false,
			faults: [],
			fragmentsAsked: 3,
			metadataPoints: 0,
			openMediaConnections: 0,
			fragments: 3,
			timeMs: CREATION_MS,
			arrivedAtMs: records[0]?.arrivedAtMs as number,
		},
	]);
});

test('serves only requests whose Host names this machine', async (t) => {
	const { url } = await startDoor(t);
	const { port } = new URL(url);
	const ask = (host: string) =>
		new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
			const sent = request(
				{ host: '127.0.0.1', port, method: 'POST', path: '/getDataEndpoint', headers: { host } },
				(response) => {
					let text = '';
					response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
					response.on('end', () =>
						resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
					);
				},
			);
			sent.on('error', reject);
			sent.end('{"StreamName":"door","APIName":"LIST_FRAGMENTS"}');
		});
	for (const host of [
		'localhost',
		`LOCALHOST:${port}`,
		'127.0.0.1:1',
		`127.8.9.10:${port}`,
		'[::1]:80',
		'[::1]',
	]) {
		const response = await ask(host);
		t.is(response.status, 200, host);
		// Producers send no port, whatever it is.
		const named = /:\d+$/.test(host) ? host : `${host}:${port}`;
		t.is(response.text, `{"DataEndpoint":"http://${named}"}`);
	}
	for (const host of [
		'evil.example',
		'localhost.evil.example',
		'127.0.0.1.evil.example',
		'127.evil',
		'10.0.0.1',
		'[::2]',
		'localhost@evil',
		'a b',
		'localhost:99999999',
	]) {
		const response = await ask(host);
		t.is(response.status, 403, host);
		t.is(response.headers['x-amzn-errortype'], 'AccessDeniedException');
		t.regex(response.text, /expected the Host header to name this machine/);
	}
});

test('the connection of a client that disconnects inside a response is closed, and the next request is served', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'large.mkv');
	await writeFile(file, recordedChunk('1', 1000, 'x'.repeat(24 * 1024 * 1024)));
	const { server, url } = await startServer(t);
	await server.archive.ingest('large', file);
	const sockets: import('node:net').Socket[] = [];
	server.on('connection', (socket) => sockets.push(socket));
	const abort = new AbortController();
	const response = await fetch(`${url}/getMediaForFragmentList`, {
		method: 'POST',
		body: '{"StreamName":"large","Fragments":["1"]}',
		signal: abort.signal,
	});
	await (response.body as ReadableStream<Uint8Array>).getReader().read();
	const [socket] = sockets;
	const gone = new Promise((resolve) => socket?.once('close', resolve));
	abort.abort();
	await gone;
	t.true(socket?.destroyed);
	const whole = await fetch(`${url}/getMediaForFragmentList`, {
		method: 'POST',
		body: '{"StreamName":"large","Fragments":["1"]}',
	});
	t.true((await whole.arrayBuffer()).byteLength > 24 * 1024 * 1024);
});
