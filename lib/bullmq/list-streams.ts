import { KvsArchive, type KvsArchiveOptions } from '../index.js';
import type { JobStream } from './slice-job.js';

/**
 * The streams of an account and region that keep what is put into them (ListStreams): those that can be followed. Rejects with
 * `RequestError`, and with the signal's reason.
 */
export async function listStreams({
	endpoint,
	region,
	signal,
	...client
}: Pick<KvsArchiveOptions, 'credentials' | 'profile' | 'clients'> &
	Pick<JobStream, 'endpoint' | 'region'> & { readonly signal?: AbortSignal | undefined } = {}): Promise<
	JobStream[]
> {
	// ListStreams is the account's; the name is of no matter.
	await using archive = new KvsArchive({ ...client, endpoint, region, streamName: 'all' });
	const streams: JobStream[] = [];
	for await (const { StreamName, DataRetentionInHours } of archive
		.paginate('ListStreams', {}, { signal })
		.items()) {
		if (StreamName === undefined || DataRetentionInHours === 0) continue;
		streams.push({ streamName: StreamName, endpoint, region });
	}
	return streams;
}
