import type { FileHandle } from 'node:fs/promises';
import { CustomSource, Logging, LogLevel } from 'mediabunny';
import { MediaError } from '../../errors.js';
import { readFully } from '../../files/read-fully.js';
import { unreadable } from './mp4-track.js';

/**
 * An open file for mediabunny to read; the handle stays the caller's. mediabunny's own file source treats a short read as a
 * complete one, and returns zeros for the rest.
 */
export function fileSource(handle: FileHandle, sizeBytes: number): CustomSource {
	return new CustomSource({
		getSize: () => sizeBytes,
		read: async (start, end) => {
			const buffer = new Uint8Array(end - start);
			const filled = await readFully(handle, buffer, start);
			if (filled < buffer.byteLength) throw new Error(`the file ends at byte ${start + filled}`);
			return buffer;
		},
		prefetchProfile: 'fileSystem',
		// What a read ahead fails on, the read that needs it fails on too.
		handleUnhandledError: () => {},
	});
}

/**
 * Runs what reads or writes with mediabunny. What that fails on is a `MediaError` (`KVS_MEDIA_UNSUPPORTED`), but for the
 * system's errors; its warnings would go to the console otherwise.
 */
export async function withMediabunny<T>(task: () => Promise<T>): Promise<T> {
	const { level } = Logging;
	Logging.level = LogLevel.Silent;
	try {
		return await task();
	} catch (error) {
		if (error instanceof MediaError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
		throw unreadable((error as Error).message, error);
	} finally {
		Logging.level = level;
	}
}
