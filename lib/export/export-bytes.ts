import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isFileThere } from '../files/file-trouble.js';
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
	readonly #handles = new Map<number, FileHandle>();
	readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

	constructor(paths: readonly string[], signal: AbortSignal | undefined) {
		this.#paths = paths;
		this.#signal = signal;
	}

	/** Size of a file. Fails with an error in words where it is not there, or not a file. */
	async sizeOf(file: number): Promise<number> {
		const path = this.#paths[file] as string;
		await isFileThere(path, { follows: true });
		return (await stat(path)).size;
	}

	/** SHA-256 of some places, one after the other, in hexadecimal; of what there is, where a file is shorter. */
	async sha256(ranges: readonly FragmentRange[]): Promise<string> {
		const hash = createHash('sha256');
		for (const { file, offset, bytes } of ranges) {
			const handle = await this.#handle(file);
			for (let done = 0; done < bytes; ) {
				this.#signal?.throwIfAborted();
				const length = Math.min(READ_BYTES, bytes - done);
				const { bytesRead } = await handle.read(this.#buffer, 0, length, offset + done);
				if (bytesRead === 0) break;
				hash.update(this.#buffer.subarray(0, bytesRead));
				done += bytesRead;
				this.bytes += bytesRead;
			}
		}
		return hash.digest('hex');
	}

	/** Frees the files. */
	async close(): Promise<void> {
		for (const handle of this.#handles.values()) await handle.close();
		this.#handles.clear();
	}

	async #handle(file: number): Promise<FileHandle> {
		const known = this.#handles.get(file);
		if (known !== undefined) return known;
		for (const [oldest, handle] of this.#handles) {
			if (this.#handles.size < MAX_OPEN_FILES) break;
			this.#handles.delete(oldest);
			await handle.close();
		}
		const path = this.#paths[file] as string;
		await isFileThere(path, { follows: true });
		const handle = await open(path);
		this.#handles.set(file, handle);
		return handle;
	}
}
