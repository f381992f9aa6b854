import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions, RequestRecord } from '#lib/server/index.js';
import type { StreamedOperation } from '#lib/server/operations/operation.js';
import { startServer } from '../../helpers/service/start-server.js';

/** Responds with each chunk of the request as soon as it has come, in upper case. */
const echo: StreamedOperation = {
	name: 'Echo',
	path: '/echo',
	stream(headers, body, { onStream }) {
		onStream(String(headers['x-stream-name']));
		return { kind: 'stream', contentType: 'text/plain', body: () => inUpperCase(body) };
	},
};

/** An option that the declarations do not have. */
const withEcho = { operations: [echo] } as ArchiveServerOptions;

async function* inUpperCase(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	for await (const chunk of body) yield Buffer.from(Buffer.from(chunk).toString().toUpperCase());
}

async function open(
	t: ExecutionContext,
	options: { requestTimeoutMs?: number } = {},
): Promise<{ outgoing: ClientRequest; incoming: Promise<IncomingMessage>; requests: RequestRecord[] }> {
	const requests: RequestRecord[] = [];
	const { url } = await startServer(t, {
		...withEcho,
		limits: options,
		onRequest: (record) => requests.push(record),
	});
	const outgoing = request(`${url}/echo`, { method: 'POST', headers: { 'x-stream-name': 'door' } });
	t.teardown(() => outgoing.destroy());
	const incoming = once(outgoing, 'response').then(([response]) => response as IncomingMessage);
	return { outgoing, incoming, requests };
}

test('an operation reads its body as it comes and responds meanwhile', async (t) => {
	const { outgoing, incoming, requests } = await open(t);
	outgoing.write('first');
	const response = await incoming;
	t.is(String((await once(response, 'data'))[0]), 'FIRST');
	outgoing.write('second');
	t.is(String((await once(response, 'data'))[0]), 'SECOND');
	outgoing.end();
	response.resume();
	await once(response, 'end');
	t.like(requests, [{ operation: 'Echo', stream: 'door', statusCode: 200 }]);
	t.is(response.headers['content-length'], undefined);
});

test('neither the size nor the time of a streamed body is limited as those of a JSON body are', async (t) => {
	const { outgoing, incoming } = await open(t, { requestTimeoutMs: 1 });
	const block = Buffer.alloc(256 * 1024, 'a');
	outgoing.write(block);
	const response = await incoming;
	let sizeBytes = 0;
	response.on('data', (chunk: Buffer) => {
		sizeBytes += chunk.byteLength;
	});
	for (let blocks = 1; blocks < 20; blocks++) {
		if (!outgoing.write(block)) await once(outgoing, 'drain');
	}
	outgoing.end();
	await once(response, 'end');
	t.is(sizeBytes, 20 * block.byteLength);
});

test('a target that no route serves is an unknown operation', async (t) => {
	const { url } = await startServer(t, withEcho);
	for (const [method, path] of [
		['GET', '/echo'],
		['POST', '/nothing'],
		['PUT', '/listStreams'],
	] as const) {
		const response = await fetch(url + path, { method });
		t.is(response.status, 404, path);
		t.is(response.headers.get('x-amzn-errortype'), 'UnknownOperationException');
	}
});
