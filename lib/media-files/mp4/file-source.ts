import type { FileHandle } from 'node:fs/promises';
import { CustomSource } from 'mediabunny';
import { readFully } from '../../files/read-fully.js';

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
