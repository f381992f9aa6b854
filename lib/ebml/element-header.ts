import { MediaError } from '../errors.js';
import { counted } from '../wording/counted.js';

/** The longest header there is: an id of 4 bytes and a size of 8. */
export const MAX_ELEMENT_HEADER_BYTES = 12;

/** An element's id, the size of its body (-1: unknown) and the length of the header itself. */
export interface ElementHeader {
	id: number;
	size: number;
	length: number;
}

/**
 * Reads an element's id and size (RFC 8794 §5, §6) at `position` into `header`.
 *
 * Returns false where `end` comes first. A size whose value bits are all ones is unknown at every width. Throws
 * {@link MediaError} for an id of more than 4 bytes or a reserved one, a size of more than 8 bytes, or one past 2^53.
 */
export function readElementHeader(
	bytes: Uint8Array,
	position: number,
	end: number,
	header: ElementHeader,
	baseOffset = 0,
): boolean {
	if (position >= end) return false;
	const first = bytes[position] as number;
	const idLength = Math.clz32(first) - 23;
	if (idLength > 4) {
		throw malformed(
			`expected an element's id, got the byte 0x${first.toString(16).padStart(2, '0')}`,
			baseOffset + position,
		);
	}
	const sizePosition = position + idLength;
	if (sizePosition >= end) return false;
	const sizeFirst = bytes[sizePosition] as number;
	const sizeLength = Math.clz32(sizeFirst) - 23;
	if (sizeLength > 8)
		throw malformed("expected an element's size, got the byte 0x00", baseOffset + sizePosition);
	if (sizePosition + sizeLength > end) return false;

	let id = first;
	for (let i = 1; i < idLength; i++) id = (id << 8) | (bytes[position + i] as number);
	// Value bits of all zeros or all ones are no id (RFC 8794 §5): they are padding, or no Matroska at all.
	const mask = (1 << (7 * idLength)) - 1;
	if ((id & mask) === 0 || (id & mask) === mask) {
		throw malformed(`expected an element's id, got 0x${id.toString(16)}`, baseOffset + position);
	}

	let size = sizeFirst & ((1 << (8 - sizeLength)) - 1);
	let isUnknown = size === (1 << (8 - sizeLength)) - 1;
	for (let i = 1; i < sizeLength; i++) {
		const byte = bytes[sizePosition + i] as number;
		if (byte !== 0xff) isUnknown = false;
		size = size * 256 + byte;
	}
	if (!isUnknown && size > Number.MAX_SAFE_INTEGER) {
		throw malformed(
			`an element declares a size of ${counted(size, 'byte')}, more than ${Number.MAX_SAFE_INTEGER}`,
			baseOffset + sizePosition,
		);
	}
	header.id = id;
	header.size = isUnknown ? -1 : size;
	header.length = idLength + sizeLength;
	return true;
}

/** The error of bytes that are no Matroska. */
export function malformed(message: string, offset: number): MediaError {
	return new MediaError('KVS_MKV_MALFORMED', `${message} at byte ${offset}`, { offset });
}
