// Longer than 300 lines: one call, against services that respond as each test says.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { Ack, RequestError } from 'kvs-archive';
import { SignatureVerifier } from '#lib/server/signature/signature-verifier.js';
import { parseTarget } from '#lib/server/wire/request-target.js';
import { collect } from '../helpers/collect.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { until, within } from '../helpers/wait.js';
import { accept, ackLine, startPutService } from './put-service.js';

/** Calls with the whole body; not where it breaks off. */
function bodyOf(request: IncomingMessage, take: (body: Buffer) => void): void {
	buffer(request).then(take, () => {});
}

/** Media that is never taken. */
async function* untouched(): AsyncGenerator<Uint8Array> {
	yield await Promise.reject(new Error('the media was read'));
}

test('one request, signed as producers do, and the media as its body', async (t) => {
	const bodies: Buffer[] = [];
	const headers: NodeJS.Dict<string | string[]>[] = [];
	const service = await startPutService(t, (request, response) => {
		headers.push(request.headers);
		accept(response);
		bodyOf(request, (body) => {
			bodies.push(body);
			response.end(ackLine('PERSISTED', 1000));
		});
	});
	const archive = openArchive(t, service.endpoint);
	const media = [Buffer.from('one'), Buffer.from('two')];
	const acks = await collect(archive.putMedia(Readable.from(media)));
	t.deepEqual(acks, [
		{ eventType: 'PERSISTED', fragmentTimecode: 1000, fragmentNumber: String(10n ** 46n + 1000n) },
	]);
	await collect(archive.putMedia(Readable.from(media), { producerStart: '2026-01-31T14:03:00.093Z' }));
	await collect(archive.putMedia(Readable.from([]), { timecodes: 'relative' }));
	t.deepEqual(bodies, [Buffer.from('onetwo'), Buffer.from('onetwo'), Buffer.from('')]);
	t.deepEqual(service.paths, ['/getDataEndpoint', '/putMedia', '/putMedia', '/putMedia']);
	t.like(headers[0], {
		'x-amzn-stream-name': 'door',
		'x-amzn-fragment-timecode-type': 'ABSOLUTE',
		'x-amzn-fragment-acknowledgment-required': '1',
		'transfer-encoding': 'chunked',
		'x-amz-content-sha256': undefined,
	});
	t.like(headers[1], {
		'x-amzn-fragment-timecode-type': 'RELATIVE',
		'x-amzn-producer-start-timestamp': '1769868180.093',
	});
	t.is(headers[2]?.['x-amzn-fragment-timecode-type'], 'RELATIVE');
});

test('acknowledgements are parsed in order, however the response is cut into chunks', async (t) => {
	const lines = [
		ackLine('BUFFERING', 0),
		ackLine('RECEIVED', 0),
		'\r\n',
		ackLine('SOMETHING_NEW', 0),
		'{"EventType":"IDLE"}\n',
		ackLine('ERROR', -1, { ErrorId: '4006', ErrorCode: 'INVALID_MKV_DATA' }),
		ackLine('ERROR', 7, { ErrorCode: 'INTERNAL_ERROR', ErrorId: 5000 }).trimEnd(),
	];
	const service = await startPutService(t, async (request, response) => {
		request.resume();
		accept(response);
		for (const byte of Buffer.from(lines.join(''))) {
			response.write(Buffer.of(byte));
			await setImmediate();
		}
		response.end();
	});
	const acks = await collect(openArchive(t, service.endpoint).putMedia(Readable.from([])));
	t.deepEqual(
		acks.map((ack) => ({ ...ack, fragmentNumber: undefined })),
		[
			{ eventType: 'BUFFERING', fragmentTimecode: 0, fragmentNumber: undefined },
			{ eventType: 'RECEIVED', fragmentTimecode: 0, fragmentNumber: undefined },
			{ eventType: 'IDLE', fragmentTimecode: null, fragmentNumber: undefined },
			{
				eventType: 'ERROR',
				fragmentTimecode: null,
				fragmentNumber: undefined,
				errorId: 4006,
				errorCode: 'INVALID_MKV_DATA',
			},
			{
				eventType: 'ERROR',
				fragmentTimecode: 7,
				fragmentNumber: undefined,
				errorId: 5000,
				errorCode: 'INTERNAL_ERROR',
			},
		],
	);
	t.is(acks[3]?.fragmentNumber, null);
});

