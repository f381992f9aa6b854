import { onAbort, unlessAborted } from '../../stream/abort.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { FragmentAppender } from '../store/fragment-appender.js';
import type { LocalStream } from '../store/local-stream.js';
import { serviceTags } from '../wire/chunk-writer.js';
import type { AckEventType } from './ack.js';
import { AckStream } from './ack-stream.js';
import { watchConnection } from './connection-watch.js';
import { FragmentStorage, type MadeTrouble, type OpenFragment } from './fragment-storage.js';
import { timecodeMs } from './producer-time.js';
import { PutMediaError } from './put-media-error.js';
import type { ProducerHeader, PutMediaHandler, ReceivedFragment } from './put-media-handler.js';
import { PutMediaReader } from './put-media-reader.js';
import type { ReadingPauses } from './reading-pauses.js';

/** A Cluster of known size that is full is closed after this long without Tags. */
const SILENCE_MS = 100;

/** How long a body that has no beginning is read on, and thrown away. */
const DISCARDED_MS = 2000;

/** Errors of the connection as a whole, which name the fragment that was being received. */
const ABOUT_CONNECTION: ReadonlySet<number> = new Set([4003, 4008]);

/** What a {@link PutMediaSession} works on. */
export interface PutMediaSessionOptions {
	readonly stream: LocalStream;
	readonly appender: FragmentAppender;
	/** Start on the producer's clock that is added to timecodes, epoch milliseconds; null where they are absolute. */
	readonly producerStartMs: number | null;
	/** Whether the producer wants acknowledgements; it gets an ERROR all the same. */
	readonly isAcknowledged: boolean;
	readonly clock: MonotonicClock;
	/** Called with the error that is acknowledged, whose message says more than the acknowledgement can. */
	readonly onError: (error: PutMediaError) => void;
	/** When the body is not read although there is more. */
	readonly pauses: ReadingPauses;
	/** Called once for each fragment as it begins: what goes wrong with the one of that index in the connection, from 0. */
	readonly troubleOf: (index: number) => MadeTrouble;
}

/**
 * One PutMedia connection: reads the body as it comes, stores fragment by fragment, and acknowledges each as soon as it is
 * true. The body is read whether the acknowledgements are read or not. Of a fragment no more is held than is about to be
 * written.
 */
