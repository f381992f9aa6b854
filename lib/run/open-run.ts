import { pipeline, type Transform } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import { Demuxer } from '../demux/demuxer.js';
import { FragmentBatcher } from '../fetch/fragment-batcher.js';
import { DEFAULT_MAX_BUFFERED_BYTES, MediaFetcher, maxBatchBytes } from '../fetch/media-fetcher.js';
import type { StartAt } from '../frames/fragment-start.js';
import { RangeTrimmer } from '../frames/range-trimmer.js';
import { TrackFilter } from '../frames/track-filter.js';
import type { TrackSelection } from '../frames/track-selection.js';
import { checkWhere } from '../frames/where.js';
import { WhereFilter } from '../frames/where-filter.js';
import type { FragmentSource } from '../list/fragment-source.js';
import { SkipCompletedFilter } from '../list/skip-completed-filter.js';
import { WantedFilter, type WantedFilterOptions } from '../list/wanted-filter.js';
import { FRESH_START, type RunStart } from '../model/run-start.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import { destroyOnAbort } from '../stream/abort.js';
import { type EventStream, RunOutput, type RunOutputOptions } from './event-stream.js';
import { listingStages } from './listing.js';
import { RunCounter } from './run-counter.js';
import type { RunOptions } from './run-options.js';

/** A range to read, and what it is read with. */
export interface MediaRun<E> extends ServiceContext {
	/** Responses that download at once. */
	readonly connections: number;
	readonly range: TimeRange;
	readonly options: RunOptions;
	/** Where a fragment that begins before the range is trimmed. */
	readonly startAt: StartAt;
	/** The tracks whose frames are wanted; null: all. */
	readonly tracks?: TrackSelection | null;
	/** Gives the bytes of each whole fragment with its `fragment-end`. @default false */
	readonly keepDocuments?: boolean;
	/** Whether a `fragment` has all of its tags, which takes that it is held to its end. @default false, but with `where` */
	readonly completeTags?: boolean;
	/** Which fragments are requested, by their listing; the others do not count, nor what is missing between two as a gap. @default all */
	readonly wanted?: Omit<WantedFilterOptions, 'onDropped'> | null;
	/** Selects which events go out. */
	readonly pick: RunOutputOptions<E>['pick'];
	/** Where an earlier run of the range stopped. */
	readonly past?: RunStart;
}

/** Joins the stages, from the listing to the events: nothing is requested before something is read. */
export function openRun<E>(run: MediaRun<E>): EventStream<E> {
	const { signal } = run.options;
	const stages = runStages(run);
	const output = stages.at(-1) as RunOutput<E>;
	// The outcome reaches the caller through the output, which the pipeline destroys with the error.
	pipeline([...stages], () => {});
	if (signal !== undefined) destroyOnAbort(output, signal);
	return output;
}

/** Makes the stages of a run. Throws `InvalidOptionError`. */
export function runStages<E>({ options, ...run }: MediaRun<E>): (FragmentSource | Transform)[] {
	const { client, limiter, clock, connections, range, startAt, pick } = run;
	const { tracks = null, past = FRESH_START, wanted = null } = run;
	const { keepDocuments = false, completeTags = false } = run;
	const { strict = false, order, maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES, where, onProgress } = options;
	checkWhere(options);
	const resolved = resolveTimeRange(range);
	const counter = new RunCounter(clock, resolved, { countsGaps: wanted === null });
	counter.resumed(past);
	const onCall = counter.call.bind(counter);
	const shared = { client, limiter, clock, onCall };
	// Fragments that were listed and turn out to lie outside of the range do not count.
	const onDropped = (count = 1): void => counter.listed(-count);
	const onListed = (count: number): void => counter.listed(count);
	const { source, filters, padding } = listingStages(range, options, { ...shared, onListed }, onDropped);
	// On the producer's clock recordings may overlap: all of them are wanted.
	const leadIn =
		padding !== null && resolved.by === 'server' ? { padding, fromMs: resolved.fromMs, onDropped } : null;
	return [
		source,
		...filters,
		...(wanted === null ? [] : [new WantedFilter({ ...wanted, onDropped })]),
		...(past.last === null ? [] : [new SkipCompletedFilter({ ...past, range: resolved })]),
		new FragmentBatcher({ maxSizeBytes: maxBatchBytes(maxBufferedBytes, connections) }),
		new MediaFetcher({ ...shared, concurrency: connections, maxBufferedBytes, order }),
		new Demuxer({ deliver: 'batch', keepDocuments, clock, onRetry: () => counter.retry() }),
		...(where === undefined && !completeTags ? [] : [new WhereFilter(where ?? {}, { leadIn })]),
		...(tracks === null ? [] : [new TrackFilter(tracks)]),
		...(padding === null ? [] : [new RangeTrimmer({ range: resolved, startAt, tracks, padding, onDropped })]),
		new RunOutput<E>({
			counter,
			pick,
			strict,
			onProgress,
			// Each item may be a whole fragment then.
			...(keepDocuments ? { readableHighWaterMark: 1 } : {}),
		}),
	];
}
