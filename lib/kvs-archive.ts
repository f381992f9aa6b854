import { once } from 'node:events';
import { extname } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { pipeline as pipelinePromise } from 'node:stream/promises';
import { ArchiveClient, type ArchiveClientOptions } from './aws/archive-client.js';
import { FragmentBatcher } from './batch/fragment-batcher.js';
import { Demuxer } from './demux/demuxer.js';
import { InvalidOptionError } from './errors.js';
import { EventOutlet, type EventOutletOptions, type EventStream } from './event-stream.js';
import { DEFAULT_MAX_BUFFERED_BYTES, MediaFetcher } from './fetch/media-fetcher.js';
import { readTracks } from './fragment-tracks.js';
import { type FrameSelection, FrameSelector } from './frames/frame-selector.js';
import { FragmentSource } from './list/fragment-source.js';
import type { Frame, MediaEvent } from './model/media-event.js';
import type { Progress } from './model/progress.js';
import type { RunSummary } from './model/run-summary.js';
import { resolveTimeRange, type TimeRange } from './model/time-range.js';
import { systemClock } from './pace/clock.js';
import { type Quotas, resolveQuotas } from './pace/quotas.js';
import { type RateLimiter, sharedRateLimiter } from './pace/rate-limiter.js';
import { RunCounter } from './run-counter.js';
import { MkvSink } from './sinks/mkv-sink.js';
import { TimelineSource, type TimelineStream } from './timeline/timeline-source.js';

/** Options of {@link KvsArchive}. */
export interface KvsArchiveOptions extends ArchiveClientOptions {
	/** Paces the media calls. @default one for this endpoint, region and stream, shared by the whole process */
	readonly limiter?: RateLimiter | undefined;
	/** The stream's quotas, where they are not the service's usual ones. Not together with `limiter`. */
	readonly quotas?: Partial<Quotas> | undefined;
}

/** Options of every run. */
export interface RunOptions {
	/** Ends the run; it then rejects with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
	/** Ends the run with a `FragmentError` at the first fragment that fails. @default false: failures are events */
	readonly strict?: boolean | undefined;
	/**
	 * `archive`: fragments sorted by the range's clock, then by number. `arrival`: as they come, for those who do not care,
	 * in order within each request. @default 'archive'
	 */
	readonly order?: 'archive' | 'arrival' | undefined;
	/** What may be held of media that was not read yet, in bytes. @default 128 MiB */
	readonly maxBufferedBytes?: number | undefined;
	/** Told how far the run has come: at most twice a second while events are read, and at its end. */
	readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Options of {@link KvsArchive.fragments}. */
export interface FragmentsOptions {
	readonly signal?: AbortSignal | undefined;
	/** Fragments after which to stop. The source's `nextToken` then says where to go on. */
	readonly maxItems?: number | undefined;
	/** MaxResults of each call, 1 to 1,000. @default 1000 */
	readonly pageSize?: number | undefined;
	/** `nextToken` of an earlier listing, of this process or another. */
	readonly startingToken?: string | undefined;
}

/** Options of {@link KvsArchive.timeline}. */
export interface TimelineOptions {
	readonly signal?: AbortSignal | undefined;
	/** Reads a few fragments' headers to say what is in a span and where codecs change. @default true */
	readonly codecs?: boolean | undefined;
}

/** What became of an export. */
export interface ExportSummary extends RunSummary {
	/** The file that was written. */
	readonly file: string;
}

/**
 * The archive of one stream, read by time range.
 *
 * Nothing is asked of the service before something is read. What is handed in (clients, limiter, signal) is never closed
 * here; connections made here are closed by `close`.
 */
export class KvsArchive implements AsyncDisposable {
	/** The service for this stream, for those who put the parts together themselves. */
	readonly client: ArchiveClient;
	readonly #limiter: RateLimiter;
	readonly #connections: number;

	constructor(options: KvsArchiveOptions) {
		const { limiter, quotas } = options;
		if (limiter !== undefined && quotas !== undefined) {
			throw new InvalidOptionError('quotas', 'left out where `limiter` is given', quotas);
		}
		this.client = new ArchiveClient(options);
		this.#limiter = limiter ?? sharedRateLimiter(this.client.quotaKey, quotas);
		this.#connections = resolveQuotas(quotas).connections;
	}

