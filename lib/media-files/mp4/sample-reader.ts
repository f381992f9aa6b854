import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../../files/read-fully.js';
import { becameShorter } from './mp4-track.js';

/** Read at a time: the samples of a track lie close together. */
const WINDOW_BYTES = 256 * 1024;

/** Reads the samples of one track, which come in ascending order for the most part, in large reads. */
export class SampleReader {
	readonly #handle: FileHandle;
	readonly #fileBytes: number;
	#window: Buffer = Buffer.alloc(0);
	#windowStart = 0;

	/** The handle stays the caller's; `fileBytes` is the size of the file. */
	constructor(handle: FileHandle, fileBytes: number) {
		this.#handle = handle;
		this.#fileBytes = fileBytes;
	}

	/** Bytes of the file, which must reach that far. A view that is never written to again. */
	async read(offset: number, sizeBytes: number): Promise<Buffer> {
		const start = offset - this.#windowStart;
		if (start >= 0 && start + sizeBytes <= this.#window.byteLength) {
			return this.#window.subarray(start, start + sizeBytes);
		}
		const length = Math.min(Math.max(sizeBytes, WINDOW_BYTES), this.#fileBytes - offset);
		const window = Buffer.allocUnsafeSlow(length);
		const filled = await readFully(this.#handle, window, offset);
		if (filled < length) throw becameShorter(offset + filled);
		this.#window = window;
		this.#windowStart = offset;
		return window.subarray(0, sizeBytes);
	}
}
