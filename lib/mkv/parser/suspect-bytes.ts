import { viewOf } from '../../ebml/element-body.js';
import { sizeOf } from '../../model/bytes.js';
import { MAX_REREAD_BYTES } from '../limits.js';

const NOTHING = new Uint8Array(0);

interface Range {
	bytes: Uint8Array;
	start: number;
	end: number;
}

/**
 * The bytes from the second one of the element that was accepted last: a damaged size may have taken in what follows the
 * element, so a document may begin in them. They are pieces of earlier chunks, and go on in the parser's chunk at `from`.
 */
export class SuspectBytes {
	/** Where they go on in the chunk. */
	from = 0;
	#pieces: Uint8Array[] = [];
	/** After the pieces: a range of a chunk, of which a view is made when it is needed, which it hardly ever is. */
	readonly #range: Range = { bytes: NOTHING, start: 0, end: 0 };
	/** After the range: the body of the element that was accepted last, where it was collected over several chunks. */
	#body: Uint8Array = NOTHING;
	/** The header, from its second byte on, of the element whose body is being collected. */
	readonly #head: Range = { bytes: NOTHING, start: 0, end: 0 };
	#rereadBytes = 0;

	/** Bytes before a place in the chunk are what they seem. */
	trustUpTo(position: number): void {
		this.from = position;
		if (this.#pieces.length > 0) this.#pieces = [];
		if (this.#range.bytes !== NOTHING) this.#set(NOTHING, 0, 0, NOTHING);
	}

	/**
	 * An element is accepted whose body begins at `position`: its header may still be part of a document's, from its second
	 * byte on. `carried` are those bytes where they are not in the chunk.
	 */
	elementBegins(position: number, headerLength: number, carried: Uint8Array | null): void {
		this.trustUpTo(carried === null ? position - headerLength + 1 : position);
		if (carried !== null) this.#pieces = [carried];
	}

	/** The body of an element begins at `position` and is collected over several chunks. */
	bodyBegins(chunk: Uint8Array, position: number, headerLength: number, carried: Uint8Array | null): void {
		if (this.#range.bytes !== NOTHING) this.#pieces = this.#takePieces();
		this.#set(chunk, Math.min(this.from, position), position, NOTHING);
		const head = this.#head;
		head.bytes = carried ?? chunk;
		head.start = carried === null ? position - headerLength + 1 : 0;
		head.end = carried === null ? position : carried.byteLength;
	}

	/** The body is whole; `position` is where the chunk goes on after it. It is not accepted yet. */
	bodyEnds(body: Uint8Array, position: number): void {
		this.#body = body;
		this.from = position;
	}

	/** The element whose body ended is accepted. */
	acceptBody(): void {
		const { bytes, start, end } = this.#head;
		if (this.#pieces.length > 0) this.#pieces = [];
		this.#set(bytes, start, end, this.#body);
		this.#head.bytes = NOTHING;
	}

	/** The chunk is used up; `isSuspect` unless its end is being skipped or collected. */
	endChunk(chunk: Uint8Array, isSuspect: boolean): void {
		if (isSuspect && this.from < chunk.byteLength) {
			this.#pieces = [...this.#takePieces(), viewOf(chunk, this.from, chunk.byteLength)];
		}
		this.from = 0;
	}

	/** The pieces of earlier chunks, which are trusted from here on, and where they go on in the chunk, at most at `position`. */
	takeBefore(position: number): { pieces: Uint8Array[]; from: number } {
		this.from = Math.min(this.from, position);
		return { pieces: this.#takePieces(), from: this.from };
	}

	/**
	 * What is to be read again after a malformed element: `partOfBody` is what was collected of it. Null where so much was read
	 * again already that it would take more than linear time.
	 */
	takeForReread(
		partOfBody: Uint8Array | null,
		position: number,
		offset: number,
	): { pieces: Uint8Array[]; from: number } | null {
		const pieces = this.#takePieces();
		if (partOfBody !== null) pieces.push(partOfBody);
		const from = partOfBody === null ? this.from : position;
		const bytes = sizeOf(pieces) + Math.max(0, position - from);
		if (this.#rereadBytes + bytes > offset + MAX_REREAD_BYTES) return null;
		this.#rereadBytes += bytes;
		return { pieces, from };
	}

	#set(bytes: Uint8Array, start: number, end: number, body: Uint8Array): void {
		const range = this.#range;
		range.bytes = bytes;
		range.start = start;
		range.end = end;
		this.#body = body;
	}

	#takePieces(): Uint8Array[] {
		const { bytes, start, end } = this.#range;
		const pieces = [...this.#pieces, viewOf(bytes, start, end), this.#body];
		this.#pieces = [];
		this.#set(NOTHING, 0, 0, NOTHING);
		return pieces.filter(({ byteLength }) => byteLength > 0);
	}
}
