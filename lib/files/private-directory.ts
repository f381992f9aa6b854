import { open, rename } from 'node:fs/promises';
import { FileWriter } from './file-writer.js';
import { makeDirectory } from './make-directory.js';

/** For the owner alone: the archive holds recordings of cameras. */
const PRIVATE_DIRECTORY_MODE = 0o700;

/** Makes a directory for the owner alone, and those above it that are absent. */
export async function makePrivateDirectory(path: string): Promise<void> {
	await makeDirectory(path, PRIVATE_DIRECTORY_MODE);
}

/** Makes the names in a directory durable, as `fsync` of a file does not. */
export async function syncDirectory(path: string): Promise<void> {
	// Windows has no handles of directories.
	if (process.platform === 'win32') return;
	const handle = await open(path, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/** Writes a new private file, durable when it returns. */
export async function writeNewFile(path: string, parts: Iterable<string>): Promise<void> {
	const writer = await FileWriter.create(path);
	try {
		for (const part of parts) await writer.write(Buffer.from(part));
		await writer.finish();
	} finally {
		await writer.close();
	}
}

/** Replaces a file, or makes it, by way of `temporary` on the same disk: whole at any moment, its name not yet durable. */
export async function replaceFile(path: string, temporary: string, parts: Iterable<string>): Promise<void> {
	await writeNewFile(temporary, parts);
	await rename(temporary, path);
}
