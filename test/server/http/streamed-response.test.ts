import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions, MonotonicClock, RequestRecord } from '#lib/server/index.js';
import { processClock } from '#lib/server/monotonic-clock.js';
import type { StreamedOperation } from '#lib/server/operations/operation.js';
import { startServer } from '../../helpers/service/start-server.js';
import { until, within } from '../../helpers/wait.js';
import { RawConnection, writesOf } from '../raw-connection.js';

const HEAD = 'POST /streamed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';

type Respond = (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** A server with one operation, which responds as `respond` says, and a connection that has sent the head of a request for it. */
async function open(t: ExecutionContext, respond: Respond, options: ArchiveServerOptions = {}) {
	const streamed: StreamedOperation = {
		name: 'Streamed',
		path: '/streamed',
		stream: (_headers, body, { signal }) => ({
			kind: 'stream',
			contentType: 'application/json',
			body: () => respond(body, signal),
		}),
	};
	const requests: RequestRecord[] = [];
	const { server, url } = await startServer(t, {
		...options,
		operations: [streamed],
		onRequest: (record) => requests.push(record),
	} as ArchiveServerOptions);
	const writes = writesOf(server);
	const connection = RawConnection.open(t, url);
	connection.write(HEAD);
	return { connection, writes, requests, server, url };
}

async function* given(...items: string[]): AsyncGenerator<Uint8Array> {
	for (const item of items) yield Buffer.from(item);
}

/** Responds with `items` as soon as the first bytes of the body are there, and reads no more of it. */
function afterFirstBytes(...items: string[]): Respond {
	return async function* (body) {
		for await (const _ of body) break;
		yield* given(...items);
	};
}

/** A clock whose sleepers a test wakes. */
class HeldClock implements MonotonicClock {
	readonly sleeps: number[] = [];
	wake = (): void => {};

	now(): number {
		return processClock.now();
	}

	sleep(ms: number, signal: AbortSignal): Promise<void> {
		this.sleeps.push(ms);
		return new Promise((resolve, reject) => {
			this.wake = resolve;
			signal.addEventListener('abort', () => reject(signal.reason));
		});
	}
}

test('the head is sent before the first byte of the body is there', async (t) => {
	let giveItem = (): void => {};
	const ready = new Promise<void>((resolve) => {
		giveItem = resolve;
	});
	const { connection } = await open(t, async function* () {
		await ready;
		yield Buffer.from('{}\n');
	});
	await connection.has(/^HTTP\/1\.1 200 OK\r\nx-amzn-RequestId: \S+\r\nContent-Type: application\/json\r\n/);
	await connection.has(/\r\nTransfer-Encoding: chunked\r\n\r\n$/);
	giveItem();
	t.regex(await connection.closed(), /\r\n\r\n3\r\n\{\}\n\r\n0\r\n\r\n$/);
});

test('each item is one chunk in a write of its own, and so is the last chunk', async (t) => {
	const long = 'x'.repeat(1000);
	const { connection, writes } = await open(t, () => given('a', 'bb', '', long, 'c'));
	await connection.closed();
	t.regex(writes[0] ?? '', /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
	t.deepEqual(writes.slice(1), [
		'1\r\na\r\n',
		'2\r\nbb\r\n',
		`3e8\r\n${long}\r\n`,
		'1\r\nc\r\n',
		'0\r\n\r\n',
	]);
	t.is(connection.received, writes.join(''));
});

test('a slow reader is waited for', async (t) => {
	let taken = 0;
	const { connection, writes } = await open(t, async function* () {
		for (; taken < 1000; taken++) yield Buffer.alloc(1024 * 1024);
	});
	connection.socket.pause();
	// What was written last is not with the system yet, so nothing more is requested, however often the server has its turn.
	let turns = 0;
	await until(
		() => {
			turns = writes.length === taken + 2 ? turns + 1 : 0;
			return turns === 1000;
		},
		() => `${writes.length} writes, ${taken} items taken`,
	);
	t.true(taken < 100, `${taken} MiB`);
});

test('a reader that disconnects ends the iterable, which may be waiting', async (t) => {
	let ended = (_how: string): void => {};
	const end = new Promise<string>((resolve) => {
		ended = resolve;
	});
	const { connection } = await open(t, async function* (_body, signal) {
		try {
			yield Buffer.from('{}\n');
			await once(signal, 'abort');
		} finally {
			ended(`aborted: ${signal.aborted}`);
		}
	});
	await connection.has(/\{\}\n/);
	connection.socket.destroy();
	t.is(await within(end, () => 'the iterable goes on'), 'aborted: true');
});

test('an iterable that fails breaks the connection off, without a last chunk', async (t) => {
	const { connection } = await open(t, async function* () {
		yield Buffer.from('{}\n');
		throw new Error('no disk');
	});
	t.regex(await connection.closed(), /\r\n\r\n3\r\n\{\}\n\r\n$/);
});

/** Waits until the server has sent all of its response, and reads what still comes. */
async function lingering(clock: HeldClock): Promise<void> {
	await until(
		() => clock.sleeps.length > 0,
		() => 'the server does not wait for the client',
	);
}

const BLOCK = `10000\r\n${'x'.repeat(0x10000)}\r\n`;

test('a producer that still sends reads the end of the response', async (t) => {
	const clock = new HeldClock();
	const { connection } = await open(t, afterFirstBytes('ERROR'), { clock });
	const { socket } = connection;
	socket.pause();
	connection.write(BLOCK);
	await lingering(clock);
	// More than the buffers of the system hold: the server takes it.
	for (let blocks = 0; blocks < 300; blocks++) if (!socket.write(BLOCK)) await once(socket, 'drain');
	socket.resume();
	t.regex(await connection.closed(), /\r\nConnection: close\r\n.*\r\n\r\n5\r\nERROR\r\n0\r\n\r\n$/s);
	t.is(connection.broke, null);
});

test('the connection of a producer that never stops is closed after a while', async (t) => {
	const clock = new HeldClock();
	const { connection } = await open(t, afterFirstBytes('ERROR'), { clock });
	connection.socket.pause();
	connection.write(BLOCK);
	await lingering(clock);
	clock.wake();
	const more = (error?: Error | null): void => {
		if (!error) connection.socket.write(BLOCK, more);
	};
	more();
	await connection.closed();
	t.deepEqual(clock.sleeps, [2000]);
});

test('a response that ends also ends a pending read of the request body', async (t) => {
	let ended = (_chunks: number): void => {};
	const end = new Promise<number>((resolve) => {
		ended = resolve;
	});
	const { connection } = await open(t, async function* (body) {
		const read = async (): Promise<void> => {
			let chunks = 0;
			for await (const _ of body) chunks++;
			ended(chunks);
		};
		void read();
		yield* given('{}\n');
	});
	await connection.closed();
	t.is(await within(end, () => 'it still waits'), 0);
});

test('what follows an unfinished request is not served', async (t) => {
	const clock = new HeldClock();
	const { connection, requests } = await open(t, afterFirstBytes('ERROR'), { clock });
	connection.socket.pause();
	connection.write(BLOCK);
	await lingering(clock);
	connection.write('0\r\n\r\nPOST /listStreams HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}');
	connection.socket.resume();
	t.notRegex(await connection.closed(), /StreamInfoList/);
	t.deepEqual(
		requests.map(({ operation }) => operation),
		['Streamed'],
	);
});

test('a refusal is read by a client that sends its body at once', async (t) => {
	const clock = new HeldClock();
	const { url } = await startServer(t, { clock });
	const connection = RawConnection.open(t, url);
	connection.socket.pause();
	connection.write(HEAD + BLOCK);
	await lingering(clock);
	for (let blocks = 0; blocks < 300; blocks++) {
		if (!connection.socket.write(BLOCK)) await once(connection.socket, 'drain');
	}
	connection.socket.resume();
	t.regex(
		await connection.closed(),
		/^HTTP\/1\.1 404 .*\r\nConnection: close\r\n.*UnknownOperationException/s,
	);
	t.is(connection.broke, null);
});
