/* A process that is sent paths: tries to mark each as in use, says what came of it, and gives the mark back when it is sent an empty one. */
import { markInUse, type ProcessMark } from '#lib/files/process-mark.js';

let held: ProcessMark | null = null;

process.on('message', (path: string) => {
	if (path === '') {
		held?.release();
		held = null;
		process.send?.('released');
		return;
	}
	markInUse(path).then(
		(mark) => {
			held = typeof mark === 'string' ? null : mark;
			process.send?.(typeof mark === 'string' ? mark : 'held');
		},
		(error: Error) => process.send?.(`failed: ${error.message}`),
	);
});
