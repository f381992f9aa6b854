import { ArchiveQueue } from '../../../bullmq/index.js';
import { underName } from '../../../wording/option-name.js';
import type { Terminal } from '../../terminal.js';
import { queueTrouble } from './queue-trouble.js';

/** The queue that `--redis` and `--queue` name, to be closed by the caller. Its trouble is said. Throws `InvalidOptionError`. */
export function openQueue(
	{ redis: url, queue: name }: { readonly redis: string; readonly queue?: string },
	terminal: Terminal,
): ArchiveQueue {
	return underName(
		'url',
		'--redis',
		() => new ArchiveQueue({ url, name, onTrouble: queueTrouble(terminal) }),
	);
}
