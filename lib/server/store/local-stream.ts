import { EventEmitter, once } from 'node:events';
import { FragmentIndex, type Snapshot } from './fragment-index.js';
import { FRAGMENT_NUMBER_RANDOM_RANGE, firstSequenceAfter, mintFragmentNumber } from './fragment-number.js';
import { PayloadPool } from './payload-pool.js';
import { INGEST_DELAY_MS, type StoredFragment } from './stored-fragment.js';
import type { StoredFile, StreamContents, StreamDirectory } from './stream-directory.js';
import { keptSince, type StreamMetadata } from './stream-metadata.js';

/** The account that the ARNs of the local archive name. */
const ACCOUNT_ID = '123456789012';

/** How long fragments are remembered after their files were removed, so that a listing that began before does not shift. */
const REMEMBERED_MS = 3_600_000;

/** How long a stream that keeps nothing holds fragments for GetMedia ("Host buffer" of CreateStream's documentation). */
const HOST_BUFFER_MS = 5 * 60_000;

/** A fragment that a producer has begun. */
export interface BegunFragment {
	readonly number: string;
	/** When it began to come, epoch milliseconds. */
	readonly serverMs: number;
}

/** What a {@link LocalStream} is made of. */
export interface LocalStreamParts {
	readonly metadata: StreamMetadata;
	readonly region: string;
	readonly directory: StreamDirectory;
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	readonly randomInt: (exclusiveMax: number) => number;
	/** What its directory holds already. @default nothing */
	readonly contents?: StreamContents;
}

/** One stream of the local archive, as the operations see it. */
export class LocalStream {
	/** `arn:aws:kinesisvideo:REGION:123456789012:stream/NAME/CREATION_MILLIS` */
	readonly arn: string;
	/** All its fragments, those that have expired or are yet to come too: see {@link snapshot}. */
	readonly fragments = new FragmentIndex();
	/** The payloads that producers append to. */
	readonly payloads: PayloadPool;
	readonly #filesByDigest = new Map<string, StoredFile>();
	readonly #ended = new AbortController();
	/** What producers have begun and not ended. */
	readonly #begun = new Set<BegunFragment>();
	readonly #now: () => number;
	readonly #randomInt: (exclusiveMax: number) => number;
	#metadata: StreamMetadata;
	/** Of fragments of an earlier server time the files may have been removed. */
	#expiredBeforeMs = Number.NEGATIVE_INFINITY;
	#sequence: bigint | null = null;
	#lastServerMs = Number.NEGATIVE_INFINITY;
	/** Any number of readers may wait at a time. */
	readonly #changes = new EventEmitter().setMaxListeners(0);

	constructor({ metadata, region, directory, now, randomInt, contents = NOTHING }: LocalStreamParts) {
		this.#metadata = metadata;
		this.#now = now;
		this.#randomInt = randomInt;
		this.arn = `arn:aws:kinesisvideo:${region}:${ACCOUNT_ID}:stream/${metadata.name}/${metadata.creationMs}`;
		this.payloads = new PayloadPool(directory, contents);
		for (const file of contents.files) this.addFile(file);
		for (const { fragments } of contents.produced) {
			for (const fragment of fragments) this.fragments.add(fragment, false);
		}
	}

	/** What is known of it. Replaced as a whole by {@link update}. */
	get metadata(): StreamMetadata {
		return this.#metadata;
	}

	/** Aborted when the stream is deleted. */
	get ended(): AbortSignal {
		return this.#ended.signal;
	}

