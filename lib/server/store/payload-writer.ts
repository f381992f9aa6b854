import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { PRIVATE_FILE_MODE } from '../../files/file-writer.js';
import { EMPTY_RECORD, payloadRecord, RECORD_BYTES } from './payload-record.js';
import { formatIndexLine, type StoredFragment } from './stored-fragment.js';

/** How much of a fragment is gathered before it is written. */
const GATHERED_BYTES = 256 * 1024;

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
 * One fragment at a time: {@link begin} and {@link add}, then {@link end} or {@link drop}. A rejection is the system's error; the
 * writer may only be dropped and closed then.
 */
export class PayloadWriter {
	readonly file: PayloadFile;
	readonly #payload: FileHandle;
	readonly #index: FileHandle;
	/** What was added and is not written; used again and again, so that no garbage comes of it. */
	readonly #gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
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
		const payload = await open(file.payload, 'r+').catch((error) => {
			if (error.code !== 'ENOENT') throw error;
			return open(file.payload, 'wx', PRIVATE_FILE_MODE);
		});
		try {
			return new PayloadWriter(file, payload, await open(file.index, 'a', PRIVATE_FILE_MODE));
		} catch (error) {
			await payload.close();
			throw error;
		}
	}

	/** Begins a fragment. */
	begin(): void {
		this.#position = this.file.sizeBytes;
		this.#checksum = 0;
		this.#gathered.set(EMPTY_RECORD);
		this.#gatheredBytes = EMPTY_RECORD.byteLength;
	}

	/** The next bytes of the chunk; written when enough have come. They are the caller's again when it resolves. */
	async add(bytes: Uint8Array): Promise<void> {
		this.#checksum = crc32(bytes, this.#checksum);
		for (let taken = 0; taken < bytes.byteLength; ) {
			if (this.#gatheredBytes === GATHERED_BYTES) await this.#write();
			const length = Math.min(GATHERED_BYTES - this.#gatheredBytes, bytes.byteLength - taken);
			this.#gathered.set(bytes.subarray(taken, taken + length), this.#gatheredBytes);
			this.#gatheredBytes += length;
			taken += length;
		}
	}

	/** The chunk is whole. It counts from now on, and is durable after the next {@link sync}. */
	async end(fields: FragmentFields): Promise<StoredFragment> {
		await this.#write();
		const offset = this.file.sizeBytes + RECORD_BYTES;
		const sizeBytes = this.#position - offset;
		const fragment = { ...fields, payload: this.file.payload, offset, sizeBytes, crc32: this.#checksum };
		await writeFully(this.#payload, payloadRecord(fragment), this.file.sizeBytes);
		this.file.sizeBytes = this.#position;
		return fragment;
	}

	/** The fragment that was begun is not to be kept: its bytes are cut off. */
	async drop(): Promise<void> {
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

	async #write(): Promise<void> {
		await writeFully(this.#payload, this.#gathered.subarray(0, this.#gatheredBytes), this.#position);
		this.#position += this.#gatheredBytes;
		this.#gatheredBytes = 0;
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
