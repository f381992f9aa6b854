import { concatBytes, sizeOf } from '../model/bytes.js';
import { counted } from '../wording/counted.js';
import { idOf } from './ebml-schema.js';

/** An element as it will stand in a file: slices to be written one after the other. */
export type Slices = readonly Uint8Array[];

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
	{ byteLength }: { byteLength?: number } = {},
): Uint8Array[] {
	let rest = BigInt(value);
	const bytes: number[] = [];
	do {
		bytes.unshift(Number(rest & 0xffn));
		rest >>= 8n;
	} while (rest > 0n || bytes.length < (byteLength ?? 1));
	return element(name, [Uint8Array.from(bytes)]);
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

/** Id and size alone, for an element whose body is written by someone else. */
export function elementHeader(name: string, sizeBytes: number, options: SizeOptions = {}): Uint8Array {
	return concatBytes([idBytes(idOf(name)), sizeField(sizeBytes, options)]);
}

/** An element id as bytes, as SeekID holds it too. */
export function idBytes(id: number): Uint8Array {
	const bytes: number[] = [];
	for (let rest = id; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
	return Uint8Array.from(bytes);
}

/** A size as a variable-length integer (RFC 8794 §4). The value of all ones is kept for unknown sizes. */
export function sizeField(
	sizeBytes: number,
	{ sizeLength, isSizeUnknown = false }: SizeOptions = {},
): Uint8Array {
	let length = sizeLength ?? (isSizeUnknown ? 8 : 1);
	while (sizeLength === undefined && !isSizeUnknown && sizeBytes >= 2 ** (7 * length) - 1) length++;
	if (!isSizeUnknown && (length > 8 || sizeBytes >= 2 ** (7 * length) - 1)) {
		throw new RangeError(`a size of ${sizeBytes} does not fit ${counted(length, 'byte')}`);
	}
	const field = new Uint8Array(length);
	let rest = isSizeUnknown ? 0 : sizeBytes;
	for (let i = length - 1; i >= 0; i--) {
		field[i] = isSizeUnknown ? 0xff : rest % 256;
		rest = Math.floor(rest / 256);
	}
	field[0] = isSizeUnknown ? 0xff >> (length - 1) : (field[0] as number) | (0x80 >> (length - 1));
	return field;
}