export class PutMediaSession implements PutMediaHandler {
	/** The acknowledgements; they end with the connection. */
	readonly acks = new AckStream(() => this.#fail(new Error('the producer disconnected')));
	readonly #options: PutMediaSessionOptions;
	readonly #reader: PutMediaReader;
	readonly #over = new AbortController();
	readonly #storage: FragmentStorage;
	#lastByteAtMs: number;
	#header: ProducerHeader | null = null;
	#open: OpenFragment | null = null;
	#fragments = 0;
	#isSilenceWatched = false;
	#isOutOfStep = false;

	constructor(options: PutMediaSessionOptions) {
		this.#options = options;
		this.#reader = new PutMediaReader(this, options);
		this.#lastByteAtMs = options.clock.now();
		this.#storage = new FragmentStorage({
			...options,
			signal: this.#over.signal,
			acknowledge: (eventType, fragment) => this.#acknowledge(eventType, fragment),
			onFailure: (error) => this.#fail(error),
		});
	}

	/**
	 * Whether the connection is to be reset once the acknowledgements are sent: the body has no beginning, and goes on. The AWS
	 * producers go on where they were in another connection when a new one was refused. They have what is missing, and send it when
	 * their connection breaks; of a connection that ends they see nothing while they wait for their last acknowledgement.
	 */
	get isOutOfStep(): boolean {
		return this.#isOutOfStep;
	}

	/** Reads the body to its end. Never rejects: what goes wrong is acknowledged. The appender is the caller's to close. */
	async run(body: AsyncIterable<Uint8Array>): Promise<void> {
		const { stream } = this.#options;
		const release = onAbort(stream.ended, () => this.#fail(this.#error(4008, 'the stream was deleted')));
		const watching = watchConnection({
			clock: this.#options.clock,
			signal: this.#over.signal,
			lastByteAtMs: () => this.#activeAtMs,
			onIdle: () => this.#acknowledge('IDLE', null),
			onSilence: () => this.#fail(new Error('nothing came for 30 seconds')),
			onOld: () => this.#fail(this.#error(4003, 'the connection has lasted 45 minutes')),
		});
		// Leaving a loop over the body would close its connection, which is still to get the acknowledgements.
		const chunks = body[Symbol.asyncIterator]();
		let error: unknown = null;
		try {
			await this.#read(chunks);
		} catch (cause) {
			error = cause;
		}
		try {
			await this.#finish(error);
			if (this.#isOutOfStep) await this.#discard(chunks);
		} finally {
			release();
			this.#over.abort();
			await watching;
			this.acks.end();
		}
	}

	/** As {@link PutMediaHandler} says. */
	header(header: ProducerHeader): void {
		this.#header = header;
	}

	/** As {@link PutMediaHandler} says. */
	fragmentStart(timecodeTicks: bigint, leadingTags: Uint8Array): void {
		const { bytes, timecodeScaleNs } = this.#header as ProducerHeader;
		const { stream, producerStartMs, troubleOf } = this.#options;
		const begun = stream.begin();
		const ms = timecodeMs(timecodeTicks, timecodeScaleNs);
		const producerMs = Math.round((producerStartMs ?? 0) + ms);
		const fragment = { begun, timecodeMs: ms, trouble: troubleOf(this.#fragments++) };
		this.#open = fragment;
		this.#storage.add({
			kind: 'begin',
			fragment,
			head: [bytes, leadingTags, serviceTags({ ...begun, producerMs })],
		});
		const { errorId } = fragment.trouble;
		if (errorId !== null)
			throw new PutMediaError(errorId, timecodeTicks, 'the fragment fails by a fault rule');
	}

	/** As {@link PutMediaHandler} says. */
	bytes(bytes: Uint8Array): void {
		this.#storage.add({ kind: 'bytes', bytes });
	}

	/** As {@link PutMediaHandler} says. */
	fragmentEnd(received: ReceivedFragment): void {
		const fragment = this.#open as OpenFragment;
		this.#open = null;
		this.#storage.add({ kind: 'end', fragment, received });
	}

	/** As {@link PutMediaHandler} says. */
	fragmentDropped(): void {
		this.#storage.add({ kind: 'drop' });
	}

	async #read(chunks: AsyncIterator<Uint8Array>): Promise<void> {
		const { clock } = this.#options;
		const { signal } = this.#over;
		for (;;) {
			const next = await unlessAborted(chunks.next(), signal);
			if (next.done === true) break;
			this.#lastByteAtMs = clock.now();
			this.#write(next.value);
			await this.#storage.settle();
			if (this.#reader.isFull && !this.#isSilenceWatched) void this.#closeWhenSilent();
		}
		this.#reader.end();
	}

	#write(bytes: Uint8Array): void {
		try {
			this.#reader.write(bytes);
		} catch (error) {
			this.#isOutOfStep = !this.#reader.hasBegun;
			throw error;
		}
	}

	/** Throws away what still comes, for as long as a producer takes to read its ERROR. One that ends its body is in step again. */
	async #discard(chunks: AsyncIterator<Uint8Array>): Promise<void> {
		const enough = new AbortController();
		const release = onAbort(this.#over.signal, () => enough.abort());
		const waiting = this.#options.clock.sleep(DISCARDED_MS, enough.signal).then(
			() => enough.abort(),
			() => {},
		);
		try {
			while ((await unlessAborted(chunks.next(), enough.signal)).done !== true);
			this.#isOutOfStep = false;
		} catch {
			// It goes on, or has disconnected: either way that is the end of its connection.
		} finally {
			enough.abort();
			release();
			await waiting;
		}
	}

	/** Stores what was read and what had ended before an error, and acknowledges it, the error last. */
	async #finish(cause: unknown): Promise<void> {
		const open = this.#open;
		const { signal } = this.#over;
		const error = signal.aborted ? signal.reason : cause;
		if (error !== null && !(error instanceof PutMediaError)) this.#reader.lost();
		const failure = await this.#storage.finish().catch((trouble: unknown) => trouble);
		// The disk may have failed only now.
		const found = [error, failure, signal.reason].find((trouble) => trouble instanceof PutMediaError);
		if (found === undefined) return;
		this.#options.onError(found);
		const { errorCode, errorId } = found;
		const fragment = this.#fragmentOf(found, open);
		this.acks.push({
			eventType: 'ERROR',
			timecodeMs: fragment?.timecodeMs ?? null,
			fragmentNumber: fragment?.begun.number ?? null,
			error: { errorCode, errorId },
		});
	}

	/** The fragment that an error is about: the first that could not be stored, or the one that was being received. */
	#fragmentOf({ errorId, timecodeTicks }: PutMediaError, open: OpenFragment | null): OpenFragment | null {
		if (errorId === 5001) return this.#storage.firstUnstored ?? open;
		return timecodeTicks === null && !ABOUT_CONNECTION.has(errorId) ? null : open;
	}

	/** When the last byte was read; while reading pauses, now. */
	get #activeAtMs(): number {
		return Math.max(this.#lastByteAtMs, this.#options.pauses.lastMs);
	}

	/** Closes the fragment that is full if nothing comes for a while. */
	async #closeWhenSilent(): Promise<void> {
		const { clock } = this.#options;
		this.#isSilenceWatched = true;
		try {
			while (this.#reader.isFull) {
				const sinceMs = this.#activeAtMs;
				await clock.sleep(SILENCE_MS, this.#over.signal);
				if (this.#activeAtMs !== sinceMs) continue;
				this.#reader.closeFull();
				await this.#storage.settle();
			}
		} catch (error) {
			// Where the connection is over, that is why.
			this.#fail(error);
		} finally {
			this.#isSilenceWatched = false;
		}
	}

	#acknowledge(eventType: AckEventType, fragment: OpenFragment | null): void {
		const { isAcknowledged, stream } = this.#options;
		// Of a stream that keeps nothing the service says no more than RECEIVED; what is said to be kept is listed.
		const isSaid = eventType !== 'PERSISTED' || stream.keeps((fragment as OpenFragment).begun.number);
		if (!isAcknowledged || !isSaid) return;
		if (this.acks.isFull) {
			this.#fail(this.#error(4000, 'too many acknowledgements were not read'));
			return;
		}
		this.acks.push({
			eventType,
			timecodeMs: fragment?.timecodeMs ?? null,
			fragmentNumber: fragment?.begun.number ?? null,
		});
	}

	#fail(error: unknown): void {
		if (!this.#over.signal.aborted) this.#over.abort(error);
	}

	#error(errorId: PutMediaError['errorId'], message: string): PutMediaError {
		return new PutMediaError(errorId, null, message);
	}
}
