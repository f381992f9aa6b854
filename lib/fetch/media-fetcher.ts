import type { Readable } from 'node:stream';
import { finished } from 'node:stream';
import PQueue from 'p-queue';
import type { ArchiveClient } from '../aws/archive-client.js';
import { isRetryableRequest } from '../aws/aws-errors.js';
import type { CallRecord } from '../aws/call-record.js';
import { InvalidOptionError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import type { FragmentBatch } from '../model/fragment-batch.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { MediaResponse, ReopenOptions } from '../model/media-response.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { SERVICE_QUOTAS } from '../pace/quotas.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import { type RetryPolicy, retry } from '../pace/retry.js';
import { streamLimiter } from '../pace/shared-rate-limiter.js';
import { withPermit } from '../pace/with-permit.js';
import { destroyOnAbort } from '../stream/abort.js';
import { Stage } from '../stream/stage.js';
import { ByteBudget } from './byte-budget.js';
import { type BodyTimeouts, ResponseBody } from './response-body.js';

/** What a run may hold of media that its reader has not come to yet. */
export const DEFAULT_MAX_BUFFERED_BYTES = 128 * 1024 * 1024;

const DEFAULT_PATIENCE: BodyTimeouts = { stallMs: 30_000, maxHoldMs: 120_000 };

/**
 * The most bytes of a batch, so that as many as download at a time fit into what may be held, one of them as it is read. Throws
 * `InvalidOptionError` for a `maxBufferedBytes` that is not valid.
 */
export function maxBatchBytes(maxBufferedBytes: number, connections: number): number {
	return checkMaxBufferedBytes(maxBufferedBytes) / Math.max(1, connections - 1);
}

/** Returns what may be held. Throws `InvalidOptionError` where it is not valid. */
export function checkMaxBufferedBytes(bytes: number): number {
	if (typeof bytes === 'number' && bytes > 0) return bytes;
	throw new InvalidOptionError('maxBufferedBytes', 'a number above 0', bytes);
}

/** What a response may have besides its fragments. */
const SLACK_BYTES = 1024 * 1024;

/** What a fragment may have whose size was not listed; the service's have at most 50 MB. */
const UNLISTED_FRAGMENT_BYTES = 64 * 1024 * 1024;

/** No fragment may have more, whatever was listed. */
const MAX_FRAGMENT_BYTES = 1024 * 1024 * 1024;

/** Options of {@link MediaFetcher}. */
export interface MediaFetcherOptions extends Partial<BodyTimeouts> {
	readonly client: ArchiveClient;
	/** @default the process's own for this endpoint, region and stream */
	readonly limiter?: RateLimiter | undefined;
	/** Responses that download at once. @default 5, what the service allows for a stream */
	readonly concurrency?: number | undefined;
	/** Bytes that may wait to be read, over all responses. @default 128 MiB */
	readonly maxBufferedBytes?: number | undefined;
	/** `archive`: responses leave in the order of their batches. `arrival`: as soon as media comes. @default 'archive' */
	readonly order?: 'archive' | 'arrival' | undefined;
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	readonly retryPolicy?: RetryPolicy | undefined;
	readonly clock?: Clock | undefined;
	readonly random?: (() => number) | undefined;
}

const OPTION_NAMES: OptionNames<MediaFetcherOptions> = {
	client: true,
	limiter: true,
	concurrency: true,
	maxBufferedBytes: true,
	order: true,
	onCall: true,
	retryPolicy: true,
	clock: true,
	random: true,
	stallMs: true,
	maxHoldMs: true,
};

/**
 * Requests the media of batches, several at a time, and hands the responses on at once, their bodies filling while those
 * before them are read. The limiter says when a request may start; p-queue how many bodies are open; one budget of bytes
 * how far ahead they may run. Requests that fail before their first byte are retried; a body that fails is for its reader,
 * which requests what is left with `reopen`. That goes before all read-ahead: where no connection is free for it, the
 * youngest is closed.
 */
export class MediaFetcher extends Stage<FragmentBatch, MediaResponse> {
	readonly #options: MediaFetcherOptions;
	readonly #limiter: RateLimiter;
	readonly #concurrency: number;
	readonly #queue: PQueue;
	readonly #budget: ByteBudget;
	/** In the order in which they will be read, until they are closed. */
	#bodies: ResponseBody[] = [];
	/** Bodies that were reopened and have no connection yet. */
	#urgentWaiting = 0;
	/** What has not left yet, in `arrival` order. */
	readonly #waiting = new Map<MediaResponse, Promise<MediaResponse>>();

	constructor(options: MediaFetcherOptions) {
		checkOptionNames(options, OPTION_NAMES);
		const {
			concurrency = SERVICE_QUOTAS.connections,
			maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
			order = 'archive',
		} = options;
		if (!Number.isInteger(concurrency) || concurrency < 1) {
			throw new InvalidOptionError('concurrency', 'a whole number of at least 1', concurrency);
		}
		if (order !== 'archive' && order !== 'arrival')
			throw new InvalidOptionError('order', "'archive' or 'arrival'", order);
		super({ readableHighWaterMark: concurrency });
		this.#options = options;
		this.#concurrency = concurrency;
		this.#limiter = streamLimiter(options.limiter, () => options.client.quotaKey());
		this.#queue = new PQueue({ concurrency: concurrency });
		this.#budget = new ByteBudget(checkMaxBufferedBytes(maxBufferedBytes));
	}

	protected override async *process(batch: FragmentBatch): AsyncGenerator<MediaResponse[]> {
		const response = this.#open(batch);
		if (this.#options.order !== 'arrival') {
			yield [response];
			return;
		}
		this.#waiting.set(response, whenMediaComes(response));
		if (this.#waiting.size >= this.#concurrency) yield [await this.#firstToCome()];
	}

	protected override async *finish(): AsyncGenerator<MediaResponse[]> {
		while (this.#waiting.size > 0) yield [await this.#firstToCome()];
		// A stage that has ended is destroyed, and takes with it what it has opened: not before that was read.
		for (let [body] = this.#bodies; body !== undefined; [body] = this.#bodies) await over(body);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#queue.clear();
		for (const body of this.#bodies) body.destroy();
		super._destroy(error, callback);
	}

	async #firstToCome(): Promise<MediaResponse> {
		const response = await Promise.race(this.#waiting.values());
		this.#waiting.delete(response);
		return response;
	}

	/** `isUrgent`: what is read now waits for it. */
	#open(batch: FragmentBatch, { isUrgent = false } = {}): MediaResponse {
		const { clock = systemClock, stallMs, maxHoldMs } = { ...DEFAULT_PATIENCE, ...this.#options };
		const body = new ResponseBody({
			open: (signal) => this.#request(batch, AbortSignal.any([signal, this.signal]), isUrgent),
			onConnected: () => this.#makeRoom(),
			budget: this.#budget,
			clock,
			maxSizeBytes: batch.fragments.reduce((sum, fragment) => sum + allowedBytes(fragment), SLACK_BYTES),
			stallMs: stallMs ?? DEFAULT_PATIENCE.stallMs,
			maxHoldMs: maxHoldMs ?? DEFAULT_PATIENCE.maxHoldMs,
		});
		this.#bodies = isUrgent ? [body, ...this.#bodies] : [...this.#bodies, body];
		finished(body, () => {
			this.#bodies = this.#bodies.filter((other) => other !== body);
		});
		if (isUrgent) {
			this.#urgentWaiting++;
			this.#makeRoom();
		}
		const fill = (): Promise<void> => {
			if (isUrgent) this.#urgentWaiting--;
			return body.fill();
		};
		this.#queue.add(fill, { priority: isUrgent ? 1 : 0 }).catch((error) => body.destroy(error));
		return { batch, body, reopen: (options) => this.#reopen(batch, options) };
	}

	/** Frees a connection where one is needed for what is read now and all are busy with what is read later. */
	#makeRoom(): void {
		if (this.#urgentWaiting === 0 || this.#queue.pending < this.#concurrency) return;
		this.#bodies.findLast((body) => body.isConnected)?.holdBack();
	}

	async #request(batch: FragmentBatch, signal: AbortSignal, isUrgent: boolean): Promise<Readable> {
		const { client, onCall, retryPolicy: policy, clock, random } = this.#options;
		const numbers = batch.fragments.map(({ fragmentNumber }) => fragmentNumber);
		const cost = {
			calls: 1,
			mediaPoints: numbers.length,
			connections: 1,
			isUrgent,
			signal,
			whenOver: (body: Readable, closed: () => void) => void finished(body, closed),
		};
		const attempt = (): Promise<Readable> =>
			withPermit(this.#limiter, cost, async (permitted) => {
				const body = await client.getMediaForFragmentList(numbers, { onCall, ...permitted });
				// Its reader learns the reason: a lost permit is not a failure of the response.
				if (permitted.signal !== undefined) destroyOnAbort(body, permitted.signal);
				return body;
			});
		return retry(attempt, { isRetryable: isRetryableRequest, policy, signal, clock, random });
	}

	async #reopen(batch: FragmentBatch, { after, only }: ReopenOptions): Promise<MediaResponse> {
		const start =
			after === undefined
				? 0
				: batch.fragments.findIndex(({ fragmentNumber }) => fragmentNumber === after) + 1;
		if (after !== undefined && start === 0)
			throw new InvalidOptionError('after', 'a fragment of the batch', after);
		const fragments = batch.fragments
			.slice(start)
			.filter(({ fragmentNumber }) => only?.has(fragmentNumber) ?? true);
		if (fragments.length === 0) throw new InvalidOptionError('after', 'a fragment that others follow', after);
		return this.#open({ index: batch.index, fragments, sizeBytes: sizeOf(fragments) }, { isUrgent: true });
	}
}

/** The most that may come of a fragment: how its size is counted is not documented, so twice what was listed. */
function allowedBytes({ fragmentSizeInBytes }: Fragment): number {
	if (fragmentSizeInBytes === 0) return UNLISTED_FRAGMENT_BYTES;
	return Math.min(2 * fragmentSizeInBytes, MAX_FRAGMENT_BYTES);
}

function sizeOf(fragments: readonly Fragment[]): number {
	return fragments.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0);
}

function over(body: Readable): Promise<void> {
	return new Promise((resolve) => {
		finished(body, () => resolve());
	});
}

/** Resolves as soon as there is something to read, be it the end. */
function whenMediaComes(response: MediaResponse): Promise<MediaResponse> {
	return new Promise((resolve) => {
		const onReadable = (): void => resolve(response);
		response.body.once('readable', onReadable);
		finished(response.body, onReadable);
	});
}
