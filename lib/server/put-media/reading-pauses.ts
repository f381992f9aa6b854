import type { MonotonicClock } from '../monotonic-clock.js';

/** When the server does not read a body although there is more: its producer is not silent then. */
export class ReadingPauses {
	readonly #clock: MonotonicClock;
	#open = 0;
	#endedAtMs = Number.NEGATIVE_INFINITY;

	constructor(clock: MonotonicClock) {
		this.#clock = clock;
	}

	/** Reading pauses until the wait has ended, whose rejection is passed on. */
	async during(wait: Promise<void>): Promise<void> {
		this.#open++;
		try {
			await wait;
		} finally {
			this.#open--;
			this.#endedAtMs = this.#clock.now();
		}
	}

	/** When reading paused last, by the clock: now, while it does; negative infinity where it never did. */
	get lastMs(): number {
		return this.#open > 0 ? this.#clock.now() : this.#endedAtMs;
	}
}
