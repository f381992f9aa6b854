/** Bytes of a slab: what a frame carved out of it may keep in memory, no more than a chunk of a file does. */
const SLAB_BYTES = 64 * 1024;
const MAX_SLAB_BODY_BYTES = SLAB_BYTES / 4;

/**
 * Room for bodies that span chunks. Small ones share a slab, as those that lie in a chunk share the chunk: over HTTPS half of
 * the frames of 8 KB span two chunks, and a piece of memory for each costs more than reading it. Room is a range of bytes: a
 * view of it would cost as much as reading the frame does.
 */
export class Slab {
	/** Where the room that was allocated last begins in its bytes. */
	start = 0;
	#bytes: Uint8Array = new Uint8Array(0);
	#usedBytes = 0;

	/** Bytes, not cleared, of which that many from `start` on are the room. */
	allocate(sizeBytes: number): Uint8Array {
		if (sizeBytes > MAX_SLAB_BODY_BYTES) {
			this.start = 0;
			return uncleared(sizeBytes);
		}
		if (this.#usedBytes + sizeBytes > this.#bytes.byteLength) {
			this.#bytes = uncleared(SLAB_BYTES);
			this.#usedBytes = 0;
		}
		this.start = this.#usedBytes;
		this.#usedBytes += sizeBytes;
		return this.#bytes;
	}
}

/** Node does not have to clear memory that is filled before it is read. */
function uncleared(sizeBytes: number): Uint8Array {
	return globalThis.Buffer === undefined ? new Uint8Array(sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes);
}
