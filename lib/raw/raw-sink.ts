import { Writable } from 'node:stream';
import { SinkError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';
import type { FragmentEndEvent } from '../model/media-event.js';
import { nothingToWrite } from '../wording/nothing-to-write.js';

/**
 * Writes the `document` of each `fragment-end` into one file, one after the other. The file appears under its name when the
 * sink has finished; until then, and after an error, whatever was there stays. Fails with `SinkError`: `KVS_SINK_FAILED`, and
 * `KVS_EMPTY_RANGE` where no fragment came.
 */
export class RawSink extends Writable {
	readonly #path: string;
	#file: AtomicFile | null = null;
	#isCommitted = false;

	/** @param path - no other process may write it meanwhile */
	constructor(path: string) {
		super({ objectMode: true, highWaterMark: 1 });
		this.#path = path;
	}

	/** Bytes written so far. */
	get sizeBytes(): number {
		return this.#file?.sizeBytes ?? 0;
	}

	override _construct(callback: (error?: Error | null) => void): void {
		this.#open().then(() => callback(), callback);
	}

	override _write(
		{ document }: FragmentEndEvent,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		(this.#file as AtomicFile).append(document as readonly Uint8Array[]).then(() => callback(), callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#finish().then(() => callback(), callback);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		const discarded = this.#isCommitted ? Promise.resolve() : this.#file?.discard();
		Promise.resolve(discarded).then(
			() => callback(error),
			(discardError: Error) => callback(error ?? discardError),
		);
	}

	async #open(): Promise<void> {
		// What a process left that was killed is of no use.
		this.#file = await AtomicFile.resume(this.#path, 0);
	}

	async #finish(): Promise<void> {
		if (this.sizeBytes === 0) {
			throw new SinkError(
				'KVS_EMPTY_RANGE',
				this.#path,
				nothingToWrite(`\`${this.#path}\``, 'whole fragments'),
			);
		}
		await this.#file?.commit();
		this.#isCommitted = true;
	}
}
