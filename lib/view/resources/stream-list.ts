import type { KvsArchive } from '../../index.js';
import type { ListedStream } from '../view-responses.js';

/** Streams of the account that are listed; more are reached by their name in the address. */
const MAX_STREAMS = 1000;

/** The streams of the account, by name. `archive`: of any stream. */
export async function listStreams(archive: KvsArchive, signal: AbortSignal): Promise<ListedStream[]> {
	const streams: ListedStream[] = [];
	const pages = archive.paginate('ListStreams', {}, { maxItems: MAX_STREAMS, signal });
	for await (const { StreamName, DataRetentionInHours, Status } of pages.items()) {
		if (StreamName === undefined) continue;
		streams.push({ name: StreamName, retentionHours: DataRetentionInHours ?? 0, status: Status ?? '' });
	}
	return streams.sort((a, b) => (a.name < b.name ? -1 : 1));
}
