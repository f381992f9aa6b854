import { join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import { markInUse, type ProcessMark } from '../../files/process-mark.js';

const LOCK_FILE = 'in-use-by';

/**
 * Marks a directory as in use by this process. Throws `ArchiveError` (`KVS_DATA_IN_USE`) where a living process, this one
 * included, has done so before.
 */
export async function lockDirectory(directory: string): Promise<ProcessMark> {
	const path = join(directory, LOCK_FILE);
	const mark = await markInUse(path);
	if (typeof mark !== 'number') return mark;
	throw new ArchiveError(
		'KVS_DATA_IN_USE',
		`the data directory \`${directory}\` is in use by process ${mark} (if that is none of ours, remove \`${path}\`)`,
	);
}
