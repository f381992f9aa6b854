import { pipeline } from 'node:stream';
import type { ArchiveClient } from '../aws/archive-client.js';
import { Demuxer } from '../demux/demuxer.js';
import { InvalidOptionError } from '../errors.js';
import { FragmentBatcher } from '../fetch/fragment-batcher.js';
import { DEFAULT_MAX_BUFFERED_BYTES, MediaFetcher } from '../fetch/media-fetcher.js';
import type { StartAt } from '../frames/fragment-start.js';
import { RangeTrimmer } from '../frames/range-trimmer.js';
import { TrackFilter } from '../frames/track-filter.js';
import type { TrackSelection } from '../frames/track-selection.js';
import { FragmentSource } from '../list/fragment-source.js';
import { KnownFilter } from '../list/known-filter.js';
import { NewestFilter } from '../list/newest-filter.js';
import { PaddingFilter, withPaddedStart } from '../list/start-padding.js';
import { FRESH_START, type RunStart } from '../model/run-start.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import { destroyOnAbort } from '../stream/abort.js';
import { EventOutlet, type EventOutletOptions, type EventStream } from './event-stream.js';
import { RunCounter } from './run-counter.js';
import type { RunOptions } from './run-options.js';

/** A range to read, and what it is read with. */
export interface MediaRun<E> {
	readonly client: ArchiveClient;
	readonly limiter: RateLimiter;
	readonly clock: Clock;
	/** Responses that download at once. */
	readonly connections: number;
	readonly range: TimeRange;
	readonly options: RunOptions;
	/** Where a fragment that begins before the range is trimmed. */
	readonly startAt: StartAt;
	/** The tracks whose frames are wanted; null: all. */
	readonly tracks?: TrackSelection | null;
	/** Selects which events go out. */
	readonly pick: EventOutletOptions<E>['pick'];
	/** Where an earlier run of the range stopped. */
	readonly past?: RunStart;
}

/** Joins the stages, from the listing to the events: nothing is requested before something is read. */
export function openRun<E>(run: MediaRun<E>): EventStream<E> {
	const {
		client,
		limiter,
		clock,
		connections,
		range,
		startAt,
		tracks = null,
		pick,
		past = FRESH_START,
	} = run;
	const {
		signal,
		strict = false,
		order,
		maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
		padStart = false,
		duplicates = 'keep-all',
		onProgress,
	} = run.options;
	if (duplicates !== 'keep-all' && duplicates !== 'keep-newest') {
		throw new InvalidOptionError('duplicates', "'keep-all' or 'keep-newest'", duplicates);
	}
	const resolved = resolveTimeRange(range);
	const counter = new RunCounter(clock, resolved);
	counter.resumed(past);
	const onCall = counter.call.bind(counter);
	const shared = { client, limiter, clock, onCall };
	const source = new FragmentSource({
		...shared,
		range: padStart ? withPaddedStart(resolved) : range,
		onListed: (count) => counter.listed(count),
	});
	// Fragments that were listed and turn out to lie outside of the range do not count.
	const onDropped = (count = 1): void => counter.listed(-count);
	const newest = duplicates === 'keep-newest' ? [new NewestFilter({ by: resolved.by, onDropped })] : [];
	const padding = padStart ? [new PaddingFilter({ range: resolved, onDropped })] : [];
	const known = past.last === null ? [] : [new KnownFilter({ ...past, range: resolved })];
	const trimmers = padding.map(
		({ kept }) => new RangeTrimmer({ range: resolved, startAt, tracks, padding: kept, onDropped }),
	);
	const outlet = new EventOutlet<E>({ counter, pick, strict, onProgress });
	pipeline(
		[
			source,
			...newest,
			...padding,
			...known,
			new FragmentBatcher({ maxSizeBytes: maxBufferedBytes / Math.max(1, connections - 1) }),
			new MediaFetcher({ ...shared, sessions: connections, maxBufferedBytes, order }),
			new Demuxer({ deliver: 'batch', clock, onRetry: () => counter.retry() }),
			...(tracks === null ? [] : [new TrackFilter(tracks)]),
			...trimmers,
			outlet,
		],
		// The outcome reaches the caller through the outlet, which the pipeline destroys with the error.
		() => {},
	);
	if (signal !== undefined) destroyOnAbort(outlet, signal);
	return outlet;
}
