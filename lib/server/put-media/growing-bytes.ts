const FIRST_BYTES = 1024;

/** Bytes that come in pieces, however small, in one buffer that grows with them. What they may come to is the caller's to check. */
export class GrowingBytes {
	#buffer = new Uint8Array(0);
	#sizeBytes = 0;

	/** How many there are. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** Copies more bytes to the end. */
	append(bytes: Uint8Array): void {
		const sizeBytes = this.#sizeBytes + bytes.byteLength;
		if (sizeBytes > this.#buffer.byteLength) {
			const grown = new Uint8Array(Math.max(sizeBytes, 2 * this.#buffer.byteLength, FIRST_BYTES));
			grown.set(this.#buffer.subarray(0, this.#sizeBytes));
			this.#buffer = grown;
		}
		this.#buffer.set(bytes, this.#sizeBytes);
		this.#sizeBytes = sizeBytes;
	}

	/** All of them, in memory of their own, and none are left. */
	take(): Uint8Array {
		const bytes = this.#buffer.slice(0, this.#sizeBytes);
		this.#buffer = new Uint8Array(0);
		this.#sizeBytes = 0;
		return bytes;
	}
}
