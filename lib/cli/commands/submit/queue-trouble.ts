import { oneLine } from '../../exit.js';
import type { Terminal } from '../../terminal.js';

/** Says the trouble of a queue, and the same not again and again while it lasts. */
export function queueTrouble(terminal: Terminal): (error: Error) => void {
	let said = '';
	return ({ message }) => {
		const line = `queue: ${oneLine(message)}`;
		if (line === said) return;
		said = line;
		terminal.say(line);
	};
}
