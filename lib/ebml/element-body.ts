import { utf8Of } from '../model/bytes.js';
import { counted } from '../wording/counted.js';
import { nameOf } from './ebml-schema.js';
import { type ElementHeader, malformed, readElementHeader } from './element-header.js';

/** An element within a body that lies in memory as a whole. */
export interface Element {
	readonly id: number;
	/** Its body: a view. */
	readonly body: Uint8Array;
	/** Where the body begins, counted as `baseOffset` was. */
	readonly offset: number;
}

/** Of the element that a cursor is at: read at once, so that cursors share it. */
const header: ElementHeader = { id: 0, size: 0, length: 0 };

/**
 * Walks over the children of a master element that lies in memory as a whole, without making an object of each.
 *
 * `next` moves on to the next child and says whether there is one; `id`, `start` and `end` (of its body, within `bytes`)
 * then are its own. Throws a malformed error where a child does not fit its parent.
 */
export class ElementCursor {
	readonly bytes: Uint8Array;
	id = 0;
	start = 0;
	end = 0;
	readonly #end: number;
	readonly #baseOffset: number;

	/** Over the children between two places of `bytes`; `baseOffset` is where `bytes` begins in the payload, for messages. */
	constructor(bytes: Uint8Array, start: number, end: number, baseOffset: number) {
		this.bytes = bytes;
		this.end = start;
		this.#end = end;
		this.#baseOffset = baseOffset;
	}

	/** Where the child's body begins in the payload. */
	get offset(): number {
		return this.#baseOffset + this.start;
	}

	next(): boolean {
		const position = this.end;
		if (position >= this.#end) return false;
		if (!readElementHeader(this.bytes, position, this.#end, header, this.#baseOffset)) {
			throw malformed('an element ends inside the header of its last child', this.#baseOffset + position);
		}
		const { id, size } = header;
		if (size < 0) throw malformed(`${nameOf(id)} may not be of unknown size`, this.#baseOffset + position);
		this.id = id;
		this.start = position + header.length;
		this.end = this.start + size;
		if (this.end > this.#end) {
			throw malformed(
				`${nameOf(id)} of ${counted(size, 'byte')} exceeds its parent element`,
				this.#baseOffset + position,
			);
		}
		return true;
	}

	/** A cursor over the children of this child. */
	enter(): ElementCursor {
		return new ElementCursor(this.bytes, this.start, this.end, this.#baseOffset);
	}
}

/**
 * The children of a master element, in order. Throws a malformed error where a child does not fit its parent.
 * `baseOffset` is the body's place in the payload, for messages.
 */
export function* childrenOf(body: Uint8Array, baseOffset = 0): Generator<Element> {
	const cursor = new ElementCursor(body, 0, body.byteLength, baseOffset);
	while (cursor.next()) {
		yield { id: cursor.id, body: viewOf(body, cursor.start, cursor.end), offset: cursor.offset };
	}
}

/** Bytes from `start` to `end` as a view. A Buffer's own `subarray` takes three times as long. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
	return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** An unsigned integer of 0 to 8 bytes, exact. */
export function readUnsigned(element: Element): bigint {
	if (element.body.byteLength <= MAX_EXACT_BYTES) return BigInt(readUnsignedNumber(element));
	let value = 0n;
	for (const byte of checkedUnsigned(element)) value = (value << 8n) | BigInt(byte);
	return value;
}

/** An unsigned integer as a number; values past 2^53 lose their last digits. */
export function readUnsignedNumber(element: Element): number {
	const body = checkedUnsigned(element);
	const { byteLength } = body;
	if (byteLength > MAX_EXACT_BYTES) return Number(readUnsigned(element));
	let value = 0;
	for (let i = 0; i < byteLength; i++) value = value * 256 + (body[i] as number);
	return value;
}

/** The longest integer that a number holds exactly. */
const MAX_EXACT_BYTES = 6;

function checkedUnsigned({ body, offset }: Element): Uint8Array {
	if (body.byteLength > 8)
		throw malformed(
			`expected an integer of at most 8 bytes, got ${counted(body.byteLength, 'byte')}`,
			offset,
		);
	return body;
}

/** A signed integer of 0 to 8 bytes as a number; values past 2^53 lose their last digits. */
export function readSignedNumber(element: Element): number {
	return Number(BigInt.asIntN(8 * element.body.byteLength, readUnsigned(element)));
}

/** A float of 0, 4 or 8 bytes. */
export function readFloat(element: Element): number {
	const { body } = element;
	const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
	switch (body.byteLength) {
		case 0:
			return 0;
		case 4:
			return view.getFloat32(0);
		case 8:
			return view.getFloat64(0);
		default:
			throw malformed(
				`expected a float of 0, 4 or 8 bytes, got ${counted(body.byteLength, 'byte')}`,
				element.offset,
			);
	}
}

/** A string up to its padding: everything from the first NUL on is dropped (RFC 8794 §7.5). */
export function readString({ body }: Element): string {
	return utf8Of(body, 0, endOfText(body, 0, body.byteLength));
}

/** Where a string's padding begins, between two places; `end` where it has none. */
export function endOfText(bytes: Uint8Array, start: number, end: number): number {
	let at = start;
	while (at < end && bytes[at] !== 0) at++;
	return at;
}
