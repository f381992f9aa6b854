/* A process that is sent paths: tries to lock each as in use, says what came of it, and gives the lock back when it is sent an empty one. */
import { holdLock, type ProcessLock } from '#lib/files/process-lock.js';

let held: ProcessLock | null = null;

process.on('message', (path: string) => {
	if (path === '') {
		held?.release();
		held = null;
		process.send?.('released');
		return;
	}
	holdLock(path).then(
		(lock) => {
			held = typeof lock === 'string' ? null : lock;
			process.send?.(typeof lock === 'string' ? lock : 'held');
		},
		(error: Error) => process.send?.(`failed: ${error.message}`),
	);
});
