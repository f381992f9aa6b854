import { pipeline } from 'node:stream';
import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import { Demuxer } from '../demux/demuxer.js';
import { FragmentBatcher } from '../fetch/fragment-batcher.js';
import { DEFAULT_MAX_BUFFERED_BYTES, MediaFetcher, maxBatchBytes } from '../fetch/media-fetcher.js';
import { WhereFilter } from '../frames/where-filter.js';
import { FollowSource } from '../list/follow-source.js';
import type { RunEvent } from '../model/media-event.js';
import { RETRY_FOR_EVER } from '../pace/retry.js';
import { allEvents, RunOutput } from '../run/event-stream.js';
import { RunCounter } from '../run/run-counter.js';
import { destroyOnAbort } from '../stream/abort.js';
import { checkpointKey, type FollowOptions, resolveFollowOptions } from './follow-options.js';
import { FollowPosition } from './follow-position.js';
import { FollowStream, type OpenFollowRun } from './follow-stream.js';
import { type GivenFragment, LiveFollowSource } from './live-follow-source.js';
import { OutageWatch } from './outage-watch.js';

/** A fragment that is listed waits this long for others to be asked for with it. */
const BATCH_WAIT_MS = 50;

/** A service that is unreachable does not make a fragment fail, and one that was just listed may not be ready for a while. */
const FOLLOW_RESUME = { attempts: 10, totalMs: Number.POSITIVE_INFINITY };

/** Follows a stream, see {@link FollowOptions}. Throws `InvalidOptionError`. Nothing is requested before something is read. */
export function openFollow(
	options: FollowOptions,
	{ connections, ...service }: ServiceContext & { readonly connections: number },
): FollowStream {
	const { clock, client, limiter } = service;
	const { fromMs, untilMs, endsCaughtUp, consumer, isManual, isLive } = resolveFollowOptions(options, clock);
	const {
		signal,
		maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
		where,
		checkpoint,
		metrics,
		onUnreachable,
	} = options;
	const outage = onUnreachable === undefined ? null : new OutageWatch(onUnreachable);
	const position = new FollowPosition();
	let counter: RunCounter | null = null;
	const measured = metrics?.begin(client.stream, {
		counts: () => counter?.summary() ?? null,
		handledUntilMs: () => position.handledUntilMs,
		savedMs: () => position.savedMs,
	});
	const open: OpenFollowRun = (start, { onGiven, onCaughtUp }) => {
		const counts = new RunCounter(clock, { fromMs: start.fromMs, toMs: untilMs, by: 'server' });
		counter = counts;
		const onCall = (call: CallRecord): void => {
			counts.call(call);
			measured?.call(call);
			outage?.call(call);
		};
		const shared = { client, limiter, clock, onCall, retryPolicy: RETRY_FOR_EVER };
		const given = (fragments: readonly GivenFragment[]): void => {
			counts.listed(fragments.length);
			onGiven(fragments);
		};
		const listing = new FollowSource({
			...shared,
			fromMs: start.fromMs,
			done: start.done,
			untilMs,
			isFill: isLive,
			isListedOnce: endsCaughtUp && !isLive,
			onCaughtUp: (caughtUp) => {
				onCaughtUp(caughtUp);
				live?.caughtUp();
			},
			onListed: (fragments) => {
				given(fragments);
				live?.listed(fragments);
			},
			onListedAgain: (fragment) => live?.listedAgain(fragment),
		});
		const output = new RunOutput<RunEvent>({
			counter: counts,
			pick: allEvents,
			strict: false,
			onProgress: undefined,
		});
		const maxSizeBytes = maxBatchBytes(maxBufferedBytes, connections);
		const batcher = new FragmentBatcher({ maxSizeBytes, maxWaitMs: BATCH_WAIT_MS, clock });
		const fetcher = new MediaFetcher({
			...shared,
			concurrency: connections,
			maxBufferedBytes,
			order: 'archive',
		});
		const listed = new Demuxer({
			deliver: 'batch',
			clock,
			resume: FOLLOW_RESUME,
			onRetry: () => counts.retry(),
		});
		const live = isLive
			? new LiveFollowSource({
					...service,
					listing,
					listed,
					fromMs: start.fromMs,
					resume: FOLLOW_RESUME,
					onTaken: (fragment) => given([fragment]),
					onCall,
				})
			: null;
		const filters = where === undefined ? [] : [new WhereFilter(where)];
		// The outcome reaches the caller through the output, which the pipeline destroys with the error.
		if (live === null) {
			pipeline([listing, batcher, fetcher, listed, ...filters, output], () => {});
		} else {
			pipeline(listing, batcher, fetcher, listed, () => {});
			pipeline([live, ...filters, output], () => {});
		}
		return output;
	};
	const stream = new FollowStream({
		open,
		fromMs,
		store: checkpoint ?? null,
		key: checkpointKey(client.stream, consumer),
		isManual,
		endsCaughtUp,
		clock,
		position,
	});
	if (measured !== undefined) stream.once('close', measured.end);
	for (const end of [signal, checkpoint?.lost]) if (end !== undefined) destroyOnAbort(stream, end);
	return stream;
}
