import { join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import { markInUse, type ProcessMark } from '../../files/process-mark.js';
import { systemTrouble } from '../../wording/system-trouble.js';

const LOCK_FILE = 'in-use-by';

/**
 * Marks a directory as in use by this process. Throws `ArchiveError` (`KVS_DATA_IN_USE`) where a living process, this one
 * included, has done so before, and where the directory cannot be marked.
 */
export async function lockDirectory(directory: string): Promise<ProcessMark> {
	let mark: ProcessMark | string;
	try {
		mark = await markInUse(join(directory, LOCK_FILE));
	} catch (cause) {
		const message = `cannot mark the data directory \`${directory}\` as in use: ${systemTrouble(cause)}`;
		throw new ArchiveError('KVS_DATA_IN_USE', message, { cause });
	}
	if (typeof mark !== 'string') return mark;
	throw new ArchiveError(
		'KVS_DATA_IN_USE',
		`the data directory \`${directory}\` is in use by ${mark}: stop that, or use another directory`,
	);
}
