import { open } from 'node:fs/promises';
import { isFileThere } from './is-file-there.js';
import { readFully } from './read-fully.js';

/** What is read at a time where a file is read from front to back. */
const CHUNK_BYTES = 64 * 1024;

/** A file that is open for reading, on the local disk or elsewhere. */
export interface ReadableFile {
	/** When it was opened. */
	readonly sizeBytes: number;
	/** Reads into `bytes` from a place on. Returns how many came, fewer than wanted at any time, 0 only at the end. */
	read(bytes: Uint8Array, position: number): Promise<number>;
	/** Frees it. */
	close(): Promise<void>;
}

/** Opens a file by its path or name; null where there is none. */
export type OpenFile = (path: string) => Promise<ReadableFile | null>;

/** Opens a file of the local disk, also by a symbolic link. Fails with the system's error, and where it is not a file. */
export const openLocalFile: OpenFile = async (path) => {
	if (!(await isFileThere(path, { follows: true }))) return null;
	const handle = await open(path);
	try {
		const { size: sizeBytes } = await handle.stat();
		return {
			sizeBytes,
			read: (bytes, position) => readFully(handle, bytes, position),
			close: () => handle.close(),
		};
	} catch (error) {
		await handle.close();
		throw error;
	}
};

/** The bytes of a file from a place on to its end, in chunks that are the caller's. */
export async function* chunksOf(file: ReadableFile, from = 0): AsyncGenerator<Buffer> {
	for (let position = from; ; ) {
		const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
		const length = await file.read(chunk, position);
		if (length === 0) return;
		yield chunk.subarray(0, length);
		position += length;
	}
}
