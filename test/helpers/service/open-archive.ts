import type { ExecutionContext } from 'ava';
import { KvsArchive, type KvsArchiveOptions } from 'kvs-archive';
import { unlimited } from './unlimited.js';

/** Opens the stream `door` of a server, without a rate limit unless `limiter` says otherwise. Closed when the test is over. */
export function openArchive(
	t: ExecutionContext,
	endpoint: string,
	options: Partial<KvsArchiveOptions> = {},
): KvsArchive {
	const archive = new KvsArchive({ streamName: 'door', endpoint, limiter: unlimited, ...options });
	t.teardown(() => archive.close());
	return archive;
}
