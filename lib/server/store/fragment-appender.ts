import type { BegunFragment, LocalStream } from './local-stream.js';
import type { FragmentFields, PayloadWriter } from './payload-writer.js';
import type { StoredFragment } from './stored-fragment.js';

/** A fragment that is whole in its payload, and not yet durable. */
interface WrittenFragment {
	readonly begun: BegunFragment;
	readonly stored: StoredFragment;
	readonly writer: PayloadWriter;
}

/** How a {@link FragmentAppender} stores. */
export interface AppenderOptions {
	/** Whether fragments are made durable (fsync) before they are listed. */
	readonly isSynced: boolean;
}

/**
 * Appends the fragments of one producer to its stream: {@link begin} and {@link add}, then {@link end} or
 * {@link drop}. What has ended is listed by {@link persist}. Producers of one stream do not wait for each other.
 *
 * Rejects with the system's error, after which it can only be closed. Holds at most 256 KiB of a fragment.
 */
export class FragmentAppender {
	readonly #stream: LocalStream;
	readonly #isSynced: boolean;
	#writer: PayloadWriter | null = null;
	/** Writers whose payload is full, until the last fragment in them is durable. */
	readonly #full: PayloadWriter[] = [];
	#begun: BegunFragment | null = null;
	#written: WrittenFragment[] = [];
	#persisting: Promise<unknown> = Promise.resolve();
	/** Nothing more is written after it; what has ended before can still be made durable. */
	#failure: { readonly error: unknown } | null = null;
	#syncFailure: { readonly error: unknown } | null = null;

	constructor(stream: LocalStream, { isSynced }: AppenderOptions) {
		this.#stream = stream;
		this.#isSynced = isSynced;
		stream.beginConnection();
	}

	/** Fragments that have ended and are not yet durable. */
	get pending(): number {
		return this.#written.length;
	}

	/** Begins to store a fragment, which {@link LocalStream.begin} gave. */
	async begin(begun: BegunFragment): Promise<void> {
		this.#begun = begun;
		await this.#attempt(async () => {
			// A stream that was made since under the same name has files of the same names.
			this.#stream.ended.throwIfAborted();
			if (this.#writer !== null && !this.#stream.payloads.hasRoom(this.#writer, begun.serverMs)) {
				this.#full.push(this.#writer);
				this.#writer = null;
			}
			this.#writer ??= await this.#stream.payloads.take(begun.serverMs);
			this.#writer.begin();
		});
	}

	/** The next bytes of the chunk. They are the caller's again when it resolves. */
	async add(bytes: Uint8Array): Promise<void> {
		await this.#attempt(async () => this.#writer?.add(bytes));
	}

	/** The fragment is whole. */
	async end(fields: Omit<FragmentFields, 'number' | 'serverMs'>): Promise<void> {
		const begun = this.#begun as BegunFragment;
		const writer = this.#writer as PayloadWriter;
		const { number, serverMs } = begun;
		await this.#attempt(async () => {
			const stored = await writer.end({ number, serverMs, ...fields });
			this.#written.push({ begun, stored, writer });
		});
		this.#begun = null;
	}

	/** The fragment that was begun is not to be stored. */
	async drop(): Promise<void> {
		if (this.#begun === null) return;
		this.#stream.release(this.#begun, null);
		this.#begun = null;
		// After a failure this only gives room back, where it can; what is left is cut off when the archive opens again.
		if (this.#failure === null) await this.#attempt(async () => this.#writer?.drop());
		else await this.#writer?.drop().catch(() => {});
	}

	/**
	 * Makes durable what has ended, and lists it; the fragments that this call listed, in their order. Those of calls at the same
	 * time share one fsync.
	 */
	async persist(): Promise<StoredFragment[]> {
		const persisting = this.#persisting.then(() => this.#persist());
		this.#persisting = persisting.catch(() => {});
		return persisting;
	}

	/** Drops what was begun, and gives the payloads back. What has ended and was not persisted is not listed. */
	async close(): Promise<void> {
		await this.#persisting;
		try {
			await this.drop();
		} finally {
			for (const { begun } of this.#written.splice(0)) this.#stream.release(begun, null);
			const writers = [...this.#full.splice(0), ...(this.#writer === null ? [] : [this.#writer])];
			this.#writer = null;
			await Promise.all(writers.map((writer) => this.#giveBack(writer)));
		}
	}

	async #persist(): Promise<StoredFragment[]> {
		// After a failed fsync the system may say of lost bytes that they are durable.
		if (this.#syncFailure !== null) throw this.#syncFailure.error;
		const written = this.#written;
		const full = this.#full.splice(0);
		this.#written = [];
		const listed: StoredFragment[] = [];
		try {
			for (const writer of new Set(written.map((fragment) => fragment.writer))) {
				const fragments = written.filter((fragment) => fragment.writer === writer);
				if (this.#isSynced) await writer.sync();
				await writer.note(fragments.map(({ stored }) => stored));
				for (const { begun, stored } of fragments) {
					this.#stream.release(begun, stored);
					listed.push(stored);
				}
			}
			return listed;
		} catch (error) {
			this.#syncFailure = { error };
			this.#failure ??= this.#syncFailure;
			throw error;
		} finally {
			for (const { begun } of written.slice(listed.length)) this.#stream.release(begun, null);
			for (const writer of full) await this.#giveBack(writer);
		}
	}

	async #giveBack(writer: PayloadWriter): Promise<void> {
		await writer.close();
		this.#stream.payloads.giveBack(writer, this.#failure === null);
	}

	async #attempt<Result>(act: () => Promise<Result>): Promise<Result> {
		if (this.#failure !== null) throw this.#failure.error;
		try {
			return await act();
		} catch (error) {
			this.#failure = { error };
			throw error;
		}
	}
}
