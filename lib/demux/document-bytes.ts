/**
 * The bytes of the document that is being read, as slices of the chunks that they came in. Documents follow each other without
 * anything in between: one begins where the one before it ends. Holds the document that is not over, and the rest of a chunk.
 */
export class DocumentBytes {
	#slices: Uint8Array[] = [];
	/** Where in the payload what is held begins. */
	#start = 0;

	/** The next chunk of the payload, which is to be added before it is read. It is kept as it is. */
	add(chunk: Uint8Array): void {
		this.#slices.push(chunk);
	}

	/** Takes the document that ends at `offset` of the payload: views of its chunks, in order. */
	take(offset: number): Uint8Array[] {
		let leftBytes = offset - this.#start;
		this.#start = offset;
		const taken: Uint8Array[] = [];
		const kept: Uint8Array[] = [];
		for (const slice of this.#slices) {
			if (leftBytes > 0) taken.push(slice.subarray(0, leftBytes));
			if (leftBytes < slice.byteLength) kept.push(slice.subarray(Math.max(0, leftBytes)));
			leftBytes -= slice.byteLength;
		}
		this.#slices = kept;
		return taken;
	}
}
