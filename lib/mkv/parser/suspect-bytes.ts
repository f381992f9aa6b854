import { viewOf } from '../../ebml/element-body.js';
import { sizeOf } from '../../model/bytes.js';
import { MAX_REREAD_BYTES } from '../limits.js';

const NOTHING = new Uint8Array(0);

/**
 * The bytes from the second one of the element that was accepted last: a damaged size may have taken in what follows the
 * element, so a document may begin in them. They are pieces of earlier chunks, and go on in the parser's chunk at `from`.
 */
export class SuspectBytes {
	/** Where they go on in the chunk. */
	from = 0;
	#pieces: Uint8Array[] = [];
	/** After the pieces: a range of a chunk. Ranges become views when they are needed, which they hardly ever are. */
	#chunk: Uint8Array = NOTHING;
	#chunkStart = 0;
	#chunkEnd = 0;
	/** After that: the body of the element that was accepted last, where it was collected over several chunks. */
	#body: Uint8Array = NOTHING;
	#bodyStart = 0;
	#bodyEnd = 0;
	/** Of the element whose body is being collected, the header from its second byte on: where in the range it begins… */
	#headStart = 0;
	/** …or its bytes, where it is not in the range alone. */
	#carried: Uint8Array | null = null;
	#rereadBytes = 0;

	/** Bytes before a place in the chunk are what they seem. */
	trustUpTo(position: number): void {
		this.from = position;
		if (this.#pieces.length > 0) this.#pieces = [];
		if (this.#chunk !== NOTHING) this.#forgetRanges();
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
		if (this.#chunk !== NOTHING) this.#pieces = this.#takePieces();
		this.#chunk = chunk;
		this.#chunkStart = Math.min(this.from, position);
		this.#chunkEnd = position;
		this.#headStart = position - headerLength + 1;
		this.#carried = carried;
	}

	/** The body is whole: a range of bytes. `position` is where the chunk goes on after it. It is not accepted yet. */
	bodyEnds(bytes: Uint8Array, start: number, end: number, position: number): void {
		this.#body = bytes;
		this.#bodyStart = start;
		this.#bodyEnd = end;
		this.from = position;
	}

	/** The element whose body ended is accepted. */
	acceptBody(): void {
		this.#chunkStart = this.#headStart;
		if (this.#pieces.length > 0) this.#pieces = [];
		if (this.#carried === null) return;
		this.#pieces = [this.#carried];
		this.#chunkStart = this.#chunkEnd;
		this.#carried = null;
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

	#forgetRanges(): void {
		this.#chunk = NOTHING;
		this.#chunkStart = 0;
		this.#chunkEnd = 0;
		this.#body = NOTHING;
		this.#bodyStart = 0;
		this.#bodyEnd = 0;
	}

	#takePieces(): Uint8Array[] {
		const pieces = [
			...this.#pieces,
			viewOf(this.#chunk, this.#chunkStart, this.#chunkEnd),
			viewOf(this.#body, this.#bodyStart, this.#bodyEnd),
		];
		this.#pieces = [];
		this.#forgetRanges();
		return pieces.filter(({ byteLength }) => byteLength > 0);
	}
}
