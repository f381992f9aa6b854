import { pipeline, Readable } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import { Demuxer, type ResumePolicy } from '../demux/demuxer.js';
import { MediaFetcher } from '../fetch/media-fetcher.js';
import type { Fragment } from '../model/fragment.js';
import type { RetryPolicy } from '../pace/retry.js';
import { destroyOnAbort } from '../stream/abort.js';

/** It is read as it comes: no more of the media needs to be held. */
const MAX_BUFFERED_BYTES = 64 * 1024;

/** Options of {@link openFragment}: how failed requests, and media that breaks off, are retried. */
export interface OneFragmentOptions extends ServiceContext {
	readonly signal: AbortSignal | undefined;
	readonly retryPolicy?: RetryPolicy | undefined;
	readonly resume?: Partial<ResumePolicy> | undefined;
}

/**
 * One fragment's events, in arrays: its media is requested within the quotas, with retries, and the response is closed when the loop
 * is left.
 */
export function openFragment(
	fragment: Fragment,
	{ client, limiter, clock, signal, retryPolicy, resume }: OneFragmentOptions,
): Demuxer {
	signal?.throwIfAborted();
	const batch = { index: 0, fragments: [fragment], sizeBytes: fragment.fragmentSizeInBytes };
	const demuxer = new Demuxer({ deliver: 'batch', clock, resume });
	pipeline(
		Readable.from([batch]),
		new MediaFetcher({
			client,
			limiter,
			clock,
			retryPolicy,
			concurrency: 1,
			maxBufferedBytes: MAX_BUFFERED_BYTES,
		}),
		demuxer,
		// The outcome reaches the caller through the demuxer, which the pipeline destroys with the error.
		() => {},
	);
	if (signal !== undefined) destroyOnAbort(demuxer, signal);
	return demuxer;
}
