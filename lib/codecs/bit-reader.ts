/** Reads bits, most significant first, as codec headers have them. Throws RangeError after the last one. */
export class BitReader {
	readonly #bytes: Uint8Array;
	#position = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	/** An unsigned number of up to 32 bits: `u(n)` of the specifications. */
	bits(count: number): number {
		let value = 0;
		for (let i = 0; i < count; i++) value = value * 2 + this.#bit();
		return value;
	}

	/** One bit as a boolean: `u(1)`. */
	flag(): boolean {
		return this.#bit() === 1;
	}

	/** Leaves bits out. */
	skip(count: number): void {
		this.#position += count;
	}

	/** An Exp-Golomb number: `ue(v)` (ISO 14496-10 §9.1). */
	unsignedGolomb(): number {
		let zeros = 0;
		while (this.#bit() === 0) {
			zeros++;
			if (zeros > 31) throw new RangeError('an Exp-Golomb number of more than 32 bits');
		}
		return 2 ** zeros - 1 + this.bits(zeros);
	}

	/** A signed Exp-Golomb number: `se(v)` (ISO 14496-10 §9.1.1). */
	signedGolomb(): number {
		const code = this.unsignedGolomb();
		return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
	}

	#bit(): number {
		const byte = this.#bytes[this.#position >> 3];
		if (byte === undefined) throw new RangeError('the bits are used up');
		return (byte >> (7 - (this.#position++ & 7))) & 1;
	}
}
