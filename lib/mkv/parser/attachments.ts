import { ID, idOf } from '../../ebml/ebml-schema.js';

const ATTACHED_FILE = idOf('AttachedFile');
const HEAD_BYTES = 2;

/**
 * An Attachments element that is being skipped. A Matroska file may be attached to another: documents in it are not those of
 * the payload. Only where it begins as Attachments do, since a damaged id may have made it one.
 */
export class Attachments {
	readonly #bodyOffset: number;
	#head = 0;

	/** @param bodyOffset - where its body begins in the payload */
	constructor(bodyOffset: number) {
		this.#bodyOffset = bodyOffset;
	}

	/** Where in the chunk, from `position` to `to`, documents are not looked for any more. `base` is the offset of the chunk. */
	searchEnd(chunk: Uint8Array, base: number, position: number, to: number): number {
		const bodyAt = this.#bodyOffset - base;
		const headEnd = bodyAt + HEAD_BYTES;
		for (let at = Math.max(position, bodyAt); at < Math.min(to, headEnd); at++) {
			// Bytes that were held are read again.
			if (at === bodyAt) this.#head = 0;
			this.#head = (this.#head << 8) | (chunk[at] as number);
		}
		if (to < headEnd || !isFirstChild(this.#head)) return to;
		return Math.min(to, Math.max(position, bodyAt));
	}
}

function isFirstChild(head: number): boolean {
	const first = head >> 8;
	return head === ATTACHED_FILE || first === ID.Void || first === ID.Crc32;
}
