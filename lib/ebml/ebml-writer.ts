import { concatBytes, sizeOf } from '../model/bytes.js';
import { counted } from '../wording/counted.js';
import { idOf } from './ebml-schema.js';

/** An element as it will stand in a file: slices to be written one after the other. */
export type Slices = readonly Uint8Array[];

const NOTHING = new Uint8Array(0);

/** How the size of an element is written. */
export interface SizeOptions {
	/** Bytes of the size field, 1 to 8. @default the fewest that hold it */
	readonly sizeLength?: number;
	/** Writes the size as unknown. Legal for Segment and Cluster only. @default false */
	readonly isSizeUnknown?: boolean;
}

/** An element of any kind around a body, which is not copied. */
export function element(name: string, body: Slices, options: SizeOptions = {}): Uint8Array[] {
	return [elementHeader(name, sizeOf(body), options), ...body];
}

/** A master element around its children. */
export function master(name: string, children: readonly Slices[], options: SizeOptions = {}): Uint8Array[] {
	return element(name, children.flat(), options);
}

/** An unsigned integer, in the fewest bytes or in `byteLength`. */
export function unsigned(
	name: string,
	value: number | bigint,
	{ byteLength = 1 }: { byteLength?: number } = {},
): Uint8Array[] {
	const number = Number(value);
	if (Number.isSafeInteger(number)) return element(name, [bigEndian(number, byteLength)]);
	const [high, low] = [Number(BigInt(value) >> 32n), Number(BigInt(value) & 0xffff_ffffn)];
	return element(name, [concatBytes([bigEndian(high, byteLength - 4), bigEndian(low, 4)])]);
}

/** A number in the fewest bytes, but in no fewer than `minBytes` and one. */
function bigEndian(value: number, minBytes: number): Uint8Array {
	const bytes = new Uint8Array(Math.max(minBytes, byteLengthOf(value)));
	setNumber(bytes, 0, bytes.byteLength, value);
	return bytes;
}

function byteLengthOf(value: number): number {
	let length = 1;
	for (let limit = 256; value >= limit; limit *= 256) length++;
	return length;
}

/** Writes a number from one place to another. */
function setNumber(bytes: Uint8Array, start: number, end: number, value: number): void {
	let rest = value;
	for (let at = end - 1; at >= start; at--) {
		bytes[at] = rest % 256;
		rest = Math.floor(rest / 256);
	}
}

/** A float of 8 bytes. */
export function float(name: string, value: number): Uint8Array[] {
	const body = new DataView(new ArrayBuffer(8));
	body.setFloat64(0, value);
	return element(name, [new Uint8Array(body.buffer)]);
}

/** A string, ASCII or UTF-8. */
export function string(name: string, value: string, options: SizeOptions = {}): Uint8Array[] {
	return element(name, [new TextEncoder().encode(value)], options);
}

/**
 * Id and size alone, for an element whose body is written by someone else. `start` is what the body begins with, counted in its size:
 * a few bytes are copied into the same slice sooner than a slice of their own is made and written.
 */
export function elementHeader(
	name: string,
	sizeBytes: number,
	options: SizeOptions = {},
	start: Uint8Array = NOTHING,
): Uint8Array {
	const id = idOf(name);
	const idEnd = byteLengthOf(id);
	const sizeEnd = idEnd + sizeLengthOf(sizeBytes, options);
	const header = new Uint8Array(sizeEnd + start.byteLength);
	setNumber(header, 0, idEnd, id);
	setSize(header, idEnd, sizeEnd, sizeBytes, options);
	header.set(start, sizeEnd);
	return header;
}

/** An element id as bytes, as SeekID holds it too. */
export function idBytes(id: number): Uint8Array {
	return bigEndian(id, 1);
}

/** A size as a variable-length integer (RFC 8794 §4). The value of all ones is kept for unknown sizes. */
export function sizeField(sizeBytes: number, options: SizeOptions = {}): Uint8Array {
	const field = new Uint8Array(sizeLengthOf(sizeBytes, options));
	setSize(field, 0, field.byteLength, sizeBytes, options);
	return field;
}

function sizeLengthOf(sizeBytes: number, { sizeLength, isSizeUnknown = false }: SizeOptions): number {
	if (isSizeUnknown) return sizeLength ?? 8;
	let length = sizeLength ?? 1;
	let limit = 128 ** length;
	for (; sizeLength === undefined && sizeBytes >= limit - 1; limit *= 128) length++;
	if (length > 8 || sizeBytes >= limit - 1) {
		throw new RangeError(`a size of ${sizeBytes} does not fit ${counted(length, 'byte')}`);
	}
	return length;
}

function setSize(
	bytes: Uint8Array,
	start: number,
	end: number,
	sizeBytes: number,
	{ isSizeUnknown = false }: SizeOptions,
): void {
	const length = end - start;
	if (isSizeUnknown) bytes.fill(0xff, start, end);
	else setNumber(bytes, start, end, sizeBytes);
	bytes[start] = isSizeUnknown ? 0xff >> (length - 1) : (bytes[start] as number) | (0x80 >> (length - 1));
}
