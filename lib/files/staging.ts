import { SinkError } from '../errors.js';
import { createTrouble } from './file-trouble.js';
import { makePrivateDirectory } from './private-directory.js';
import { markInUse, type ProcessMark } from './process-mark.js';

/**
 * Makes the directory in which files for a place elsewhere are staged, and marks it as in use by this process. Fails with
 * `SinkError` (`KVS_SINK_FAILED`) where it cannot be made, and where another process is writing to that place.
 *
 * @param url - of the place
 */
export async function markStaging(directory: string, url: string): Promise<ProcessMark> {
	// Beside it, so that the directory can be removed first.
	const path = `${directory}.in-use-by`;
	let mark: ProcessMark | string;
	try {
		await makePrivateDirectory(directory);
		mark = await markInUse(path);
	} catch (cause) {
		const message = `cannot write \`${url}\`: cannot stage it in \`${directory}\`: ${createTrouble(cause)}`;
		throw new SinkError('KVS_SINK_FAILED', url, message, cause);
	}
	if (typeof mark !== 'string') return mark;
	const message = `cannot write \`${url}\`: ${mark} is writing it (if that is not so, remove \`${path}\`)`;
	throw new SinkError('KVS_SINK_FAILED', url, message);
}
