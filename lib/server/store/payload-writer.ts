import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { PRIVATE_FILE_MODE } from '../../files/file-writer.js';
import { EMPTY_RECORD, payloadRecord, RECORD_BYTES } from './payload-record.js';
import { formatIndexLine, type StoredFragment } from './stored-fragment.js';

/** How much of a fragment is gathered before it is to be written. */
export const MAX_GATHERED_BYTES = 256 * 1024;

/** What a fragment is, besides the place and the checksum of its chunk. */
export type FragmentFields = Omit<StoredFragment, 'payload' | 'offset' | 'sizeBytes' | 'crc32'>;

/** A payload that producers append to, one at a time, and its index. */
export interface PayloadFile {
	readonly payload: string;
	readonly index: string;
	/** Bytes of whole records: where the next one begins. */
	sizeBytes: number;
}

/**
 * Appends fragments to a payload file. Each is a record and its chunk ({@link payloadRecord}); the record is written last,
 * so that a kill at any moment leaves whole fragments and a torn one at the end, which its record shows. The index repeats
 * the records for a fast start, and is not synced: what it lacks is found in the payload.
 *
 * One fragment at a time: {@link begin}, {@link add} and {@link write}, then {@link end} or {@link drop}. A rejection is the system's error; the
 * writer may only be dropped and closed then.
 */
export class PayloadWriter {
	readonly file: PayloadFile;
	readonly #payload: FileHandle;
	readonly #index: FileHandle;
	#gathered: Uint8Array[] = [];
	#gatheredBytes = 0;
	/** Where the next bytes are written. */
	#position: number;
	#checksum = 0;

	private constructor(file: PayloadFile, payload: FileHandle, index: FileHandle) {
		this.file = file;
		this.#payload = payload;
		this.#index = index;
		this.#position = file.sizeBytes;
	}

	/** Opens a payload to append to it; both files are made where they are absent. */
	static async open(file: PayloadFile): Promise<PayloadWriter> {
		// Not the flag of appending: with it Linux ignores where a record is to be written.
		const payload = await open(file.payload, 'r+').catch(() => open(file.payload, 'wx', PRIVATE_FILE_MODE));
		try {
			return new PayloadWriter(file, payload, await open(file.index, 'a', PRIVATE_FILE_MODE));
		} catch (error) {
			await payload.close();
			throw error;
		}
	}

	/** Whether enough was added that it should be written. */
	get isFull(): boolean {
		return this.#gatheredBytes >= MAX_GATHERED_BYTES;
	}

	/** Begins a fragment. */
	begin(): void {
		this.#position = this.file.sizeBytes;
		this.#checksum = 0;
		this.#gathered = [EMPTY_RECORD];
		this.#gatheredBytes = EMPTY_RECORD.byteLength;
	}

	/** The next bytes of the chunk. They must not change until {@link write} has resolved. */
	add(bytes: Uint8Array): void {
		this.#checksum = crc32(bytes, this.#checksum);
		this.#gathered.push(bytes);
		this.#gatheredBytes += bytes.byteLength;
	}

	/** Writes what was added. */
	async write(): Promise<void> {
		if (this.#gatheredBytes === 0) return;
		const bytes = Buffer.concat(this.#gathered, this.#gatheredBytes);
		this.#gathered = [];
		this.#gatheredBytes = 0;
		await writeFully(this.#payload, bytes, this.#position);
		this.#position += bytes.byteLength;
	}

	/** The chunk is whole. It counts from now on, and is durable after the next {@link sync}. */
	async end(fields: FragmentFields): Promise<StoredFragment> {
		await this.write();
		const offset = this.file.sizeBytes + RECORD_BYTES;
		const sizeBytes = this.#position - offset;
		const fragment = { ...fields, payload: this.file.payload, offset, sizeBytes, crc32: this.#checksum };
		await writeFully(this.#payload, payloadRecord(fragment), this.file.sizeBytes);
		this.file.sizeBytes = this.#position;
		return fragment;
	}

	/** The fragment that was begun is not to be kept: its bytes are cut off. */
	async drop(): Promise<void> {
		this.#gathered = [];
		this.#gatheredBytes = 0;
		this.#position = this.file.sizeBytes;
		await this.#payload.truncate(this.file.sizeBytes);
	}

	/** Makes all fragments that have ended durable. */
	async sync(): Promise<void> {
		await this.#payload.datasync();
	}

	/** Notes fragments in the index. */
	async note(fragments: readonly StoredFragment[]): Promise<void> {
		await this.#index.appendFile(fragments.map(formatIndexLine).join(''));
	}

	/** Closes both files. */
	async close(): Promise<void> {
		await Promise.all([this.#payload.close(), this.#index.close()]);
	}
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
	for (let written = 0; written < bytes.byteLength; ) {
		const { bytesWritten } = await handle.write(
			bytes,
			written,
			bytes.byteLength - written,
			position + written,
		);
		written += bytesWritten;
	}
}
