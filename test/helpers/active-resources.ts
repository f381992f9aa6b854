import { setImmediate } from 'node:timers/promises';

/** What keeps the process alive now, but for the turns of the event loop that a test itself takes. */
export const activeResources = (): string =>
	process
		.getActiveResourcesInfo()
		.filter((name) => name !== 'Immediate')
		.toSorted()
		.join(' ');

/** The same when what was closed before is gone. */
export async function settledResources(): Promise<string> {
	// Handles that are closed go after the callbacks of setImmediate: those of this turn come first, those of the next after them.
	await setImmediate();
	await setImmediate();
	return activeResources();
}
