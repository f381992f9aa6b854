import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import type { StreamedOperation } from '#lib/server/operations/operation.js';
import { invalidArgument } from '#lib/server/wire/service-error.js';
import { startServer } from '../../helpers/service/start-server.js';
import { RawConnection, writesOf } from '../raw-connection.js';

/** Responds with what comes; refuses a request without a stream's name. */
const echo: StreamedOperation = {
	name: 'Echo',
	path: '/echo',
	stream(headers, body) {
		if (headers['x-amzn-stream-name'] === undefined) throw invalidArgument('expected a stream');
		return { kind: 'stream', contentType: 'text/plain', body: () => body };
	},
};

async function open(t: ExecutionContext, options: ArchiveServerOptions = {}) {
	const { server, url } = await startServer(t, { ...options, operations: [echo] } as ArchiveServerOptions);
	const writes = writesOf(server);
	const send = (path: string, ...headers: string[]): RawConnection => {
		const connection = RawConnection.open(t, url);
		connection.write([`POST ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'));
		return connection;
	};
	return { writes, send };
}

const EXPECT = 'Expect: 100-continue';
const CHUNKED = 'Transfer-Encoding: chunked';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

test('100 is sent when the body of a JSON operation is about to be read', async (t) => {
	const { writes, send } = await open(t);
	const connection = send('/listStreams', 'Content-Length: 2', EXPECT);
	await connection.has(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
	connection.write('{}');
	await connection.has(/HTTP\/1\.1 200 OK\r\n.*StreamInfoList/s);
	t.is(writes[0], CONTINUE);
	t.is(connection.received.match(/100 Continue/g)?.length, 1);
});

test('100 and the head of a streamed response come in writes of their own, before the body', async (t) => {
	const { writes, send } = await open(t);
	const connection = send('/echo', CHUNKED, 'x-amzn-stream-name: door', EXPECT);
	await connection.has(/\r\n\r\n.*\r\n\r\n/s);
	t.is(writes[0], CONTINUE);
	t.regex(writes[1] ?? '', /^HTTP\/1\.1 200 OK\r\n/);
	t.is(writes.length, 2);
	connection.write('5\r\nmedia\r\n0\r\n\r\n');
	t.regex(await connection.closed(), /5\r\nmedia\r\n0\r\n\r\n$/);
});

test('a request that is refused gets no 100', async (t) => {
	const key = { accessKeyId: 'A', secretAccessKey: 'a' };
	const { send } = await open(t);
	const locked = await open(t, { credentials: [key] });
	const rows = [
		[send('/echo', CHUNKED, EXPECT), 400, 'InvalidArgumentException'],
		[send('/nothing', 'Content-Length: 2', EXPECT), 404, 'UnknownOperationException'],
		[send('/echo', CHUNKED, EXPECT, ...Array.from({ length: 100 }, (_, n) => `X-${n}: 1`)), 431, 'TooLarge'],
		[locked.send('/echo', CHUNKED, EXPECT), 403, 'MissingAuthenticationTokenException'],
		[locked.send('/listStreams', 'Content-Length: 2', EXPECT), 403, 'MissingAuthenticationTokenException'],
	] as const;
	for (const [connection, status, name] of rows) {
		await connection.has(new RegExp(`^HTTP/1\\.1 ${status} .*${name}`, 's'));
		t.notRegex(connection.received, /100 Continue/);
		t.regex(connection.received, /\r\nConnection: close\r\n/);
	}
});

test('a client that does not wait for 100 gets none', async (t) => {
	const { send } = await open(t);
	const connection = send('/echo', CHUNKED, 'x-amzn-stream-name: door');
	connection.write('5\r\nmedia\r\n0\r\n\r\n');
	t.regex(await connection.closed(), /^HTTP\/1\.1 200 OK\r\n/);
});
