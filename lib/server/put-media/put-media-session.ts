import { onAbort, unlessAborted } from '../../stream/abort.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { FragmentAppender } from '../store/fragment-appender.js';
import type { BegunFragment, LocalStream } from '../store/local-stream.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { serviceTags } from '../wire/chunk-writer.js';
import type { AckEventType } from './ack.js';
import { AckStream } from './ack-stream.js';
import { watchConnection } from './connection-watch.js';
import { timecodeMs } from './producer-time.js';
import { PutMediaError } from './put-media-error.js';
import type { ProducerHeader, PutMediaHandler, ReceivedFragment } from './put-media-handler.js';
import { PutMediaReader } from './put-media-reader.js';

/** A Cluster of known size that is full is closed after this long without Tags. */
const SILENCE_MS = 100;

/** Fragments that may wait to be durable; then reading waits for the disk. */
const MAX_UNSYNCED = 16;

/** Errors of the connection as a whole, which name the fragment that was being received. */
const ABOUT_CONNECTION: ReadonlySet<number> = new Set([4003, 4008]);

/** Trouble that is made for one fragment of a connection. */
export interface MadeTrouble {
	/** The ERROR that is acknowledged in place of the fragment; null for none. */
	readonly errorId: PutMediaError['errorId'] | null;
	/** How much longer its fsync takes, in milliseconds. */
	readonly diskDelayMs: number;
}

/** What a {@link PutMediaSession} works on. */
export interface PutMediaSessionOptions {
	readonly stream: LocalStream;
	readonly appender: FragmentAppender;
	/** Start on the producer's clock that is added to timecodes, epoch milliseconds; null where they are absolute. */
	readonly producerStartMs: number | null;
	/** Whether the producer wants acknowledgements; it gets an ERROR all the same. */
	readonly isAcknowledged: boolean;
	readonly clock: MonotonicClock;
	/** What goes wrong with the fragment of that index in the connection, from 0. */
	readonly troubleOf: (index: number) => MadeTrouble;
}

/** What is to be done with the open fragment, in the order of its bytes. */
type Step =
	| { readonly kind: 'begin'; readonly fragment: OpenFragment; readonly head: readonly Uint8Array[] }
	| { readonly kind: 'bytes'; readonly bytes: Uint8Array }
	| { readonly kind: 'end'; readonly fragment: OpenFragment; readonly received: ReceivedFragment }
	| { readonly kind: 'drop' };

interface OpenFragment {
	readonly begun: BegunFragment;
	readonly timecodeMs: number;
	readonly trouble: MadeTrouble;
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
	#lastByteAtMs: number;
	#header: ProducerHeader | null = null;
	#open: OpenFragment | null = null;
	#fragments = 0;
	#steps: Step[] = [];
	/** Fragments that have ended and are not yet acknowledged as stored, in their order. */
	readonly #ended = new Map<string, OpenFragment>();
	#persisting: Promise<void> | null = null;

	constructor(options: PutMediaSessionOptions) {
		this.#options = options;
		this.#reader = new PutMediaReader(this, options);
		this.#lastByteAtMs = options.clock.now();
	}

