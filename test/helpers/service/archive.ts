import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ArchiveServer, ArchiveServerOptions, RequestRecord } from 'kvs-archive/server';
import { startMs } from '../media/range.js';
import { temporaryDirectory } from '../tools.js';
import { startServer } from './start-server.js';

/** A local archive of the test's own. */
export interface TestArchive {
	readonly endpoint: string;
	readonly server: ArchiveServer;
	/** Every request so far. */
	readonly requests: readonly RequestRecord[];
	/** How many requests for an operation. */
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
	const { server, url } = await startServer(t, {
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
	return {
		endpoint: url,
		server,
		requests,
		count: (name) => requests.filter(({ operation }) => operation === name).length,
	};
}
