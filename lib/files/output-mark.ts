import { basename, dirname, join } from 'node:path';
import { SinkError } from '../errors.js';
import { createTrouble } from '../wording/system-trouble.js';
import { isFileThere } from './is-file-there.js';
import { markInUse, type ProcessMark } from './process-mark.js';

/**
 * Marks a file that is to be written as in use by this process, for as long as it writes it. Fails with `SinkError`
 * (`KVS_SINK_FAILED`) where another process is writing it, and where it cannot be written.
 *
 * @param beside - files that are written with it. What is not a file and has the name of one of them would be lost, or waited for
 */
export async function markOutput(file: string, beside: readonly string[] = []): Promise<ProcessMark> {
	let mark: ProcessMark | string;
	try {
		for (const written of [file, ...beside]) await isFileThere(written, { follows: true });
		mark = await markInUse(join(dirname(file), `.${basename(file)}.in-use-by`));
	} catch (cause) {
		throw new SinkError('KVS_SINK_FAILED', file, `cannot write \`${file}\`: ${createTrouble(cause)}`, cause);
	}
	if (typeof mark !== 'string') return mark;
	throw new SinkError(
		'KVS_SINK_FAILED',
		file,
		`cannot write \`${file}\`: ${mark} is writing it; wait until it has ended, or choose another name`,
	);
}
