/** Numbers that are the same in every run: mulberry32. */
export class Random {
	#state: number;

	constructor(seed: number) {
		this.#state = seed;
	}

	/** From 0 to 1. */
	readonly next = (): number => {
		this.#state = (this.#state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};

	between(from: number, to: number): number {
		return from + this.next() * (to - from);
	}
}
