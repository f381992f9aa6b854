import { createHash } from 'node:crypto';
import { type OpenFile, openLocalFile, type ReadableFile } from '../files/readable-file.js';
import type { FragmentRange } from './export-manifest.js';

/** What is read of a file at a time. */
const READ_BYTES = 1024 * 1024;

/** Files that are open at once: an export may have thousands. */
const MAX_OPEN_FILES = 32;

/** The files of an export, to be compared with what is known of them. */
export class ExportBytes {
	/** Bytes read so far. */
	bytes = 0;
	readonly #paths: readonly string[];
	readonly #signal: AbortSignal | undefined;
	/** By index of the file, the one that was opened first in front. */
	readonly #opened = new Map<number, ReadableFile>();
	readonly #open: OpenFile;
	readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

	/** @param open - opens a file by its path, which need not be one of the local disk */
	constructor(paths: readonly string[], signal: AbortSignal | undefined, open: OpenFile = openLocalFile) {
		this.#paths = paths;
		this.#signal = signal;
		this.#open = open;
	}

	/** Size of a file. Fails with an error in words where it is not there, or not a file. */
	async sizeOf(file: number): Promise<number> {
		return (await this.#fileAt(file)).sizeBytes;
	}

	/** SHA-256 of some places, one after the other, in hexadecimal; of what there is, where a file is shorter. */
	async sha256(ranges: readonly FragmentRange[]): Promise<string> {
		const hash = createHash('sha256');
		for (const { file, offset, bytes } of ranges) {
			const opened = await this.#fileAt(file);
			for (let done = 0; done < bytes; ) {
				this.#signal?.throwIfAborted();
				const length = Math.min(READ_BYTES, bytes - done);
				const read = await opened.read(this.#buffer.subarray(0, length), offset + done);
				if (read === 0) break;
				hash.update(this.#buffer.subarray(0, read));
				done += read;
				this.bytes += read;
			}
		}
		return hash.digest('hex');
	}

	/** Frees the files. */
	async close(): Promise<void> {
		for (const file of this.#opened.values()) await file.close();
		this.#opened.clear();
	}

	async #fileAt(index: number): Promise<ReadableFile> {
		const known = this.#opened.get(index);
		if (known !== undefined) return known;
		for (const [oldest, file] of this.#opened) {
			if (this.#opened.size < MAX_OPEN_FILES) break;
			this.#opened.delete(oldest);
			await file.close();
		}
		const file = await this.#open(this.#paths[index] as string);
		if (file === null) throw new Error('it does not exist');
		this.#opened.set(index, file);
		return file;
	}
}