test('a refused PutMedia fails like any other call, before any media is read', async (t) => {
	const service = await startPutService(t, (_, response) => {
		response.writeHead(404, {
			'x-amzn-errortype': 'ResourceNotFoundException:http://internal.amazon.com/',
			'x-amzn-requestid': 'request-1',
		});
		response.end('{"Message":"The requested stream is not found or not active."}');
	});
	const archive = openArchive(t, service.endpoint);
	const error = await t.throwsAsync<RequestError>(collect(archive.putMedia(untouched())));
	t.like(error, {
		code: 'KVS_NOT_FOUND',
		operation: 'PutMedia',
		awsName: 'ResourceNotFoundException',
		statusCode: 404,
		requestId: 'request-1',
		retryable: false,
	});
	t.regex(error?.message ?? '', /^PutMedia for stream `door` at .*not found or not active/);
});

test('a request that the service has not accepted yet is retried', async (t) => {
	const service = await startPutService(t, (request, response, nth) => {
		if (nth === 0) {
			response.writeHead(500);
			response.end('<html>broken</html>');
		} else if (nth === 1) request.destroy();
		else {
			accept(response);
			bodyOf(request, () => response.end(ackLine('PERSISTED', 1)));
		}
	});
	const archive = openArchive(t, service.endpoint, {
		clock: new StandstillClock(Date.now()),
	});
	const acks = await collect(archive.putMedia(Readable.from([Buffer.from('media')])));
	t.is(acks.length, 1);
	t.is(service.paths.filter((path) => path === '/putMedia').length, 3);
});

test('media is read no faster than the connection takes it', async (t) => {
	let read = (): void => {};
	const service = await startPutService(t, (request, response) => {
		accept(response);
		read = () => {
			request.resume();
			request.once('end', () => response.end());
		};
	});
	const chunk = Buffer.alloc(1024 * 1024);
	let taken = 0;
	async function* media(): AsyncGenerator<Uint8Array> {
		for (; taken < 64; taken++) yield chunk;
	}
	const acks = collect(openArchive(t, service.endpoint).putMedia(media()));
	await until(
		() => taken > 0,
		() => 'nothing was taken',
	);
	let before = -1;
	// What the system's buffers take has come to an end when many turns bring nothing more.
	while (before !== taken) {
		before = taken;
		for (let turn = 0; turn < 500; turn++) await setImmediate();
	}
	t.true(taken < 32, `${taken} MiB were taken of a connection that was not read`);
	read();
	t.deepEqual(await acks, []);
	t.is(taken, 64);
});

/** A service that acknowledges and never ends. */
function endless(t: Parameters<typeof startPutService>[0]): ReturnType<typeof startPutService> {
	return startPutService(t, (request, response) => {
		request.resume();
		accept(response);
		response.write(ackLine('BUFFERING', 0));
	});
}

/** Media that comes once and then never again. */
async function* stalled(): AsyncGenerator<Uint8Array> {
	yield Buffer.from('media');
	await new Promise(() => {});
}

test('leaving the loop, an abort and close() end the connection, even while the media stalls', async (t) => {
	const service = await endless(t);
	const archive = openArchive(t, service.endpoint);
	const media = new Readable({ read() {} });
	for await (const ack of archive.putMedia(media)) {
		t.is(ack.eventType, 'BUFFERING');
		break;
	}
	t.true(media.destroyed);
	await within(service.closed(1), () => 'the connection is open');
	const controller = new AbortController();
	const reason = new Error('enough');
	const acks: Ack[] = [];
	const error = await t.throwsAsync(async () => {
		for await (const ack of archive.putMedia(stalled(), { signal: controller.signal })) {
			acks.push(ack);
			controller.abort(reason);
		}
	});
	t.is(error, reason);
	t.is(acks.length, 1);
	await within(service.closed(2), () => 'the connection is open');
	t.is(
		await t.throwsAsync(collect(archive.putMedia(stalled(), { signal: AbortSignal.abort(reason) }))),
		reason,
	);
	const closing = t.throwsAsync(
		async () => {
			for await (const _ of archive.putMedia(stalled())) await archive.close();
		},
		{ code: 'KVS_CLOSED' },
	);
	await within(closing, () => 'it goes on after close');
	await within(service.closed(3), () => 'the connection is open');
});

