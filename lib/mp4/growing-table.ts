const FIRST_BYTES = 4096;

/** Numbers of 32 bits in the order of a file, most significant byte first, of which there may be millions. */
export class GrowingTable {
	#buffer = Buffer.alloc(FIRST_BYTES);
	#sizeBytes = 0;

	/** How many numbers there are. */
	get length(): number {
		return this.#sizeBytes / 4;
	}

	/** They as bytes: a view, good until the next number comes. */
	get bytes(): Buffer {
		return this.#buffer.subarray(0, this.#sizeBytes);
	}

	/** Adds numbers. */
	push(...values: readonly number[]): void {
		for (const value of values) {
			if (this.#sizeBytes === this.#buffer.byteLength) {
				this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.byteLength)]);
			}
			this.#buffer.writeUInt32BE(value, this.#sizeBytes);
			this.#sizeBytes += 4;
		}
	}

	/** Adds a value to a table of pairs of a count and a value, as MP4 has them for runs of equal values. */
	pushRun(value: number): void {
		if (this.last(0) === value) {
			const count = this.#sizeBytes - 8;
			this.#buffer.writeUInt32BE(this.#buffer.readUInt32BE(count) + 1, count);
		} else {
			this.push(1, value);
		}
	}

	/** The number that is `index` from the end; null where the index is out of range. */
	last(index: number): number | null {
		const at = this.#sizeBytes - 4 * (index + 1);
		return at < 0 ? null : this.#buffer.readUInt32BE(at);
	}

	/** One that can be added to by itself. */
	copy(): GrowingTable {
		const copy = new GrowingTable();
		copy.#buffer = Buffer.from(this.#buffer);
		copy.#sizeBytes = this.#sizeBytes;
		return copy;
	}
}
