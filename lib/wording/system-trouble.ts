import { ArchiveError } from '../errors.js';

/** What the system's codes mean, of a file or an address. */
const WORDS: Readonly<Record<string, string>> = {
	ENOSPC: 'the disk is full',
	EDQUOT: 'the disk quota is used up',
	EFBIG: 'it is larger than the file system allows',
	ENOENT: 'it does not exist',
	EACCES: 'permission denied',
	EPERM: 'the file system does not permit it',
	EROFS: 'the file system is read-only',
	EISDIR: 'it is a directory',
	ENOTDIR: 'it, or a part of its path, is a file and not a directory',
	ENOTEMPTY: 'the directory is not empty',
	EEXIST: 'something else of that name is there',
	ELOOP: 'it is a symbolic link',
	ENAMETOOLONG: 'the name is too long',
	EIO: 'the disk reports an error',
	ESTALE: 'the network file system has lost it',
	EMFILE: 'too many files are open',
	ENFILE: 'too many files are open',
	EADDRINUSE: 'the port is in use',
	ECONNREFUSED: 'the connection was refused',
	ECONNRESET: 'the connection was reset',
	EHOSTUNREACH: 'the host is unreachable',
	ENETUNREACH: 'the network is unreachable',
	ETIMEDOUT: 'the connection timed out',
	EAI_AGAIN: 'the name of the host cannot be looked up now',
	EADDRNOTAVAIL: 'this machine does not have that address',
	ENOTFOUND: 'there is no such host',
};

/**
 * Why the system refused something, for a message: `the disk is full (ENOSPC)`. Of a code without words here, what Node says of
 * it, without the path, which may be of a file of our own; the message of an error that is not the system's.
 */
export function systemTrouble(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	const words = WORDS[code ?? ''];
	if (words !== undefined) return `${words} (${code})`;
	const [, reason] = new RegExp(`^${code}: ([^,]+)`).exec(message) ?? [];
	return reason === undefined ? message : `${reason} (${code})`;
}

/** The same of a file that was to be read. */
export function readTrouble(error: unknown): string {
	const { code } = error as NodeJS.ErrnoException;
	return code === 'ENOENT' ? 'there is no such file' : systemTrouble(error);
}

/** What to do where a path does not lead to where a file can be written. */
const MOVES: Readonly<Record<string, string>> = {
	ENOENT: 'its directory does not exist (ENOENT); make that first',
	EEXIST: 'a file of that name is there (EEXIST); choose another name',
	ENOTDIR: 'a part of its path is a file and not a directory (ENOTDIR); choose another place',
	EISDIR: 'it is a directory (EISDIR); choose another name',
};

/** The same of a file or directory that was to be written, with what to do: what does not exist is its directory then. */
export function createTrouble(error: unknown): string {
	return MOVES[(error as NodeJS.ErrnoException).code ?? ''] ?? systemTrouble(error);
}

/** That a server cannot listen, and what to do: `KVS_SERVER_FAILED`. */
export function listenError(host: string, port: number, cause: unknown): ArchiveError {
	const { code } = cause as NodeJS.ErrnoException;
	const [reason, move] =
		code === 'EACCES'
			? ['the system permits that port to administrators only (EACCES)', '; choose one from 1024 on']
			: [systemTrouble(cause), code === 'EADDRINUSE' ? '; choose another one, or 0 for a free one' : ''];
	const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
	return new ArchiveError('KVS_SERVER_FAILED', `cannot listen on ${address}: ${reason}${move}`, { cause });
}