test('an error of the media is thrown as it is, and closes the connection', async (t) => {
	const service = await endless(t);
	const failure = new Error('the camera fell down');
	async function* media(): AsyncGenerator<Uint8Array> {
		yield Buffer.from('media');
		throw failure;
	}
	t.is(await t.throwsAsync(collect(openArchive(t, service.endpoint).putMedia(media()))), failure);
	await within(service.closed(1), () => 'the connection is open');
});

test('a lost connection and an invalid response are errors', async (t) => {
	const responses: string[] = [
		'not JSON\n',
		'{"Output":{"__type":"SerializationException"}}',
		'x'.repeat(20_000),
	];
	const service = await startPutService(t, (request, response, nth) => {
		request.resume();
		accept(response);
		const text = responses[nth];
		if (text === undefined) response.write(ackLine('BUFFERING', 0), () => request.destroy());
		else response.end(text);
	});
	const archive = openArchive(t, service.endpoint);
	for (const text of responses) {
		await t.throwsAsync(
			collect(archive.putMedia(stalled())),
			{ code: 'KVS_REQUEST_FAILED', message: /invalid response/ },
			text.slice(0, 50),
		);
	}
	const acks: Ack[] = [];
	const error = await t.throwsAsync<RequestError>(async () => {
		for await (const ack of archive.putMedia(stalled())) acks.push(ack);
	});
	t.is(acks.length, 1);
	t.like(error, { code: 'KVS_UNREACHABLE', retryable: true, operation: 'PutMedia' });
	t.regex(error?.message ?? '', /the connection was lost \(.*\); send again what was not PERSISTED$/);
});

test('the acknowledgements end when the service ends the response before the media is over', async (t) => {
	const service = await startPutService(t, (request, response) => {
		request.resume();
		accept(response);
		response.end(ackLine('ERROR', 0, { ErrorId: 4002, ErrorCode: 'MAX_FRAGMENT_DURATION_REACHED' }));
	});
	const acks = await collect(openArchive(t, service.endpoint).putMedia(stalled()));
	t.deepEqual(
		acks.map(({ errorId }) => errorId),
		[4002],
	);
	await within(service.closed(1), () => 'the connection is open');
});

test('invalid options are refused at once', async (t) => {
	const archive = openArchive(t, 'http://127.0.0.1:9');
	const put = (options: object) => () => archive.putMedia(untouched(), options);
	t.throws(put({ timecodes: 'ABSOLUTE' }), { code: 'KVS_INVALID_OPTION' });
	t.throws(put({ timecodes: 'absolute', producerStart: 0 }), { code: 'KVS_INVALID_OPTION' });
	t.throws(put({ producerStart: 'yesterday' }), { code: 'KVS_INVALID_OPTION' });
	t.throws(put({ start: 0 }), { code: 'KVS_INVALID_OPTION', message: /`producerStart`/ });
});

test('a verifier accepts the signature, for a stream by name and by ARN', async (t) => {
	const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
	const verifier = new SignatureVerifier({ keys: [key], region: 'eu-central-1', now: Date.now });
	const verdicts: Promise<void>[] = [];
	const service = await startPutService(t, (request, response) => {
		const target = parseTarget(request.url ?? '');
		const { method = '', headers } = request;
		const claim = verifier.admit(target, headers);
		verdicts.push(verifier.verify(claim, { method, target, headers, body: new Uint8Array(0) }));
		request.resume();
		accept(response);
		response.end();
	});
	const settings = { credentials: key, region: 'eu-central-1' };
	const streamArn = 'arn:aws:kinesisvideo:eu-central-1:111122223333:stream/door/1700000000000';
	const media = (): Readable => Readable.from([Buffer.from('media that is not signed')]);
	await collect(openArchive(t, service.endpoint, settings).putMedia(media()));
	await collect(
		openArchive(t, service.endpoint, { ...settings, streamName: undefined, streamArn }).putMedia(media()),
	);
	t.is(verdicts.length, 2);
	await t.notThrowsAsync(Promise.all(verdicts));
});
