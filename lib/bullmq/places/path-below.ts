import { mkdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { ArchiveError, InvalidOptionError } from '../../errors.js';
import { makeDirectory } from '../../files/make-directory.js';

/** Longer than any path that is meant. */
const MAX_PATH_CHARS = 1024;

/**
 * Checks the path that a job names: relative, with `/` between its names, none of which is `..`; `.` is the folder itself. Returns
 * it. Throws `InvalidOptionError`.
 */
export function checkRelativePath(option: string, path: unknown): string {
	const isValid =
		typeof path === 'string' &&
		path.length <= MAX_PATH_CHARS &&
		!/[\\\0]/.test(path) &&
		(path === '.' || path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')) &&
		!/^[a-z]:/i.test(path);
	if (!isValid) throw new InvalidOptionError(option, 'a relative path without `..` in it', path);
	return path;
}

/** What a path of this machine is called in a job: relative to `root`. Throws `InvalidOptionError` where it is not below it. */
export function pathFrom(option: string, root: string, path: string): string {
	const relativePath = relative(root, path);
	if (relativePath === '..' || relativePath.startsWith(`..${sep}`) || isAbsolute(relativePath)) {
		throw new InvalidOptionError(option, `below \`${root}\`, as workers use no other folder`, path);
	}
	return checkRelativePath(option, relativePath === '' ? '.' : relativePath.replaceAll(sep, '/'));
}

/**
 * The folder that a job names, made where it is not there. Rejects with `ArchiveError` (`KVS_JOB_REFUSED`) where the path leads out
 * of `root`, also through a symbolic link, and with the system's error.
 */
export async function folderBelow(root: string, path: string): Promise<string> {
	await makeDirectory(root);
	const top = await realpath(root);
	let folder = top;
	for (const name of namesOf(path)) {
		const next = join(folder, name);
		await mkdir(next).catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'EEXIST') throw error;
		});
		folder = await below(top, next, path);
	}
	return folder;
}

/** The file that a job names. Rejects likewise, and where it does not exist. */
export async function fileBelow(root: string, path: string): Promise<string> {
	const top = await realpath(root);
	const found = await below(top, join(top, ...namesOf(path)), path);
	if (!(await stat(found)).isFile()) throw refused(`\`${path}\` is not a file`);
	return found;
}

function namesOf(path: string): string[] {
	return checkRelativePath('path', path)
		.split('/')
		.filter((name) => name !== '.');
}

/** Where a path leads to in the end. */
async function below(top: string, at: string, path: string): Promise<string> {
	const found = await realpath(at);
	if (found !== top && !found.startsWith(top.endsWith(sep) ? top : top + sep)) {
		throw refused(`\`${path}\` leads out of \`${top}\`, to \`${found}\``);
	}
	return found;
}

function refused(what: string): ArchiveError {
	return new ArchiveError('KVS_JOB_REFUSED', `the worker refuses the job: ${what}`);
}
