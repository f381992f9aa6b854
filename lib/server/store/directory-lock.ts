import { join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import { holdLock, type ProcessLock } from '../../files/process-lock.js';
import { systemTrouble } from '../../wording/system-trouble.js';

const LOCK_FILE = 'in-use-by';

/**
 * Locks a directory for this process. Throws `ArchiveError` (`KVS_DATA_IN_USE`) where a living process, this one
 * included, has done so before, and where the directory cannot be locked.
 */
export async function lockDirectory(directory: string): Promise<ProcessLock> {
	let lockOrHolder: ProcessLock | string;
	try {
		lockOrHolder = await holdLock(join(directory, LOCK_FILE));
	} catch (cause) {
		const message = `cannot create the lock file of the data directory \`${directory}\`: ${systemTrouble(cause)}`;
		throw new ArchiveError('KVS_DATA_IN_USE', message, { cause });
	}
	if (typeof lockOrHolder !== 'string') return lockOrHolder;
	throw new ArchiveError(
		'KVS_DATA_IN_USE',
		`the data directory \`${directory}\` is in use by ${lockOrHolder}: stop that, or use another directory`,
	);
}
