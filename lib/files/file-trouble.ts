import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';

const WORDS: Readonly<Record<string, string>> = {
	ENOSPC: 'the disk is full',
	EDQUOT: 'the disk quota is used up',
	EFBIG: 'it is larger than the file system allows',
	ENOENT: 'it does not exist',
	EACCES: 'permission denied',
	EPERM: 'the file system does not permit it',
	EROFS: 'the file system is read-only',
	EISDIR: 'it is a directory',
	ENOTDIR: 'a part of its path is not a directory',
	ELOOP: 'it is a symbolic link',
	ENAMETOOLONG: 'the name is too long',
	EIO: 'the disk reports an error',
	ESTALE: 'the network file system has lost it',
	EMFILE: 'too many files are open',
	ENFILE: 'too many files are open',
};

/** Why a file could not be read or written, for a message: `the disk is full (ENOSPC)`; the error's own message where it is an unusual one. */
export function fileTrouble(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	const words = WORDS[code ?? ''];
	return words === undefined ? message : `${words} (${code})`;
}

/** The same of a file that was to be written: what does not exist is its directory then. */
export function createTrouble(error: unknown): string {
	const { code } = error as NodeJS.ErrnoException;
	return code === 'ENOENT' ? 'its directory does not exist (ENOENT)' : fileTrouble(error);
}

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
