import { basename, dirname, join } from 'node:path';
import { SinkError } from '../errors.js';
import { createTrouble } from '../wording/system-trouble.js';
import { isFileThere } from './is-file-there.js';
import { holdLock, type ProcessLock } from './process-lock.js';

/**
 * Locks a file that is to be written for this process, for as long as it writes it. Fails with `SinkError`
 * (`KVS_SINK_FAILED`) where another process is writing it, and where it cannot be written.
 *
 * @param beside - files that are written with it. What is not a file and has the name of one of them would be lost, or waited for
 */
export async function lockOutput(file: string, beside: readonly string[] = []): Promise<ProcessLock> {
	let lockOrHolder: ProcessLock | string;
	try {
		for (const written of [file, ...beside]) await isFileThere(written, { follows: true });
		lockOrHolder = await holdLock(join(dirname(file), `.${basename(file)}.in-use-by`));
	} catch (cause) {
		throw new SinkError('KVS_SINK_FAILED', file, `cannot write \`${file}\`: ${createTrouble(cause)}`, cause);
	}
	if (typeof lockOrHolder !== 'string') return lockOrHolder;
	throw new SinkError(
		'KVS_SINK_FAILED',
		file,
		`cannot write \`${file}\`: ${lockOrHolder} is writing it; wait until it has ended, or choose another name`,
	);
}