	/** Reads the body to its end. Never rejects: what goes wrong is acknowledged. The appender is the caller's to close. */
	async run(body: AsyncIterable<Uint8Array>): Promise<void> {
		const { stream } = this.#options;
		const release = onAbort(stream.ended, () => this.#fail(this.#error(4008, 'the stream was deleted')));
		const watching = watchConnection({
			clock: this.#options.clock,
			signal: this.#over.signal,
			lastByteAtMs: () => this.#lastByteAtMs,
			onIdle: () => this.#acknowledge('IDLE', null),
			onSilence: () => this.#fail(new Error('nothing came for 30 seconds')),
			onOld: () => this.#fail(this.#error(4003, 'the connection has lasted 45 minutes')),
		});
		let error: unknown = null;
		try {
			await this.#read(body);
		} catch (cause) {
			error = cause;
		}
		try {
			await this.#finish(error);
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
		this.#steps.push({
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
		this.#steps.push({ kind: 'bytes', bytes });
	}

	/** As {@link PutMediaHandler} says. */
	fragmentEnd(received: ReceivedFragment): void {
		const fragment = this.#open as OpenFragment;
		this.#open = null;
		this.#steps.push({ kind: 'end', fragment, received });
	}

	/** As {@link PutMediaHandler} says. */
	fragmentDropped(): void {
		this.#steps.push({ kind: 'drop' });
	}

	async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
		const { clock } = this.#options;
		const { signal } = this.#over;
		// Leaving a loop over the body would close its connection, which is still to get the acknowledgements.
		const chunks = body[Symbol.asyncIterator]();
		for (;;) {
			const next = await unlessAborted(chunks.next(), signal);
			if (next.done === true) break;
			this.#lastByteAtMs = clock.now();
			this.#reader.write(next.value);
			await this.#settle();
			if (this.#reader.isFull) this.#closeWhenSilent(this.#lastByteAtMs);
		}
		this.#reader.end();
	}

	/** Stores what was read and what had ended before an error, and acknowledges it, the error last. */
	async #finish(cause: unknown): Promise<void> {
		const open = this.#open;
		const error = this.#over.signal.aborted ? this.#over.signal.reason : cause;
		if (error !== null && !(error instanceof PutMediaError)) this.#reader.lost();
		let last = error instanceof PutMediaError ? error : null;
		try {
			await this.#settle();
			while (this.#persisting !== null) await this.#persisting;
			await this.#options.appender.drop();
		} catch (trouble) {
			last ??= this.#diskError(trouble);
		}
		if (last === null) return;
		const { errorCode, errorId } = last;
		const fragment = this.#fragmentOf(last, open);
		this.acks.push({
			eventType: 'ERROR',
			timecodeMs: fragment?.timecodeMs ?? null,
			fragmentNumber: fragment?.begun.number ?? null,
			error: { errorCode, errorId },
		});
	}

	/** The fragment that an error is about: the first that could not be stored, or the one that was being received. */
	#fragmentOf({ errorId, timecodeTicks }: PutMediaError, open: OpenFragment | null): OpenFragment | null {
		if (errorId === 5001) return [...this.#ended.values()][0] ?? open;
		return timecodeTicks === null && !ABOUT_CONNECTION.has(errorId) ? null : open;
	}

	/** Does what the reader reported. */
	async #settle(): Promise<void> {
		const { appender } = this.#options;
		const steps = this.#steps;
		this.#steps = [];
		try {
			for (const step of steps) {
				if (step.kind === 'bytes') appender.add(step.bytes);
				else if (step.kind === 'begin') {
					this.#acknowledge('BUFFERING', step.fragment);
					await appender.begin(step.fragment.begun);
					for (const bytes of step.head) appender.add(bytes);
				} else if (step.kind === 'drop') await appender.drop();
				else await this.#end(step.fragment, step.received);
			}
			if (appender.isFull) await appender.write();
		} catch (error) {
			throw this.#diskError(error);
		}
	}

	async #end(fragment: OpenFragment, received: ReceivedFragment): Promise<void> {
		const { appender } = this.#options;
		const { producerMs, lengthMs, frames, pictures, picturesMs } = received;
		await appender.end({
			producerMs,
			lengthMs,
			frames,
			...(pictures !== undefined && picturesMs !== undefined && { pictures, picturesMs }),
		});
		this.#ended.set(fragment.begun.number, fragment);
		this.#acknowledge('RECEIVED', fragment);
		this.#persisting ??= this.#persist().finally(() => {
			this.#persisting = null;
		});
		if (appender.pending >= MAX_UNSYNCED) await this.#persisting;
	}

	/** Lists what has ended until nothing is left. Reading goes on meanwhile; an error ends it. */
	async #persist(): Promise<void> {
		const { appender, clock, stream } = this.#options;
		try {
			while (appender.pending > 0) {
				const delayMs = Math.max(0, ...[...this.#ended.values()].map(({ trouble }) => trouble.diskDelayMs));
				// What has come is stored all the same where the producer disconnects meanwhile.
				if (delayMs > 0) await clock.sleep(delayMs, this.#over.signal).catch(() => {});
				for (const stored of await appender.persist()) this.#stored(stored, stream.metadata.retentionHours);
			}
		} catch (error) {
			this.#fail(this.#diskError(error));
		}
	}

	#stored({ number }: StoredFragment, retentionHours: number): void {
		const fragment = this.#ended.get(number);
		this.#ended.delete(number);
		// Of a stream that keeps nothing the service says no more than RECEIVED.
		if (fragment !== undefined && retentionHours > 0) this.#acknowledge('PERSISTED', fragment);
	}

	/** Closes the fragment that is full if nothing comes for a while. */
	#closeWhenSilent(sinceMs: number): void {
		const { clock } = this.#options;
		const close = async (): Promise<void> => {
			await clock.sleep(SILENCE_MS, this.#over.signal);
			if (this.#lastByteAtMs !== sinceMs || this.#over.signal.aborted) return;
			this.#reader.closeFull();
			await this.#settle();
		};
		close().catch((error) => {
			if (!this.#over.signal.aborted) this.#fail(error);
		});
	}

	#acknowledge(eventType: AckEventType, fragment: OpenFragment | null): void {
		if (!this.#options.isAcknowledged) return;
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

	/** What failed was the disk, unless it says otherwise. */
	#diskError(cause: unknown): PutMediaError {
		if (cause instanceof PutMediaError) return cause;
		const message = cause instanceof Error ? cause.message : String(cause);
		return new PutMediaError(5001, null, `the fragment cannot be stored: ${message}`, { cause });
	}
}
