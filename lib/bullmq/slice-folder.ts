import { chmod, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../errors.js';
import { syncDirectory, writeNewFile } from '../files/private-directory.js';
import { createTrouble } from '../wording/system-trouble.js';
import type { SliceJob } from './slice-job.js';
import type { SliceResult } from './slice-result.js';

/** Says in the folder of a slice what it is. */
const RECORD_NAME = 'slice.json';

/** Who may look into it, before the process's umask takes its part. */
const FOLDER_MODE = 0o777;

const RECORD_FORMAT = 'kvs-archive slice 1';

/**
 * Makes the folder of a slice: `work` fills one that has another name, which gets its own when that is over, in place of what an
 * earlier attempt has left. Where the same job was done before, and nothing of its folder has gone since, `work` is not called. Only
 * one process may do so at a time, which the lock of the job sees to; one that has lost its lock fails with the folder.
 * Fails with `SinkError` (`KVS_SINK_FAILED`), and with what `work` rejects with.
 */
export async function makeSliceFolder(
	path: string,
	job: SliceJob,
	work: (directory: string) => Promise<SliceResult>,
): Promise<SliceResult> {
	const done = await doneBefore(path, job);
	if (done !== null) return { ...done, wasDone: true };
	const parent = dirname(path);
	const hidden = join(parent, `.${basename(path)}.`);
	let directory: string;
	try {
		for (const name of await readdir(parent)) {
			if (join(parent, name).startsWith(hidden)) await rm(join(parent, name), { recursive: true });
		}
		directory = await mkdtemp(`${hidden}part-`);
		await chmod(directory, FOLDER_MODE & ~process.umask());
	} catch (error) {
		throw failure(path, error);
	}
	try {
		const result = await work(directory);
		try {
			const files = await filesIn(directory);
			const text = JSON.stringify({ format: RECORD_FORMAT, job, result, files });
			await writeNewFile(join(directory, RECORD_NAME), [`${text}\n`]);
			await syncDirectory(directory);
			const old = `${hidden}old`;
			await rename(path, old).catch((error: NodeJS.ErrnoException) => {
				if (error.code !== 'ENOENT') throw error;
			});
			await rename(directory, path);
			await syncDirectory(parent);
			await rm(old, { recursive: true, force: true });
		} catch (error) {
			throw failure(path, error);
		}
		return result;
	} catch (error) {
		await rm(directory, { recursive: true, force: true });
		throw error;
	}
}

/** The result of the same job, whole, where its folder still has the files that it had; else null. */
async function doneBefore(path: string, job: SliceJob): Promise<SliceResult | null> {
	let record: { format?: unknown; job?: unknown; result?: SliceResult; files?: unknown };
	try {
		record = JSON.parse(await readFile(join(path, RECORD_NAME), 'utf8'));
		const files = (await filesIn(path)).filter((name) => name !== RECORD_NAME);
		if (!isDeepStrictEqual(record.files, files)) return null;
	} catch {
		// No record, or none that can be read: the slice is done again, in its place.
		return null;
	}
	const isSame =
		record.format === RECORD_FORMAT && isDeepStrictEqual(record.job, JSON.parse(JSON.stringify(job)));
	return isSame && record.result?.isComplete === true ? record.result : null;
}

async function filesIn(directory: string): Promise<string[]> {
	return (await readdir(directory)).toSorted();
}

function failure(path: string, cause: unknown): SinkError {
	return new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(cause)}`, cause);
}