	/** The fragments of a range, each once, sorted by the range's clock and then by number. */
	fragments(range: TimeRange, options: FragmentsOptions = {}): FragmentSource {
		const { signal, ...listing } = options;
		const source = new FragmentSource({ client: this.client, limiter: this.#limiter, range, ...listing });
		if (signal !== undefined) destroyOnAbort(source, signal);
		return source;
	}

	/**
	 * What is stored in a range: spans of fragments that meet on the producer's clock, what is between them, and where
	 * codecs change; last a total. From the listing, and the headers of at most 100 fragments.
	 */
	timeline(range: TimeRange, options: TimelineOptions = {}): TimelineStream {
		const { signal, codecs = true } = options;
		const { client } = this;
		const limiter = this.#limiter;
		const timeline = new TimelineSource({
			range,
			list: (part, partSignal) => this.fragments(part, { signal: partSignal }).batches(),
			readTracks: codecs
				? (fragment, readSignal) => readTracks(fragment, { client, limiter, signal: readSignal })
				: null,
		});
		if (signal !== undefined) destroyOnAbort(timeline, signal);
		return timeline;
	}

	/** Everything in a range as typed events, in archive order: fragments sorted by the range's clock, then by number. */
	events(range: TimeRange, options: RunOptions = {}): EventStream {
		return this.#run<MediaEvent>(range, options, (events) => [...events]);
	}

	/**
	 * The encoded frames of a range. Failures do not show in between: the stream's `summary` counts them, and `strict`
	 * makes the first one an error.
	 */
	frames(
		range: TimeRange,
		options: RunOptions & { readonly select?: FrameSelection } = {},
	): EventStream<Frame> {
		const selector = new FrameSelector(options.select ?? 'all');
		return this.#run<Frame>(range, options, (events) =>
			events.filter((event): event is Frame => event.type === 'frame' && selector.isSelected(event)),
		);
	}

	/**
	 * Writes a range into one playable Matroska file (`.mkv`). The file appears when it is whole and replaces one of that
	 * name; on any error nothing is left behind. An empty range is an error (`KVS_EMPTY_RANGE`).
	 */
	async export(range: TimeRange, file: string, options: RunOptions = {}): Promise<ExportSummary> {
		if (extname(file).toLowerCase() !== '.mkv')
			throw new InvalidOptionError('file', 'a name that ends in .mkv', file);
		const events = this.events(range, options);
		const sink = new MkvSink(file);
		try {
			await pipelinePromise(events, sink);
		} catch (error) {
			// A pipeline rejects before its streams are closed; the caller must not find what is being removed.
			for (const stream of [events, sink]) if (!stream.closed) await once(stream, 'close');
			options.signal?.throwIfAborted();
			throw error;
		}
		return { ...(await events.summary), file };
	}

	/** Closes the connections made here. Runs that are under way fail. */
	async close(): Promise<void> {
		this.client.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#run<E>(range: TimeRange, options: RunOptions, pick: EventOutletOptions<E>['pick']): EventStream<E> {
		const {
			signal,
			strict = false,
			order,
			maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
			onProgress,
		} = options;
		const { client } = this;
		const limiter = this.#limiter;
		const counter = new RunCounter(systemClock, resolveTimeRange(range));
		const onCall = counter.call.bind(counter);
		const source = new FragmentSource({
			client,
			limiter,
			range,
			onCall,
			onListed: (count) => counter.listed(count),
		});
		const fetcher = new MediaFetcher({
			client,
			limiter,
			sessions: this.#connections,
			maxBufferedBytes,
			order,
			onCall,
		});
		const outlet = new EventOutlet<E>({ counter, pick, strict, onProgress });
		pipeline(
			source,
			new FragmentBatcher({ maxSizeBytes: maxBufferedBytes / Math.max(1, this.#connections - 1) }),
			fetcher,
			new Demuxer({ deliver: 'batch', onRetry: () => counter.retry() }),
			outlet,
			// The outcome reaches the caller through the outlet, which the pipeline destroys with the error.
			() => {},
		);
		if (signal !== undefined) destroyOnAbort(outlet, signal);
		return outlet;
	}
}

function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
	const onAbort = (): void => {
		stream.destroy(signal.reason);
	};
	if (signal.aborted) {
		onAbort();
		return;
	}
	signal.addEventListener('abort', onAbort, { once: true });
	stream.once('close', () => signal.removeEventListener('abort', onAbort));
}
