/** A table of values that each hold for a number of samples, read forward (`stts`, `ctts`: ISO 14496-12 §8.6.1). */
export class RunLengthTable {
	readonly #table: Buffer;
	readonly #entries: number;
	#entry = 0;
	#left = 0;
	readonly #isSigned: boolean;
	#value = 0;

	/** Over the fields of the box; null for one that is absent, whose values are 0. */
	constructor(fields: Buffer | null, { isSigned }: { isSigned: boolean }) {
		this.#table = fields ?? Buffer.alloc(8);
		this.#entries = this.#table.readUInt32BE(4);
		this.#isSigned = isSigned;
	}

	/** The sum of the values of the next `samples`. Past the table's end its last value holds on. */
	advance(samples: number): number {
		let sum = 0;
		for (let rest = samples; rest > 0; ) {
			while (this.#left === 0 && this.#entry < this.#entries) {
				const at = 8 + 8 * this.#entry++;
				this.#left = this.#table.readUInt32BE(at);
				this.#value = this.#isSigned ? this.#table.readInt32BE(at + 4) : this.#table.readUInt32BE(at + 4);
			}
			const taken = this.#left === 0 ? rest : Math.min(rest, this.#left);
			this.#left = Math.max(0, this.#left - taken);
			sum += taken * this.#value;
			rest -= taken;
		}
		return sum;
	}
}
