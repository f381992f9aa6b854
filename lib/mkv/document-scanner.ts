import { isMatroskaDocType, readDocType } from './doc-type.js';
import { ID } from './ebml-schema.js';
import { type ElementHeader, MAX_ELEMENT_HEADER_BYTES, readElementHeader } from './element-header.js';
import { MAX_PLAUSIBLE_EBML_HEADER_BYTES } from './limits.js';

const EBML_ID = Buffer.from(ID.EBML.toString(16), 'hex');
const WINDOW_BYTES = MAX_ELEMENT_HEADER_BYTES + MAX_PLAUSIBLE_EBML_HEADER_BYTES;

const NOTHING = Buffer.alloc(0);

type Verdict = 'plausible' | 'implausible' | 'undecided';

/**
 * Looks for the next document in bytes that are broken: an EBML header that parses and whose DocType is Matroska's.
 * The four bytes of its id alone prove nothing, they may occur in a frame.
 *
 * Holds at most one candidate that its chunk did not decide, about 4 KiB. Where the bytes are cut makes no difference.
 */
export class DocumentScanner {
	/** A candidate, or the first bytes of one, at the end of the chunks so far. */
	#pending: Buffer;
	readonly #header: ElementHeader = { id: 0, size: 0, length: 0 };
	#rest: Uint8Array = NOTHING;

	/** `carried` are bytes before the first chunk that have to be looked at too. */
	constructor(carried: Uint8Array) {
		this.#pending = Buffer.from(carried);
	}

	/** Length of the header that `scan` found. */
	get headerBytes(): number {
		return this.#header.length + this.#header.size;
	}

	/** What of earlier chunks lies behind the found header: to be read before the current chunk. */
	get rest(): Uint8Array {
		return this.#rest;
	}

	/**
	 * Looks through `chunk` from `position` on. Returns where in it reading goes on behind the found header and `rest`, or
	 * -1 where there is no header yet: then the chunk is used up.
	 */
	scan(chunk: Uint8Array, position: number): number {
		let at = position;
		while (this.#pending.byteLength > 0) {
			const known = this.#pending.byteLength;
			const window = Buffer.concat([this.#pending, chunk.subarray(at, at + WINDOW_BYTES - known)]);
			const verdict = this.#judge(window);
			if (verdict === 'plausible') {
				this.#rest = window.subarray(this.headerBytes, Math.max(known, this.headerBytes));
				return at + Math.max(0, this.headerBytes - known);
			}
			if (verdict === 'undecided') {
				this.#pending = window;
				return -1;
			}
			const next = candidateIn(window, 1);
			// From here on the rest of the window lies in the chunk, and is looked at there.
			if (next >= known || next < 0) {
				this.#pending = NOTHING;
				at += Math.max(0, (next < 0 ? window.byteLength : next) - known);
			} else {
				this.#pending = this.#pending.subarray(next);
			}
		}
		const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		for (;;) {
			const start = candidateIn(bytes, at);
			if (start < 0) return -1;
			const verdict = this.#judge(bytes.subarray(start, start + WINDOW_BYTES));
			if (verdict === 'plausible') return start + this.headerBytes;
			if (verdict === 'undecided') {
				this.#pending = Buffer.from(bytes.subarray(start));
				return -1;
			}
			at = start + 1;
		}
	}

	#judge(bytes: Buffer): Verdict {
		const header = this.#header;
		try {
			if (!startsLikeEbml(bytes, 0)) return 'implausible';
			if (!readElementHeader(bytes, 0, bytes.byteLength, header)) return 'undecided';
			if (header.size < 0 || header.size > MAX_PLAUSIBLE_EBML_HEADER_BYTES) return 'implausible';
			if (header.length + header.size > bytes.byteLength) return 'undecided';
			const docType = readDocType(bytes.subarray(header.length, header.length + header.size));
			return isMatroskaDocType(docType) ? 'plausible' : 'implausible';
		} catch {
			return 'implausible';
		}
	}
}

/** Where the id of an EBML header begins, or may begin with the last bytes there are; -1 where nowhere. */
function candidateIn(bytes: Buffer, from: number): number {
	for (
		let at = bytes.indexOf(EBML_ID[0] as number, from);
		at >= 0;
		at = bytes.indexOf(EBML_ID[0] as number, at + 1)
	) {
		if (startsLikeEbml(bytes, at)) return at;
	}
	return -1;
}

function startsLikeEbml(bytes: Buffer, at: number): boolean {
	const length = Math.min(EBML_ID.byteLength, bytes.byteLength - at);
	return bytes.compare(EBML_ID, 0, length, at, at + length) === 0;
}
