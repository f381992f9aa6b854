import { concatBytes, sizeOf } from '../../model/bytes.js';

/** The end of the bytes so far, where a document may begin that the next bytes decide: they are read once more with them. */
export class HeldBytes {
	#pieces: Uint8Array[] = [];
	#sizeBytes = 0;
	#needsBytes = 0;

	/** How many bytes are held. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** Whether there are as many as are needed. */
	get isEnough(): boolean {
		return this.#sizeBytes > 0 && this.#sizeBytes >= this.#needsBytes;
	}

	/** Holds `pieces` until that many bytes have come. */
	hold(pieces: Uint8Array[], needsBytes: number): void {
		this.#pieces = pieces;
		this.#sizeBytes = sizeOf(pieces);
		this.#needsBytes = needsBytes;
	}

	/** Bytes that follow those that are held. */
	add(chunk: Uint8Array): void {
		this.#pieces.push(chunk);
		this.#sizeBytes += chunk.byteLength;
	}

	/** All of them, which are not held any more. */
	take(): Uint8Array {
		const bytes = concatBytes(this.#pieces);
		this.hold([], 0);
		return bytes;
	}
}
