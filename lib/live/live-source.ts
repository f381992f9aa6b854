import { addAbortSignal, finished, type Readable } from 'node:stream';
import { isRetryableRequest } from '../aws/aws-errors.js';
import type { CallRecord } from '../aws/call-record.js';
import type { LiveMedia } from '../aws/live-media.js';
import type { ServiceContext } from '../aws/service-context.js';
import { DemuxContext } from '../demux/demux-context.js';
import { PayloadReader } from '../demux/payload-reader.js';
import { brokenOff, failureNameOf, isMalformed } from '../demux/response-errors.js';
import { ArchiveError, MediaError } from '../errors.js';
import type { MediaEvent } from '../model/media-event.js';
import { backOffMs, RETRY_FOR_EVER, retry } from '../pace/retry.js';
import { unlessStalled } from '../pace/unless-stalled.js';
import { withPermit } from '../pace/with-permit.js';
import { Source } from '../stream/source.js';
import type { LiveStart } from './live-options.js';
import { LiveProgress } from './live-progress.js';

/**
 * How long nothing may come before the connection is considered dead, in milliseconds. The service sends nothing while
 * nothing is put in, so that a connection that is alive may be replaced: that costs a call, and no media.
 */
const STALL_MS = 60_000;

/** Options of {@link LiveSource}. */
export interface LiveSourceOptions extends ServiceContext {
	readonly start: LiveStart;
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	/** From 0 to 1. @default Math.random */
	readonly random?: (() => number) | undefined;
}

/**
 * The media of a stream while it grows (GetMedia), as events, in the arrays in which chunks complete them. Never ends by
 * itself: a response that ends (after 45 minutes by the service's rule), breaks off or stalls is followed by another one after
 * the last whole fragment. Reads no faster than it is read.
 *
 * Fails with the {@link RequestError} of a request that is refused for good: no such stream, not allowed, invalid.
 */
export class LiveSource extends Source<MediaEvent> {
	readonly #options: LiveSourceOptions;
	readonly #context = new DemuxContext();
	readonly #progress: LiveProgress;

	constructor(options: LiveSourceOptions) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#options = options;
		this.#progress = new LiveProgress(options.start);
	}

	protected override async *produce(): AsyncGenerator<MediaEvent[], never> {
		const { clock, random = Math.random } = this.#options;
		const progress = this.#progress;
		for (;;) {
			const { body, date } = await this.#open();
			progress.responseStarts(date);
			const error = yield* this.#read(body);
			yield progress.responseEnds(error, clock.now());
			if (progress.attempts === 0) continue;
			await clock.sleep(backOffMs(RETRY_FOR_EVER, progress.attempts, random), { signal: this.signal });
		}
	}

	/** Requests the media from where it is to go on. */
	async #open(): Promise<LiveMedia> {
		const { client, limiter, clock, onCall, random } = this.#options;
		const { signal } = this;
		const cost = {
			liveCalls: 1,
			liveConnections: 1,
			signal,
			whenOver: ({ body }: LiveMedia, closed: () => void) => void finished(body, closed),
		};
		const attempt = (): Promise<LiveMedia> =>
			withPermit(limiter, cost, (permitted) =>
				client.getMedia(this.#progress.selector, { onCall, ...permitted }),
			);
		return retry(attempt, { isRetryable: isRetryableRequest, policy: RETRY_FOR_EVER, signal, clock, random });
	}

	/** The events of one body. Returns why it ended before its time; null for a clean end. */
	async *#read(body: Readable): AsyncGenerator<MediaEvent[], ArchiveError | null> {
		const { client, clock } = this.#options;
		const progress = this.#progress;
		const payload = new PayloadReader(this.#context, {
			endsAtToken: true,
			admit: (fragmentNumber) => progress.admit(fragmentNumber),
			onFailure: (failure) => progress.failed(failure),
		});
		let error: ArchiveError | null = null;
		// Who destroys this source must not wait for a body on which nothing comes.
		addAbortSignal(this.signal, body);
		try {
			for await (const chunk of unlessStalled(body, STALL_MS, clock)) {
				for (const events of payload.write(chunk)) {
					yield progress.take(events);
					if (progress.isStopped) return null;
				}
			}
		} catch (thrown) {
			this.signal.throwIfAborted();
			client.checkOpen();
			error = thrown instanceof ArchiveError ? thrown : brokenOff(thrown);
		} finally {
			body.destroy();
		}
		try {
			const rest = isMalformed(error)
				? payload.fail(failureNameOf(error), error)
				: payload.end(error ?? endedEarly());
			for (const events of rest) yield progress.take(events);
		} catch (thrown) {
			if (!(thrown instanceof MediaError)) throw thrown;
			error = thrown;
		}
		return error;
	}
}

/** A whole fragment ends with the service's tags: one that is still open when the response ends is not whole. */
function endedEarly(): MediaError {
	return new MediaError('KVS_MEDIA_TRUNCATED', 'the response ended inside a fragment');
}
