import { viewOf } from '../../ebml/element-body.js';

/** Bytes of a slab: what a frame carved out of it may keep in memory, no more than a chunk of a file does. */
const SLAB_BYTES = 64 * 1024;
const MAX_SLAB_BODY_BYTES = SLAB_BYTES / 4;

/**
 * Room for bodies that span chunks. Small ones share a slab, as those that lie in a chunk share the chunk: over HTTPS half of
 * the frames of 8 KB span two chunks, and a piece of memory for each costs more than reading it.
 */
export class Slab {
	#bytes: Uint8Array = new Uint8Array(0);
	#usedBytes = 0;

	/** That many bytes, not cleared. */
	allocate(sizeBytes: number): Uint8Array {
		if (sizeBytes > MAX_SLAB_BODY_BYTES) return uncleared(sizeBytes);
		if (this.#usedBytes + sizeBytes > this.#bytes.byteLength) {
			this.#bytes = uncleared(SLAB_BYTES);
			this.#usedBytes = 0;
		}
		const start = this.#usedBytes;
		this.#usedBytes += sizeBytes;
		return viewOf(this.#bytes, start, start + sizeBytes);
	}
}

/** Node does not have to clear memory that is filled before it is read. */
function uncleared(sizeBytes: number): Uint8Array {
	return globalThis.Buffer === undefined ? new Uint8Array(sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes);
}
