import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { Certificate } from '../service/certificate.js';
import { freePort } from '../service/free-port.js';
import { temporaryDirectory } from '../tools.js';

/** A Redis of the test's own, and a client that looks into it. */
export interface TestRedis {
	readonly url: string;
	readonly port: number;
	readonly client: Redis;
	/** Kills it. */
	readonly stop: () => Promise<void>;
	/** Starts it again on the same port: empty, unless it keeps its data and is not to lose them. */
	readonly start: (options?: { readonly isEmpty?: boolean }) => Promise<void>;
}

/**
 * Starts a `redis-server` on a free port, gone when the test is over. With `keepsData` it has them when it is started again; with a
 * certificate it speaks TLS, and `client` is of no use.
 *
 * @param user - a user that there is besides the default one, by its rules
 */
export async function startRedis(
	t: ExecutionContext,
	{
		password,
		user,
		tls,
		keepsData = false,
	}: { password?: string; user?: string; tls?: Certificate; keepsData?: boolean } = {},
): Promise<TestRedis> {
	const directory = await temporaryDirectory(t);
	const port = await freePort();
	let server: ChildProcess | null = null;
	const start = async ({ isEmpty = false } = {}): Promise<void> => {
		if (isEmpty) await rm(join(directory, 'appendonlydir'), { recursive: true, force: true });
		const encryption = tls && {
			port: '0',
			'tls-port': String(port),
			'tls-cert-file': tls.certFile,
			'tls-key-file': tls.keyFile,
			'tls-auth-clients': 'no',
			'tls-ca-cert-file': tls.certFile,
		};
		const settings = Object.entries({
			bind: '127.0.0.1',
			port: String(port),
			save: '',
			...(keepsData ? { appendonly: 'yes', appendfsync: 'always' } : { appendonly: 'no' }),
			dir: directory,
			...(password && { requirepass: password }),
			...(user && { user }),
			...encryption,
		});
		const args = settings.flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]);
		// The shell ends it when its input ends, and so also when the tests are killed.
		const script = 'redis-server "$@" <&- & cat; kill -9 $!';
		server = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
		const output = server.stdout as NodeJS.ReadableStream;
		for await (const line of createInterface({ input: output })) {
			if (!/Ready to accept connections/.test(line)) continue;
			output.resume();
			return;
		}
		throw new Error(`redis-server did not start on port ${port}`);
	};
	const stop = async (): Promise<void> => {
		const running = server;
		server = null;
		if (running === null) return;
		const closed = once(running, 'close');
		running.stdin?.end();
		await closed;
	};
	await start();
	const client = new Redis(port, '127.0.0.1', { lazyConnect: true, ...(password && { password }) });
	client.on('error', () => {});
	t.teardown(async () => {
		client.disconnect();
		await stop();
	});
	const at = `127.0.0.1:${port}`;
	return {
		url: password === undefined ? `redis://${at}` : `redis://:${password}@${at}`,
		port,
		client,
		stop,
		start,
	};
}
