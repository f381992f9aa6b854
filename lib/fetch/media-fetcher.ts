import { finished, type Readable } from 'node:stream';
import PQueue from 'p-queue';
import type { ArchiveClient, CallRecord } from '../aws/archive-client.js';
import { isRetryableRequest } from '../aws/aws-errors.js';
import { InvalidOptionError } from '../errors.js';
import type { FragmentBatch } from '../model/fragment-batch.js';
import type { MediaResponse, ReopenOptions } from '../model/media-response.js';
import type { Clock } from '../pace/clock.js';
import { type RateLimiter, sharedRateLimiter } from '../pace/rate-limiter.js';
import { type RetryPolicy, retry } from '../pace/retry.js';
import { Stage } from '../stream/stage.js';

/** Options of {@link MediaFetcher}. */
export interface MediaFetcherOptions {
	readonly client: ArchiveClient;
	/** @default the process's own for this endpoint, region and stream */
	readonly limiter?: RateLimiter | undefined;
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	readonly retryPolicy?: RetryPolicy | undefined;
	readonly clock?: Clock | undefined;
	readonly random?: (() => number) | undefined;
}

/**
 * Asks for the media of each batch. A response leaves as soon as its headers have come, its body unread; the next request
 * goes out when that body is over. Requests are paced by the limiter, and those that fail before their first byte are
 * tried again; what happens to a body is for its reader.
 */
export class MediaFetcher extends Stage<FragmentBatch, MediaResponse> {
	readonly #options: MediaFetcherOptions;
	readonly #limiter: RateLimiter;
	readonly #bodies = new PQueue({ concurrency: 1 });

	constructor(options: MediaFetcherOptions) {
		super({ readableHighWaterMark: 1 });
		this.#options = options;
		this.#limiter = options.limiter ?? sharedRateLimiter(options.client.quotaKey);
	}

	protected override async *process(batch: FragmentBatch): AsyncGenerator<MediaResponse[]> {
		yield [await this.#takeTurn(() => this.#open(batch, this.signal))];
	}

	/** Opens a response when the body before it is over, and keeps the turn until its own is. */
	#takeTurn(open: () => Promise<MediaResponse>): Promise<MediaResponse> {
		return new Promise((resolve, reject) => {
			this.#bodies
				.add(async () => {
					const response = await open();
					resolve(response);
					await over(response.body);
				})
				.catch(reject);
		});
	}

	async #open(batch: FragmentBatch, signal: AbortSignal): Promise<MediaResponse> {
		const { client, onCall, retryPolicy: policy, clock, random } = this.#options;
		const numbers = batch.fragments.map(({ fragmentNumber }) => fragmentNumber);
		const body = await retry(
			async () => {
				const permit = await this.#limiter.acquire({ calls: 1 }, signal);
				let isSent = false;
				const onSend = (): void => {
					isSent = true;
					permit.sent();
				};
				try {
					return await client.getMediaForFragmentList(numbers, { signal, onCall, onSend });
				} finally {
					if (!isSent) permit.cancel();
				}
			},
			{ isRetryable: isRetryableRequest, policy, signal, clock, random },
		);
		return { batch, body, reopen: (options) => this.#reopen(batch, options) };
	}

	/** Takes no turn: whoever asks still holds the one of the body that failed, and the next may be waiting for it. */
	async #reopen(
		batch: FragmentBatch,
		{ after, signal = this.signal }: ReopenOptions,
	): Promise<MediaResponse> {
		const start =
			after === undefined
				? 0
				: batch.fragments.findIndex(({ fragmentNumber }) => fragmentNumber === after) + 1;
		const fragments = batch.fragments.slice(start);
		if (fragments.length === 0 || (after !== undefined && start === 0)) {
			throw new InvalidOptionError('after', 'a fragment of the batch, and not its last', after);
		}
		const sizeBytes = fragments.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0);
		return this.#open({ index: batch.index, fragments, sizeBytes }, signal);
	}
}

/** Resolves when a body has ended, failed or been destroyed: all the same to the one that waits for its turn. */
function over(body: Readable): Promise<void> {
	return new Promise((resolve) => {
		finished(body, () => resolve());
	});
}
