import type { MonotonicClock } from '#lib/server/index.js';

/** A clock that a test sets. Sleeping takes no time and moves it on. */
export class FakeClock implements MonotonicClock {
	nowMs = 0;
	/** Every sleep so far, milliseconds. */
	readonly sleeps: number[] = [];

	now(): number {
		return this.nowMs;
	}

	async sleep(ms: number, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		this.sleeps.push(ms);
		this.nowMs += ms;
	}
}
