import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { resolveLimits, type ServerLimits } from '#lib/server/http/server-limits.js';
import { type StartedServer, startServer } from '../../helpers/service/start-server.js';
import { until } from '../../helpers/wait.js';

const HEAD = 'POST /listStreams HTTP/1.1\r\nHost: localhost\r\n';

async function start(
	t: ExecutionContext,
	limits: Partial<ServerLimits>,
): Promise<StartedServer & { open: () => Socket }> {
	const started = await startServer(t, { limits });
	const open = (): Socket => {
		const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
		t.teardown(() => socket.destroy());
		// A connection that is refused may end in a reset, which is what is waited for.
		socket.on('error', () => {});
		return socket;
	};
	return { ...started, open };
}

/** All that comes back until the server closes the connection, also where a reset follows the response. */
async function responseOf(socket: Socket): Promise<string> {
	let response = '';
	socket.setEncoding('latin1').on('data', (part: string) => {
		response += part;
	});
	await new Promise((resolve) => socket.once('close', resolve));
	return response;
}

test('a request with more headers than the limit is refused with 431', async (t) => {
	const { open } = await start(t, { maxHeaders: 5 });
	const ask = (headers: number): Promise<string> => {
		const socket = open();
		const extra = Array.from({ length: headers - 3 }, (_, index) => `X-${index}: 1\r\n`).join('');
		socket.write(`${HEAD}Connection: close\r\nContent-Length: 2\r\n${extra}\r\n{}`);
		return responseOf(socket);
	};
	t.regex(await ask(5), /^HTTP\/1\.1 200 /);
	t.regex(await ask(6), /^HTTP\/1\.1 431 .*"__type":"RequestHeaderSectionTooLarge"/s);
	t.regex(await ask(50), /^HTTP\/1\.1 431 /);
});

test('headers longer than the limit are refused with 431, a long query included', async (t) => {
	const { open } = await start(t, { maxHeadersBytes: 2000 });
	const long = open();
	long.write(`${HEAD}X-Long: ${'x'.repeat(3000)}\r\n\r\n`);
	t.regex(await responseOf(long), /^HTTP\/1\.1 431 /);
	const query = open();
	query.write(`POST /listStreams?a=${'x'.repeat(3000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
	t.regex(await responseOf(query), /^HTTP\/1\.1 431 /);
});

test('a client that never ends its headers, or its body, is closed', async (t) => {
	const { open } = await start(t, { headersTimeoutMs: 50, requestTimeoutMs: 100 });
	const headless = open();
	headless.write(HEAD);
	t.regex(await responseOf(headless), /^HTTP\/1\.1 408 /);
	const bodiless = open();
	bodiless.write(`${HEAD}Content-Length: 100\r\n\r\n{`);
	t.regex(await responseOf(bodiless), /^HTTP\/1\.1 408 /);
});

test('an idle connection is closed', async (t) => {
	const { open } = await start(t, { keepAliveTimeoutMs: 50 });
	const socket = open();
	socket.write(`${HEAD}Content-Length: 2\r\n\r\n{}`);
	t.regex(await responseOf(socket), /^HTTP\/1\.1 200 /);
});

test('a connection on which nothing moves is closed', async (t) => {
	const { open } = await start(t, { stalledTimeoutMs: 50 });
	const silent = open();
	await once(silent, 'connect');
	t.is(await responseOf(silent), '');
});

test('a connection beyond the limit is closed, and a new one is accepted once another ends', async (t) => {
	const { server, open } = await start(t, { maxConnections: 2 });
	const ask = async (socket: Socket): Promise<string> => {
		socket.write(`${HEAD}Content-Length: 2\r\n\r\n{}`);
		const [response] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])]);
		return String(response);
	};
	const [first, second] = [open(), open()];
	t.regex(await ask(first), /^HTTP\/1\.1 200 /);
	t.regex(await ask(second), /^HTTP\/1\.1 200 /);
	t.is(await ask(open()), '');
	first.destroy();
	await until(
		async () => (await connectionsOf(server)) === 1,
		() => 'the connection that was destroyed is still open',
	);
	t.regex(await ask(open()), /^HTTP\/1\.1 200 /);
});

test('a body without an end is cut off', async (t) => {
	const { open } = await start(t, {});
	const socket = open();
	socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
	const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
	const closed = new Promise((resolve) => socket.once('close', resolve));
	let sent = 0;
	const more = (error?: Error | null): void => {
		if (error) return;
		sent++;
		socket.write(chunk, more);
	};
	more();
	await closed;
	// What the system holds on the way is sent too.
	t.true(sent > 32 && sent < 64, `${sent} MiB`);
});

test('refuses unknown limits, and limits that are not positive whole numbers', (t) => {
	t.like(resolveLimits(), { maxConnections: 1024, maxHeaders: 100 });
	t.throws(() => resolveLimits({ maxConnections: 0 }), { message: /`limits.maxConnections`/ });
	t.throws(() => resolveLimits({ maxHeaders: 1.5 }), { message: /`limits.maxHeaders`/ });
	for (const name of ['maxFun', 'constructor']) {
		const message = new RegExp(`\`limits.${name}\` to be a known limit`);
		t.throws(() => resolveLimits({ [name]: 1 } as never), { message });
	}
});

function connectionsOf(server: StartedServer['server']): Promise<number> {
	return new Promise((resolve, reject) => {
		server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
	});
}
