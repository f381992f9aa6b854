import { setTimeout as sleep } from 'node:timers/promises';

/** A clock that never goes back, for what is counted or paced. Tests replace it, so that they need not wait. */
export interface MonotonicClock {
	/** Fractional milliseconds since a fixed, arbitrary moment. */
	now(): number;
	/** Waits that many milliseconds. Rejects as soon as the signal is aborted, and leaves no timer then. */
	sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The process's own clock, `performance.now()`. */
export const processClock: MonotonicClock = {
	now: () => performance.now(),
	sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};
