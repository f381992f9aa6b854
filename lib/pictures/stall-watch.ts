import type { Clock } from '../pace/clock.js';

/** Options of {@link StallWatch}. */
export interface StallWatchOptions {
	readonly timeoutMs: number;
	readonly clock: Clock;
	/** Called once. */
	readonly onStall: () => void;
}

/**
 * Notices that one thing has been waited for too long: between `timeoutMs` and twice that, so that a wait costs no timer of
 * its own. Only waiting counts, not what the waiting side does in between.
 */
export class StallWatch {
	/** Whether something is being waited for. */
	isWaiting = false;
	#progress = 0;
	readonly #abort = new AbortController();

	constructor(options: StallWatchOptions) {
		this.#watch(options).catch((error: unknown) => {
			if (!this.#abort.signal.aborted) throw error;
		});
	}

	/** What is waited for from now on is something else. */
	progressed(): void {
		this.#progress++;
	}

	/** Ends the watch. */
	stop(): void {
		this.#abort.abort();
	}

	async #watch({ timeoutMs, clock, onStall }: StallWatchOptions): Promise<void> {
		const { signal } = this.#abort;
		for (;;) {
			const awaited = this.isWaiting ? this.#progress : null;
			await clock.sleep(timeoutMs, { signal, isBackground: true });
			// What came while this process was held up itself is to be seen first.
			await new Promise((resolve) => setImmediate(resolve));
			if (signal.aborted) return;
			if (this.isWaiting && this.#progress === awaited) break;
		}
		onStall();
	}
}
