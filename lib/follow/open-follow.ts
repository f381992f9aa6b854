import { pipeline } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import { Demuxer } from '../demux/demuxer.js';
import { FragmentBatcher } from '../fetch/fragment-batcher.js';
import { DEFAULT_MAX_BUFFERED_BYTES, MediaFetcher } from '../fetch/media-fetcher.js';
import { FollowSource } from '../list/follow-source.js';
import type { MediaEvent } from '../model/media-event.js';
import { RETRY_FOR_EVER } from '../pace/retry.js';
import { copyOf, RunOutput } from '../run/event-stream.js';
import { RunCounter } from '../run/run-counter.js';
import { destroyOnAbort } from '../stream/abort.js';
import { type FollowOptions, resolveFollowOptions } from './follow-options.js';
import { FollowStream, type OpenFollowRun } from './follow-stream.js';

/** A fragment that is listed waits this long for others to be asked for with it. */
const BATCH_WAIT_MS = 50;

/** Follows a stream by listing. Throws `InvalidOptionError`. Nothing is requested before something is read. */
export function openFollow(
	options: FollowOptions,
	{ connections, ...service }: ServiceContext & { readonly connections: number },
): FollowStream {
	const { clock, client, limiter } = service;
	const { fromMs, untilMs, consumer, isManual } = resolveFollowOptions(options, clock);
	const { signal, maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES, checkpoint } = options;
	const open: OpenFollowRun = (start, { onListed, onCaughtUp }) => {
		const counter = new RunCounter(clock, { fromMs: start.fromMs, toMs: untilMs, by: 'server' });
		const shared = {
			client,
			limiter,
			clock,
			onCall: counter.call.bind(counter),
			retryPolicy: RETRY_FOR_EVER,
		};
		const source = new FollowSource({
			...shared,
			fromMs: start.fromMs,
			done: start.done,
			untilMs,
			onCaughtUp,
			onListed: (fragments) => {
				counter.listed(fragments.length);
				onListed(fragments);
			},
		});
		const output = new RunOutput<MediaEvent>({
			counter,
			pick: copyOf,
			strict: false,
			onProgress: undefined,
		});
		const maxSizeBytes = maxBufferedBytes / Math.max(1, connections - 1);
		pipeline(
			source,
			new FragmentBatcher({ maxSizeBytes, maxWaitMs: BATCH_WAIT_MS, clock }),
			new MediaFetcher({ ...shared, concurrency: connections, maxBufferedBytes, order: 'archive' }),
			new Demuxer({ deliver: 'batch', clock, onRetry: () => counter.retry() }),
			output,
			// The outcome reaches the caller through the output, which the pipeline destroys with the error.
			() => {},
		);
		return output;
	};
	const stream = new FollowStream({
		open,
		fromMs,
		store: checkpoint ?? null,
		key: `${client.stream}/${consumer}`,
		isManual,
		clock,
	});
	if (signal !== undefined) destroyOnAbort(stream, signal);
	return stream;
}
