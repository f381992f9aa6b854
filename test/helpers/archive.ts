import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import {
	type ArchiveServer,
	type ArchiveServerOptions,
	createArchiveServer,
	type RequestRecord,
} from 'kvs-archive/server';
import { startMs } from './range.js';
import { temporaryDirectory } from './tools.js';

/** A local archive of the test's own. */
export interface TestArchive {
	readonly endpoint: string;
	readonly server: ArchiveServer;
	/** Every request so far. */
	readonly requests: readonly RequestRecord[];
	/** How often an operation was asked for. */
	readonly count: (operation: string) => number;
}

/**
 * Starts a local archive on a free port, with the given streams: a recording as bytes, or the path of a file, whose first
 * frame is then at `start`. Stops when the test is over.
 */
export async function startArchive(
	t: ExecutionContext,
	streams: Readonly<Record<string, Uint8Array | string>>,
	{
		start = new Date(startMs),
		onRequest,
		...options
	}: { start?: Date } & Omit<ArchiveServerOptions, 'dataDirectory'> = {},
): Promise<TestArchive> {
	const directory = await temporaryDirectory(t);
	const requests: RequestRecord[] = [];
	const server = createArchiveServer({
		dataDirectory: join(directory, 'data'),
		...options,
		onRequest: (record) => {
			requests.push(record);
			onRequest?.(record);
		},
	});
	for (const [stream, media] of Object.entries(streams)) {
		const file = typeof media === 'string' ? media : join(directory, `${stream}.mkv`);
		if (typeof media !== 'string') await writeFile(file, media);
		await server.archive.ingest(stream, file, { start });
	}
	const endpoint = await listen(t, server);
	return {
		endpoint,
		server,
		requests,
		count: (name) => requests.filter(({ operation }) => operation === name).length,
	};
}

/** How long helpers keep an idle connection, in milliseconds: longer than any test. */
export const KEEP_ALIVE_MS = 600_000;

/** What a {@link startMeddler} does to the body of an answer. `nth` counts the answers of that operation from 0. */
export type Meddle = (answer: {
	path: string;
	nth: number;
	body: Buffer;
}) => { status?: number; body: Buffer; cut?: boolean; hang?: boolean } | null;

/**
 * Stands between a client and a local archive and changes what comes back: `null` lets an answer pass, `cut` breaks the
 * connection behind the body, `hang` leaves it open. Data endpoints it answers with are its own, as it keeps the client's `Host`.
 */
export async function startMeddler(
	t: ExecutionContext,
	{ endpoint }: TestArchive,
	meddle: Meddle,
): Promise<string> {
	const counts = new Map<string, number>();
	// Node's own five seconds may be over on a busy machine just when a client sends the next request.
	const meddler = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
		const path = incoming.url ?? '';
		const { host, ...headers } = incoming.headers;
		const forwarded = request(
			`${endpoint}${path}`,
			{ method: incoming.method, headers: { ...headers, host } },
			(answer) => {
				buffer(answer)
					.then((body) => pass(answer, body))
					.catch(() => outgoing.destroy());
			},
		);
		const pass = (answer: IncomingMessage, body: Buffer): void => {
			const nth = counts.get(path) ?? 0;
			counts.set(path, nth + 1);
			const changed = meddle({ path, nth, body });
			const { 'content-length': _, 'transfer-encoding': __, ...answerHeaders } = answer.headers;
			outgoing.writeHead(changed?.status ?? answer.statusCode ?? 500, answerHeaders);
			if (changed?.hang) outgoing.write(changed.body);
			else if (changed?.cut) outgoing.write(changed.body, () => outgoing.destroy());
			else outgoing.end(changed?.body ?? body);
		};
		pipeline(incoming, forwarded).catch(() => outgoing.destroy());
	});
	return listen(t, meddler);
}

async function listen(t: ExecutionContext, server: ReturnType<typeof createServer>): Promise<string> {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(async () => {
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
