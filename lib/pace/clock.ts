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

/** Longer than any wait, and the longest a timer can be. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the process alive until the function that it returns is called. */
export function keepAlive(clock: Clock): () => void {
	const over = new AbortController();
	clock.sleep(LONGEST_TIMER_MS, { signal: over.signal }).catch(() => {});
	return () => over.abort();
}
