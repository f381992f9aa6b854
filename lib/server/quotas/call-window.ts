const WINDOW_MS = 1000;

/** A quota of calls in any rolling second. What is refused does not count. */
export class CallWindow {
	readonly #callsPerSecond: number;
	/** When the calls of the last second came, oldest first. */
	readonly #calledAtMs: number[] = [];

	/** `callsPerSecond` may be `Infinity`. */
	constructor(callsPerSecond: number) {
		this.#callsPerSecond = callsPerSecond;
	}

	/** Whether a call is admitted at that time, in milliseconds of a clock that never goes back. */
	isOpen(nowMs: number): boolean {
		while ((this.#calledAtMs[0] ?? nowMs) <= nowMs - WINDOW_MS) this.#calledAtMs.shift();
		return this.#calledAtMs.length < this.#callsPerSecond;
	}

	/** Notes an admitted call. */
	add(nowMs: number): void {
		if (this.#callsPerSecond !== Number.POSITIVE_INFINITY) this.#calledAtMs.push(nowMs);
	}
}
