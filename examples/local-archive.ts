import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createArchiveServer } from 'kvs-archive/server';

/** The archive an example reads: the one that KVS_ENDPOINT names, else a local one with a clip in it. */
export interface ExampleArchive {
	readonly endpoint: string;
	readonly streamName: string;
	/** Null where the archive is not a local one. */
	readonly streamArn: string | null;
	/** The clip's file; null where the archive is not a local one. */
	readonly clipFile: string | null;
	close(): Promise<void>;
}

/** Producer time of the clip's first frame. */
export const clipStart = new Date('2026-01-31T14:03:00Z');

/** Opens the archive. With KVS_ENDPOINT, KVS_STREAM names the stream; else it has one of the clips in `media`. */
export async function openExampleArchive(clipName = 'clock.mkv'): Promise<ExampleArchive> {
	const { KVS_ENDPOINT: endpoint, KVS_STREAM: streamName = 'door' } = process.env;
	if (endpoint !== undefined)
		return { endpoint, streamName, streamArn: null, clipFile: null, close: async () => {} };

	const clip = new URL(`examples/media/${clipName}`, import.meta.resolve('kvs-archive/package.json'));
	const clipFile = fileURLToPath(clip);
	const server = createArchiveServer();
	await server.archive.ingest(streamName, clipFile, { start: clipStart });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		endpoint: server.endpoint,
		streamName,
		streamArn: server.archive.stream(streamName)?.arn ?? null,
		clipFile,
		async close() {
			server.close();
			server.closeAllConnections();
			await once(server, 'close');
		},
	};
}
