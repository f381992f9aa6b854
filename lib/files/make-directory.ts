import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory, and those above it that are absent. Resolves with the first that was made, null where all were there. Rejects
 * with the system's error, also where the path leads to a file.
 *
 * `mkdir` of Node with `recursive` goes round without end where nothing can be made in a directory that is there, as in `/proc`.
 *
 * @param mode - permissions of what is made
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<string | null> {
	const directory = resolve(path);
	try {
		await mkdir(directory, mode);
		return directory;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
			if (await isDirectory(directory)) return null;
			throw error;
		}
	}
	const parent = dirname(directory);
	const made = await makeDirectory(parent, mode);
	try {
		await mkdir(directory, mode);
	} catch (cause) {
		const { code, syscall } = cause as NodeJS.ErrnoException;
		if (code === 'ENOENT') {
			const message = `cannot create a directory in \`${parent}\` (${code}); check that the file system is mounted and writable`;
			throw Object.assign(new Error(message, { cause }), { syscall });
		}
		if (!(await isDirectory(directory))) throw cause;
	}
	return made ?? directory;
}

async function isDirectory(path: string): Promise<boolean> {
	return stat(path).then(
		(found) => found.isDirectory(),
		() => false,
	);
}
