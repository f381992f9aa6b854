import { isRetryableRequest } from '../aws/aws-errors.js';
import type { ServiceContext } from '../aws/service-context.js';
import { RequestError } from '../errors.js';
import { backOffMs } from '../pace/retry.js';
import type { Ack } from '../put/ack.js';
import { putMedia } from '../put/put-media.js';
import type { FeedTally } from './feed-tally.js';
import type { UnstoredFragments } from './unstored-fragments.js';

/** The service closes a connection after 45 minutes (4003), in the middle of a fragment; ours end before, between two. */
const MAX_CONNECTION_MS = 40 * 60_000;

/** How much is written at a time. */
const WRITE_BYTES = 256 * 1024;

/** How long a service that once stored something may store nothing, before that is an error. */
const MAX_OUTAGE_MS = 5 * 60_000;

/** Connections without anything stored, before that is an error: first ones, and ones that the service ended with an ERROR. */
const MAX_FAILURES = 5;

const BACK_OFF = { baseDelayMs: 200, maxDelayMs: 10_000 };

/** Errors of a fragment as it is: sent again, it would be refused again. */
const aboutFragment: ReadonlySet<number> = new Set([4001, 4002, 4004, 4006, 4009, 4010, 4011, 4012]);

/** Errors of the stream and its key, or of all times: other fragments would have them too, and later ones. */
const aboutStream: ReadonlySet<number> = new Set([4007, 4008, 4500, 4501, 4502, 4504, 4505, 4506]);

/** What {@link sendAll} is called with. */
export interface Sending extends Pick<ServiceContext, 'client' | 'clock'> {
	/** What each connection begins with. */
	readonly header: Uint8Array;
	readonly unstored: UnstoredFragments;
	/** Whether fragments are acknowledged as PERSISTED; else RECEIVED is their end. */
	readonly isPersistent: boolean;
	readonly tally: FeedTally;
	/** From 0 to 1. */
	readonly random: () => number;
	/** Called with the first of the connections in a row that stored nothing. */
	readonly onUnreachable: (error: Error) => void;
	readonly signal: AbortSignal;
}

/**
 * Sends fragments until all of them are stored or refused, over as many connections as it takes: after one that broke off, and
 * after an ERROR, what is not stored is sent again. Gives every acknowledgement. Rejects with `RequestError` where the
 * service takes nothing any more, with what the fragments end with, and with the signal's reason.
 */
export async function* sendAll(sending: Sending): AsyncGenerator<Ack, void, undefined> {
	const { unstored, tally, clock, random, onUnreachable, signal } = sending;
	let failures = 0;
	let storedAtMs: number | null = null;
	while (await unstored.isLeft(signal)) {
		const connection = new FeedConnection(sending);
		tally.connections++;
		yield* connection.run();
		const { trouble } = connection;
		if (connection.hasSettled) {
			failures = 0;
			storedAtMs = clock.now();
		}
		if (trouble === null) continue;
		failures++;
		const isOutage = storedAtMs !== null && !connection.hasError;
		const isOver = isOutage ? clock.now() - (storedAtMs ?? 0) > MAX_OUTAGE_MS : failures >= MAX_FAILURES;
		if (isOver || !isRetryableRequest(trouble)) throw trouble;
		if (failures === 1) onUnreachable(trouble);
		await clock.sleep(backOffMs(BACK_OFF, failures, random), { signal });
	}
}

/** One connection of a feed. */
class FeedConnection {
	/** Whether any fragment came to its end. */
	hasSettled = false;
	/** Whether the service ended it with an ERROR. */
	hasError = false;
	/** What was wrong with it; null where nothing was. */
	trouble: Error | null = null;
	readonly #sending: Sending;

	constructor(sending: Sending) {
		this.#sending = sending;
	}

	async *run(): AsyncGenerator<Ack, void, undefined> {
		const { client, clock, unstored, signal } = this.#sending;
		const over = new AbortController();
		const times = { timecodes: 'absolute', producerStartMs: clock.now() } as const;
		unstored.rewind();
		try {
			const media = this.#media(AbortSignal.any([signal, over.signal]));
			for await (const ack of putMedia(media, times, { client, clock, signal, resends: true })) {
				this.#note(ack);
				yield ack;
			}
			if (!this.hasSettled && unstored.count > 0) {
				this.trouble ??= this.#lost('the service ended the response without storing anything');
			}
		} catch (error) {
			signal.throwIfAborted();
			if (!isRetryableRequest(error)) throw error;
			this.trouble ??= error as Error;
		} finally {
			// The next connection must not share the fragments with this one.
			over.abort();
		}
	}

	async *#media(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
		const { header, unstored, clock } = this.#sending;
		const endMs = clock.now() + MAX_CONNECTION_MS;
		yield header;
		while (clock.now() < endMs) {
			const fragment = await unstored.next(signal);
			if (fragment === null) return;
			for (let at = 0; at < fragment.bytes.byteLength; at += WRITE_BYTES) {
				yield fragment.bytes.subarray(at, at + WRITE_BYTES);
			}
		}
	}

	#note(ack: Ack): void {
		const { unstored, tally, isPersistent } = this.#sending;
		const { eventType, fragmentTimecode, errorId = 0, errorCode } = ack;
		const isStored = eventType === (isPersistent ? 'PERSISTED' : 'RECEIVED');
		const isError = eventType === 'ERROR';
		if (!isStored && !isError) return;
		const isSettled = fragmentTimecode !== null && (isStored || aboutFragment.has(errorId));
		const fragment = isSettled ? unstored.settle(fragmentTimecode) : null;
		if (fragment !== null) {
			this.hasSettled = true;
			if (isStored) tally.stored(fragment);
			else tally.refused(fragment, ack);
		}
		if (!isError) return;
		this.hasError = true;
		const retryable = !aboutStream.has(errorId);
		this.trouble = this.#lost(
			`the service ended the connection with ERROR ${errorId} (${errorCode})`,
			retryable,
		);
	}

	#lost(what: string, retryable = true): RequestError {
		const { stream } = this.#sending.client;
		return new RequestError('KVS_REQUEST_FAILED', `PutMedia for stream \`${stream}\`: ${what}`, {
			operation: 'PutMedia',
			stream,
			awsName: 'PutMediaError',
			statusCode: 200,
			requestId: undefined,
			cause: undefined,
			retryable,
		});
	}
}