	/** The server time before which every fragment has come that will; Infinity while no producer is within one. */
	get settledMs(): number {
		let settledMs = Number.POSITIVE_INFINITY;
		for (const { serverMs } of this.#begun) settledMs = Math.min(settledMs, serverMs);
		return settledMs;
	}

	/**
	 * Resolves when something was added to the stream, or is known not to come, after this call. Rejects where the signal is
	 * aborted, with its reason as the cause.
	 */
	async changed(signal: AbortSignal): Promise<void> {
		await once(this.#changes, 'change', { signal });
	}

	/** Takes over what was changed. */
	update(metadata: StreamMetadata): void {
		this.#metadata = metadata;
	}

	/** The stream was deleted: its readers and producers end. */
	end(reason: Error): void {
		this.#ended.abort(reason);
		this.#announce();
	}

	/** Lists an ingested file's fragments, all at once. They do not expire. */
	addFile(file: StoredFile): void {
		this.#filesByDigest.set(file.digest, file);
		for (const fragment of file.fragments) this.fragments.add(fragment, true);
		this.#announce();
	}

	/** The file that was ingested from an input of that SHA-256, if there is one. */
	file(digest: string): StoredFile | undefined {
		return this.#filesByDigest.get(digest);
	}

	/** What the stream has at a time: what has come, and has not expired. Nothing once it was deleted. */
	snapshot(nowMs: number): Snapshot {
		const sinceMs = Math.max(this.#expiredBeforeMs, keptSince(this.#metadata, nowMs));
		const appended = this.#ended.signal.aborted ? 0 : this.fragments.appended;
		return { appended, untilMs: nowMs + INGEST_DELAY_MS, sinceMs };
	}

	/** What GetMedia gives at a time: the last minutes too, whether they are kept or not. */
	liveSnapshot(nowMs: number): Snapshot {
		const keptSinceMs = Math.min(keptSince(this.#metadata, nowMs), nowMs - HOST_BUFFER_MS);
		return { ...this.snapshot(nowMs), sinceMs: Math.max(this.#expiredBeforeMs, keptSinceMs) };
	}

	/** Whether a fragment that was listed, or is to be, has not expired, and its stream was not deleted. */
	keeps(number: string): boolean {
		return this.#has(number, this.snapshot(this.#now()));
	}

	/** Whether the media of a fragment that was listed, or given by GetMedia, is still on the disk unless it is damaged. */
	holds(number: string): boolean {
		return this.#has(number, this.liveSnapshot(this.#now()));
	}

	/** The fragment of that number, if the stream has it at that time. */
	fragment(number: string, nowMs: number): StoredFragment | undefined {
		const place = this.fragments.placeOf(number);
		return place !== null && this.fragments.isIn(this.snapshot(nowMs), place.ordinal)
			? this.fragments.get(number)
			: undefined;
	}

	/** A producer connects: its fragments leave the distance in the numbers that the service leaves. */
	beginConnection(): void {
		this.#sequence = firstSequenceAfter(this.#highestSequence) - 1n;
	}

	/**
	 * A producer begins a fragment now. Until {@link release} is called with what it returns, readers that follow the server's
	 * clock wait for it before they go on to later ones.
	 */
	begin(): BegunFragment {
		// The clock of a machine may be set back; the order of ingestion is not.
		const serverMs = Math.max(this.#lastServerMs, Math.round(this.#now()));
		this.#lastServerMs = serverMs;
		const sequence = (this.#highestSequence ?? 0n) + 1n;
		this.#sequence = sequence;
		const random = this.#randomInt(FRAGMENT_NUMBER_RANDOM_RANGE);
		const begun = { serverMs, number: mintFragmentNumber({ sequence, serverMs, random }) };
		this.#begun.add(begun);
		return begun;
	}

	/** A fragment that was begun is listed, where it was stored, and is not waited for any more. */
	release(begun: BegunFragment, stored: StoredFragment | null): void {
		this.#begun.delete(begun);
		if (stored !== null) {
			this.payloads.note(stored);
			this.fragments.add(stored, false);
		}
		this.#announce();
	}

	/**
	 * Removes what has expired at a time, from the disk and, later, from memory. Rejects with the system's error where a file
	 * cannot be removed; it is tried again by the next call.
	 */
	async expire(nowMs: number): Promise<void> {
		const { sinceMs } = this.liveSnapshot(nowMs);
		// The clock of a machine may be set back; what is removed does not come back.
		this.#expiredBeforeMs = Math.max(this.#expiredBeforeMs, sinceMs);
		for (const { payload, firstServerMs, lastServerMs } of this.payloads.forget(nowMs - REMEMBERED_MS)) {
			this.fragments.removePayload(payload, firstServerMs, lastServerMs);
		}
		await this.payloads.removeFiles(sinceMs, nowMs);
	}

	#has(number: string, snapshot: Snapshot): boolean {
		const place = this.fragments.placeOf(number);
		const isIn = { ...snapshot, untilMs: Number.POSITIVE_INFINITY };
		return place !== null && this.fragments.isIn(isIn, place.ordinal);
	}

	get #highestSequence(): bigint | null {
		const { highestSequence } = this.fragments;
		if (this.#sequence === null) return highestSequence;
		return highestSequence === null || this.#sequence > highestSequence ? this.#sequence : highestSequence;
	}

	#announce(): void {
		this.#changes.emit('change');
	}
}

const NOTHING: StreamContents = { files: [], produced: [], nextPayload: 1 };
