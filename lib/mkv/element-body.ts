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

/**
 * The children of a master element, in order. Throws a malformed error where a child does not fit its parent.
 * `baseOffset` is the body's place in the payload, for messages.
 */
export function* childrenOf(body: Uint8Array, baseOffset = 0): Generator<Element> {
	const header: ElementHeader = { id: 0, size: 0, length: 0 };
	for (let position = 0; position < body.byteLength; ) {
		if (!readElementHeader(body, position, body.byteLength, header, baseOffset)) {
			throw malformed('an element ends inside the header of its last child', baseOffset + position);
		}
		const { id, size } = header;
		const start = position + header.length;
		if (size < 0) throw malformed(`${nameOf(id)} may not be of unknown size`, baseOffset + position);
		if (start + size > body.byteLength) {
			throw malformed(
				`${nameOf(id)} of ${size} bytes does not fit the element around it`,
				baseOffset + position,
			);
		}
		position = start + size;
		yield { id, body: body.subarray(start, position), offset: baseOffset + start };
	}
}

/** An unsigned integer of 0 to 8 bytes, exact. */
export function readUnsigned(element: Element): bigint {
	if (element.body.byteLength > 8) {
		throw malformed(`an unsigned integer of ${element.body.byteLength} bytes`, element.offset);
	}
	let value = 0n;
	for (const byte of element.body) value = (value << 8n) | BigInt(byte);
	return value;
}

/** An unsigned integer as a number; values past 2^53 lose their last digits. */
export function readUnsignedNumber(element: Element): number {
	return Number(readUnsigned(element));
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
			throw malformed(`a float of ${body.byteLength} bytes`, element.offset);
	}
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A string up to its padding: everything from the first NUL on is dropped (RFC 8794 §7.5). */
export function readString(element: Element): string {
	const { body } = element;
	const end = body.indexOf(0);
	return decoder.decode(end < 0 ? body : body.subarray(0, end));
}
