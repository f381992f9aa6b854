import type { MonotonicClock } from '../monotonic-clock.js';

const SECOND_MS = 1000;

/**
 * A quota of fragments in any rolling second. Those of one read begin together, so that there may be too many before it is
 * known: then the next is due when they would all have come in time.
 */
export class FragmentPace {
	readonly #clock: MonotonicClock;
	readonly #windowMs: number;
	readonly #perWindow: number;
	/** When the last fragments were due, at most as many as a window has. */
	readonly #dueMs: number[] = [];

	/** `fragmentsPerSecond`: finite, above 0. */
	constructor(fragmentsPerSecond: number, clock: MonotonicClock) {
		this.#clock = clock;
		this.#perWindow = Math.max(1, Math.floor(fragmentsPerSecond));
		this.#windowMs = (this.#perWindow / fragmentsPerSecond) * SECOND_MS;
	}

	/** A fragment begins. */
	add(): void {
		const waitMs = this.waitMs;
		if (this.#dueMs.length === this.#perWindow) this.#dueMs.shift();
		this.#dueMs.push(this.#clock.now() + waitMs);
	}

	/** How long it takes until another fragment is due, in milliseconds; 0 where it may begin now. */
	get waitMs(): number {
		const [first] = this.#dueMs;
		if (first === undefined || this.#dueMs.length < this.#perWindow) return 0;
		return Math.max(0, first + this.#windowMs - this.#clock.now());
	}
}
