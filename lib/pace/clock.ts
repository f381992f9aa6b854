import { setTimeout as sleep } from 'node:timers/promises';

/** The source of time. Everything that waits takes one, so that tests need not wait. */
export interface Clock {
	/** Epoch milliseconds. */
	now(): number;
	/** Waits; rejects with the signal's reason when it is aborted. Does not keep the process alive with `isBackground`. */
	sleep(ms: number, options?: { signal?: AbortSignal | undefined; isBackground?: boolean }): Promise<void>;
}

/** The machine's own time. */
export const systemClock: Clock = {
	now: () => Date.now(),
	async sleep(ms, { signal, isBackground = false } = {}) {
		try {
			await sleep(ms, undefined, { ...(signal && { signal }), ref: !isBackground });
		} catch (error) {
			signal?.throwIfAborted();
			throw error;
		}
	},
};
