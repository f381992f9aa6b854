import type { MonotonicClock } from '../monotonic-clock.js';
import type { FragmentAppender } from '../store/fragment-appender.js';
import type { BegunFragment, LocalStream } from '../store/local-stream.js';
import type { AckEventType } from './ack.js';
import { PutMediaError } from './put-media-error.js';
import type { ReceivedFragment } from './put-media-handler.js';

/** Fragments that may wait to be durable; then reading waits for the disk. */
const MAX_UNSYNCED = 16;

/** Trouble that is made for one fragment of a connection. */
export interface MadeTrouble {
	/** The ERROR that is acknowledged in place of the fragment; null for none. */
	readonly errorId: PutMediaError['errorId'] | null;
	/** How much longer its fsync takes, in milliseconds. */
	readonly diskDelayMs: number;
}

/** A fragment that has begun to come. */
export interface OpenFragment {
	readonly begun: BegunFragment;
	/** The time of its Cluster, as the producer wrote it. */
	readonly timecodeMs: number;
	readonly trouble: MadeTrouble;
}

/** What is to be done with the open fragment, in the order of its bytes. */
export type StorageStep =
	| { readonly kind: 'begin'; readonly fragment: OpenFragment; readonly head: readonly Uint8Array[] }
	| { readonly kind: 'bytes'; readonly bytes: Uint8Array }
	| { readonly kind: 'end'; readonly fragment: OpenFragment; readonly received: ReceivedFragment }
	| { readonly kind: 'drop' };

/** What a {@link FragmentStorage} works on. */
export interface FragmentStorageOptions {
	readonly stream: LocalStream;
	readonly appender: FragmentAppender;
	readonly clock: MonotonicClock;
	/** Aborted when the connection ends. */
	readonly signal: AbortSignal;
	/** Called with what became of a fragment. */
	readonly acknowledge: (eventType: AckEventType, fragment: OpenFragment) => void;
	/** Called where fragments that have ended cannot be made durable. */
	readonly onFailure: (error: PutMediaError) => void;
}

/**
 * Stores the fragments of one connection and says what became of them. Steps are noted at once and done by {@link settle}; what
 * has ended becomes durable while further bytes are read.
 */
export class FragmentStorage {
	readonly #options: FragmentStorageOptions;
	readonly #steps: StorageStep[] = [];
	#failure: PutMediaError | null = null;
	#settling: Promise<void> = Promise.resolve();
	/** Fragments that have ended and are not yet durable, in their order. */
	readonly #ended = new Map<string, OpenFragment>();
	#persisting: Promise<void> | null = null;
	#begun: OpenFragment | null = null;

	constructor(options: FragmentStorageOptions) {
		this.#options = options;
	}

	/** The first fragment that was begun and is not durable; null where there is none. */
	get firstUnstored(): OpenFragment | null {
		return [...this.#ended.values()][0] ?? this.#begun;
	}

	/** Notes what is to be done next. */
	add(step: StorageStep): void {
		this.#steps.push(step);
	}

	/** Does what was noted, one thing after the other. Rejects with `PutMediaError` (5001). */
	async settle(): Promise<void> {
		const settling = this.#settling.then(() => this.#store());
		this.#settling = settling.catch(() => {});
		await settling;
	}

	/** Does what was noted, and waits until all that has ended is durable; what has not is dropped. Rejects as {@link settle}. */
	async finish(): Promise<void> {
		try {
			try {
				await this.settle();
			} finally {
				while (this.#persisting !== null) await this.#persisting;
			}
			await this.#attempt(() => this.#options.appender.drop());
		} finally {
			// Readers would wait for what was begun and never came to the disk.
			for (const step of this.#steps.splice(0)) {
				if (step.kind === 'begin') this.#options.stream.release(step.fragment.begun, null);
			}
		}
	}

	async #store(): Promise<void> {
		await this.#attempt(async () => {
			// A step that failed stays, and what follows it.
			for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
				await this.#do(step);
				this.#steps.shift();
			}
		});
	}

	async #do(step: StorageStep): Promise<void> {
		const { appender, acknowledge } = this.#options;
		if (step.kind === 'bytes') await appender.add(step.bytes);
		else if (step.kind === 'begin') {
			this.#begun = step.fragment;
			acknowledge('BUFFERING', step.fragment);
			await appender.begin(step.fragment.begun);
			for (const bytes of step.head) await appender.add(bytes);
		} else if (step.kind === 'drop') await appender.drop();
		else await this.#end(step.fragment, step.received);
	}

	async #end(fragment: OpenFragment, received: ReceivedFragment): Promise<void> {
		const { appender, acknowledge } = this.#options;
		const { producerMs, lengthMs, frames, pictures, picturesMs } = received;
		await appender.end({
			producerMs,
			lengthMs,
			frames,
			...(pictures !== undefined && picturesMs !== undefined && { pictures, picturesMs }),
		});
		this.#begun = null;
		this.#ended.set(fragment.begun.number, fragment);
		acknowledge('RECEIVED', fragment);
		this.#persisting ??= this.#persist().finally(() => {
			this.#persisting = null;
		});
		if (appender.pending >= MAX_UNSYNCED) await this.#persisting;
	}

	/** Makes durable what has ended until nothing is left. */
	async #persist(): Promise<void> {
		const { appender, clock, signal, acknowledge, onFailure } = this.#options;
		try {
			await diskTrouble(async () => {
				while (appender.pending > 0) {
					const delayMs = Math.max(0, ...[...this.#ended.values()].map(({ trouble }) => trouble.diskDelayMs));
					// What has come is stored all the same where the producer disconnects meanwhile.
					if (delayMs > 0) await clock.sleep(delayMs, signal).catch(() => {});
					for (const { number } of await appender.persist()) {
						const fragment = this.#ended.get(number) as OpenFragment;
						this.#ended.delete(number);
						acknowledge('PERSISTED', fragment);
					}
				}
			});
		} catch (error) {
			onFailure(error as PutMediaError);
		}
	}

	/** Nothing further is stored after a failure. */
	async #attempt(act: () => Promise<void>): Promise<void> {
		if (this.#failure !== null) throw this.#failure;
		try {
			await diskTrouble(act);
		} catch (error) {
			this.#failure = error as PutMediaError;
			throw error;
		}
	}
}

/** What fails here is the disk. */
async function diskTrouble(act: () => Promise<void>): Promise<void> {
	try {
		await act();
	} catch (cause) {
		const message = cause instanceof Error ? cause.message : String(cause);
		throw new PutMediaError(5001, null, `the fragment cannot be stored: ${message}`, { cause });
	}
}
