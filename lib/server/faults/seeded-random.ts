import { createHash } from 'node:crypto';

const UINT32_RANGE = 2 ** 32;

/** Repeatable random numbers from 0 (included) to 1 (excluded), the same for the same seed text. */
export class SeededRandom {
	readonly #seed: string;
	#drawn = 0;

	constructor(seed: string) {
		this.#seed = seed;
	}

	/** The next number of the sequence. */
	next(): number {
		return this.of(`#${this.#drawn++}`);
	}

	/** The next number of the sequence, as a whole one below `exclusiveMax`. */
	nextInteger(exclusiveMax: number): number {
		return Math.floor(this.next() * exclusiveMax);
	}

	/** The number that belongs to a text; it does not advance the sequence. */
	of(thing: string): number {
		const digest = createHash('sha256').update(`${this.#seed}\n${thing}`).digest();
		return digest.readUInt32BE() / UINT32_RANGE;
	}
}
