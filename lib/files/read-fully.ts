import type { FileHandle } from 'node:fs/promises';

/** Fills `bytes` from a place of a file on: one read may bring fewer. Returns how many came, fewer only at the file's end. */
export async function readFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
	let filled = 0;
	while (filled < bytes.byteLength) {
		const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, position + filled);
		if (bytesRead === 0) break;
		filled += bytesRead;
	}
	return filled;
}
