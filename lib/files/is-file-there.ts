import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';

/**
 * Whether there is a file at `path`; false where there is nothing. Throws where something else has the name: to open a FIFO
 * waits for ever, to open a device may do anything, and a symbolic link leads elsewhere.
 *
 * @param follows - whether a symbolic link to a file counts as the file
 */
export async function isFileThere(path: string, { follows = false } = {}): Promise<boolean> {
	let found: Stats;
	try {
		found = follows ? await stat(path) : await lstat(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
	if (found.isFile()) return true;
	throw new Error(`\`${path}\` is ${kindOf(found)}, not a file`);
}

function kindOf(found: Stats): string {
	if (found.isDirectory()) return 'a directory';
	if (found.isSymbolicLink()) return 'a symbolic link';
	if (found.isFIFO()) return 'a FIFO';
	return found.isSocket() ? 'a socket' : 'a device';
}
