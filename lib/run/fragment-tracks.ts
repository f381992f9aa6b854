import { pipeline, Readable } from 'node:stream';
import type { ArchiveClient } from '../aws/archive-client.js';
import { Demuxer } from '../demux/demuxer.js';
import { MediaFetcher } from '../fetch/media-fetcher.js';
import type { Fragment } from '../model/fragment.js';
import type { Track } from '../model/track.js';
import type { Clock } from '../pace/clock.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import { destroyOnAbort } from '../stream/abort.js';

/** The header comes first: no more of the media needs to be held. */
const MAX_BUFFERED_BYTES = 64 * 1024;

/**
 * The tracks of one fragment, from its header: its media is requested within the quotas, with retries, and the response
 * is closed as soon as the header was read. Null where the fragment fails or is missing.
 */
export async function readTracks(
	fragment: Fragment,
	{
		client,
		limiter,
		clock,
		signal,
	}: {
		readonly client: ArchiveClient;
		readonly limiter: RateLimiter;
		readonly clock: Clock;
		readonly signal: AbortSignal;
	},
): Promise<readonly Track[] | null> {
	signal.throwIfAborted();
	const batch = { index: 0, fragments: [fragment], sizeBytes: fragment.fragmentSizeInBytes };
	const demuxer = new Demuxer({ deliver: 'batch', clock });
	pipeline(
		Readable.from([batch]),
		new MediaFetcher({ client, limiter, clock, sessions: 1, maxBufferedBytes: MAX_BUFFERED_BYTES }),
		demuxer,
		// The outcome reaches us through the demuxer, which the pipeline destroys with the error.
		() => {},
	);
	destroyOnAbort(demuxer, signal);
	for await (const events of demuxer.batches()) {
		for (const event of events) {
			if (event.type === 'fragment') return event.tracks;
			if (event.type === 'fragment-failure') return null;
		}
	}
	return null;
}
