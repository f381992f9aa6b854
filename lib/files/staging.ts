import { rm } from 'node:fs/promises';
import { SinkError } from '../errors.js';
import { createTrouble } from '../wording/system-trouble.js';
import { makePrivateDirectory } from './private-directory.js';
import { holdLock, type ProcessLock } from './process-lock.js';
import type { RemoteFolder, RemotePlace } from './remote-place.js';

/**
 * Makes the directory in which files for a place elsewhere are staged, and locks it for this process. Fails with
 * `SinkError` (`KVS_SINK_FAILED`) where it cannot be made, and where another process is writing to that place.
 *
 * @param url - of the place
 */
export async function lockStaging(directory: string, url: string): Promise<ProcessLock> {
	let lockOrHolder: ProcessLock | string;
	try {
		await makePrivateDirectory(directory);
		// Beside it, so that the directory can be removed first.
		lockOrHolder = await holdLock(`${directory}.in-use-by`);
	} catch (cause) {
		const message = `cannot write \`${url}\`: cannot stage it in \`${directory}\`: ${createTrouble(cause)}`;
		throw new SinkError('KVS_SINK_FAILED', url, message, cause);
	}
	if (typeof lockOrHolder !== 'string') return lockOrHolder;
	const message = `cannot write \`${url}\`: ${lockOrHolder} is writing it; wait until it has ended, or choose another name`;
	throw new SinkError('KVS_SINK_FAILED', url, message);
}

/**
 * Writes a file to a place elsewhere: `write` makes it in the staging directory, which is emptied when it has put it into the folder, and
 * stays for the next call where it fails. What a writer that was killed left there is removed before.
 */
export async function writeStaged<Result>(
	place: RemotePlace,
	signal: AbortSignal | undefined,
	write: (folder: RemoteFolder) => Promise<Result>,
): Promise<Result> {
	const folder = await place.open('file');
	try {
		const lock = await lockStaging(folder.stagingDirectory, place.url);
		try {
			await folder.removeUnfinished(signal);
			const result = await write(folder);
			await rm(folder.stagingDirectory, { recursive: true, force: true });
			return result;
		} finally {
			lock.release();
		}
	} finally {
		await folder.close();
	}
}
