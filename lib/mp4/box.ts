/** Bytes of a size, a type, and nothing else. */
const HEADER_BYTES = 8;

/** An ISO base media box that is being put together: its own fields, then the boxes within. */
export interface Box {
	/** Four characters. */
	readonly type: string;
	readonly fields: Uint8Array;
	readonly children: readonly Box[];
}

/** A box of fields and boxes within it (ISO 14496-12 §4.2). */
export function box(type: string, fields: Uint8Array, children: readonly Box[] = []): Box {
	return { type, fields, children };
}

/** A box with a version and flags before its fields (ISO 14496-12 §4.2.2). */
export function fullBox(type: string, version: 0 | 1, flags: number, fields: readonly Uint8Array[]): Box {
	return box(type, Buffer.concat([uint32(version * 2 ** 24 + flags), ...fields]));
}

/** A box that only holds others. */
export function container(type: string, children: readonly Box[]): Box {
	return box(type, new Uint8Array(0), children);
}

/** Size of a box with everything in it, in bytes. */
export function sizeOfBox({ fields, children }: Box): number {
	return children.reduce((sum, child) => sum + sizeOfBox(child), HEADER_BYTES + fields.byteLength);
}

/** A box as it stands in a file. Throws RangeError for one of 4 GiB. */
export function bytesOfBox(box: Box): Buffer {
	return Buffer.concat(slicesOf(box));
}

/** The header of a box whose body is written elsewhere; with a 64-bit size where it needs one (ISO 14496-12 §4.2). */
export function boxHeader(type: string, bodyBytes: number): Buffer {
	const sizeBytes = HEADER_BYTES + bodyBytes;
	if (sizeBytes < 2 ** 32) return Buffer.concat([uint32(sizeBytes), fourCharacters(type)]);
	return Buffer.concat([uint32(1), fourCharacters(type), uint64(sizeBytes + 8)]);
}

/** Four bytes, most significant first. */
export function uint32(...values: readonly number[]): Buffer {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
	return bytes;
}

/** Eight bytes, most significant first; exact up to 2^53. */
export function uint64(value: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(BigInt(value));
	return bytes;
}

/** A type as it stands in a box's header. */
export function fourCharacters(type: string): Buffer {
	return Buffer.from(type, 'latin1');
}

function slicesOf({ type, fields, children }: Box): Uint8Array[] {
	const size = sizeOfBox({ type, fields, children });
	return [uint32(size), fourCharacters(type), fields, ...children.flatMap(slicesOf)];
}
