import { crc32 } from 'node:zlib';
import { elementHeader } from '../../ebml/ebml-writer.js';
import { formatIndexLine, parseIndexLine, type StoredFragment } from './stored-fragment.js';

/** Bytes of a record before its chunk. An index line of a number of 128 digits has 340. */
export const RECORD_BYTES = 512;

/** An EBML header element: id of one byte, size of two. */
const HEADER_BYTES = 3;

const CHECKSUM_DIGITS = 8;

const head = Buffer.concat([elementHeader('Void', RECORD_BYTES - HEADER_BYTES, { sizeLength: 2 })]);

/** A record that is not written yet: what stands before a chunk until it is whole. */
export const EMPTY_RECORD: Uint8Array = Buffer.concat([head, Buffer.alloc(RECORD_BYTES - HEADER_BYTES)]);

/**
 * What stands before a chunk in a payload that producers write: the fragment's index line and its CRC-32, in a Void
 * element (RFC 8794 §11.3.2), so that the payload stays Matroska that every reader can read.
 */
export function payloadRecord(fragment: StoredFragment): Uint8Array {
	const line = formatIndexLine(fragment).trimEnd();
	const text = `${checksumOf(line)} ${line}`.padEnd(RECORD_BYTES - HEADER_BYTES);
	return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** The fragment of a record that stands at `offset` of its payload; null where the record is not whole. */
export function parsePayloadRecord(
	bytes: Uint8Array,
	payload: string,
	offset: number,
): StoredFragment | null {
	const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (record.byteLength !== RECORD_BYTES || !record.subarray(0, HEADER_BYTES).equals(head)) return null;
	const text = record.toString('latin1', HEADER_BYTES).trimEnd();
	const line = text.slice(CHECKSUM_DIGITS + 1);
	if (text.slice(0, CHECKSUM_DIGITS) !== checksumOf(line)) return null;
	const fragment = parseIndexLine(line, payload);
	return fragment !== null && fragment.offset === offset + RECORD_BYTES ? fragment : null;
}

function checksumOf(line: string): string {
	return crc32(line).toString(16).padStart(CHECKSUM_DIGITS, '0');
}
