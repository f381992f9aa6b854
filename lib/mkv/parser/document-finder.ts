import { endsCluster, ID } from '../../ebml/ebml-schema.js';
import { MAX_ELEMENT_HEADER_BYTES } from '../../ebml/element-header.js';
import { holdAt, indexOfBytes, latin1Of } from '../../model/bytes.js';
import { isMatroskaDocType } from '../doc-type.js';
import { MAX_PLAUSIBLE_EBML_CHILDREN, MAX_PLAUSIBLE_EBML_HEADER_BYTES } from '../limits.js';

const [FIRST, SECOND, THIRD, FOURTH] = [0x1a, 0x45, 0xdf, 0xa3] as const;
const EBML_ID = Uint8Array.of(FIRST, SECOND, THIRD, FOURTH);
const SEGMENT_ID = Uint8Array.of(0x18, 0x53, 0x80, 0x67);
const ID_BYTES = 4;

/** Where something begins that may be a document. */
export interface Candidate {
	/** Place in the bytes that were searched. */
	readonly at: number;
	/** Bytes that there must be from there on to decide; 0: it is decided, a document begins here. */
	readonly needsBytes: number;
}

/** How {@link findDocument} searches. */
export interface SearchOptions {
	/** Whether no more bytes follow: what they would have to decide is not a document. */
	readonly isFinal: boolean;
	/** Also finds a Segment whose first child is one of Matroska's: what is left of a document without its EBML header. */
	readonly withSegments: boolean;
}

const WHOLE: SearchOptions = { isFinal: true, withSegments: false };

const IMPLAUSIBLE = -1;
const PLAUSIBLE = 0;

/**
 * Finds the first document that begins between `from` and `to`: an EBML header that parses and whose DocType is Matroska's
 * or WebM's, with a Segment after it. The four bytes of its id alone prove nothing, they may occur in a frame. Null where none begins.
 *
 * Takes time in proportion to the bytes, whatever they are: a candidate is looked at once, and no further than
 * {@link MAX_PLAUSIBLE_EBML_CHILDREN} elements.
 */
export function findDocument(
	bytes: Uint8Array,
	from: number,
	to: number,
	options: SearchOptions,
): Candidate | null {
	// Ids are looked for in this part alone, so that many short searches of one chunk do not each go to its end.
	const part = bytes.subarray(0, Math.min(bytes.byteLength, to + ID_BYTES - 1));
	let ebml = indexOfBytes(part, EBML_ID, from);
	let segment = options.withSegments ? indexOfBytes(part, SEGMENT_ID, from) : -1;
	for (;;) {
		const isSegment = segment >= 0 && (ebml < 0 || segment < ebml);
		const at = isSegment ? segment : ebml;
		if (at < 0 || at >= to) break;
		const needsBytes = isSegment ? judgeSegment(bytes, at) : judgeEbmlHeader(bytes, at);
		if (needsBytes === PLAUSIBLE || (needsBytes > 0 && !options.isFinal)) return { at, needsBytes };
		if (isSegment) segment = indexOfBytes(part, SEGMENT_ID, at + 1);
		else ebml = indexOfBytes(part, EBML_ID, at + 1);
	}
	if (options.isFinal) return null;
	for (let at = Math.max(from, bytes.byteLength - ID_BYTES + 1); at < Math.min(to, bytes.byteLength); at++) {
		if (holdAt(bytes, at, EBML_ID) || (options.withSegments && holdAt(bytes, at, SEGMENT_ID))) {
			return { at, needsBytes: ID_BYTES + 1 };
		}
	}
	return null;
}

/** Whether a document begins in the body of an element, all of it. */
export function holdsDocument(body: Uint8Array): boolean {
	return mayHoldDocument(body) && findDocument(body, 0, body.byteLength, WHOLE) !== null;
}

/** Whether two bytes that follow each other in the id are anywhere: nearly no header has them, and every fourth byte tells. */
function mayHoldDocument(bytes: Uint8Array): boolean {
	const { byteLength } = bytes;
	for (let at = 3; at < byteLength; at += 4) {
		const byte = bytes[at] as number;
		if (byte < 0x80) {
			if (byte === FIRST || (byte === SECOND && bytes[at - 1] === FIRST)) return true;
		} else if ((byte === THIRD && bytes[at - 1] === SECOND) || (byte === FOURTH && bytes[at - 1] === THIRD)) {
			return true;
		}
	}
	return false;
}

/** Bytes that must be there to decide, or a verdict. */
function judgeEbmlHeader(bytes: Uint8Array, start: number): number {
	const sizeAt = start + ID_BYTES;
	const sizeBytes = lengthAt(bytes, sizeAt, 8);
	if (sizeBytes === 0) return sizeAt < bytes.byteLength ? IMPLAUSIBLE : ID_BYTES + 1;
	if (sizeAt + sizeBytes > bytes.byteLength) return ID_BYTES + sizeBytes;
	const size = valueAt(bytes, sizeAt, sizeBytes);
	if (size > MAX_PLAUSIBLE_EBML_HEADER_BYTES) return IMPLAUSIBLE;
	const end = sizeAt + sizeBytes + size;
	const isWhole = end <= bytes.byteLength;
	let at = sizeAt + sizeBytes;
	let docType: string | null = null;
	for (let children = 0; at < end; children++) {
		if (children === MAX_PLAUSIBLE_EBML_CHILDREN) return IMPLAUSIBLE;
		const idBytes = lengthAt(bytes, at, 4);
		const childSizeBytes = idBytes === 0 ? 0 : lengthAt(bytes, at + idBytes, 8);
		const body = at + idBytes + childSizeBytes;
		if (childSizeBytes === 0 || body > bytes.byteLength) {
			// Either bytes are missing that the header has, or what is there is not an element.
			const isCut = at + idBytes >= bytes.byteLength || (childSizeBytes > 0 && body > bytes.byteLength);
			return isCut && !isWhole ? end - start : IMPLAUSIBLE;
		}
		const childEnd = body + valueAt(bytes, at + idBytes, childSizeBytes);
		if (childEnd > end) return IMPLAUSIBLE;
		if (idBytes === 2 && uint16At(bytes, at) === ID.DocType && childEnd <= bytes.byteLength) {
			docType = latin1Of(bytes.subarray(body, childEnd)).replace(/\0.*$/s, '').trimEnd();
			if (!isMatroskaDocType(docType)) return IMPLAUSIBLE;
		}
		at = childEnd;
	}
	if (isWhole && docType === null) return IMPLAUSIBLE;
	if (end + ID_BYTES > bytes.byteLength) return end + ID_BYTES - start;
	const isGlobal = [ID.Void, ID.Crc32].includes(bytes[end] as never);
	return isGlobal || holdAt(bytes, end, SEGMENT_ID) ? PLAUSIBLE : IMPLAUSIBLE;
}

function judgeSegment(bytes: Uint8Array, start: number): number {
	const sizeAt = start + ID_BYTES;
	const childAt = sizeAt + lengthAt(bytes, sizeAt, 8);
	if (childAt === sizeAt && sizeAt < bytes.byteLength) return IMPLAUSIBLE;
	if (childAt + ID_BYTES > bytes.byteLength) return 2 * MAX_ELEMENT_HEADER_BYTES;
	const childBytes = lengthAt(bytes, childAt, 4);
	const isGlobal = childBytes === 1 && [ID.Void, ID.Crc32].includes(bytes[childAt] as never);
	const isChild =
		childBytes === ID_BYTES && endsCluster(uint16At(bytes, childAt) * 0x10000 + uint16At(bytes, childAt + 2));
	return isGlobal || isChild ? PLAUSIBLE : IMPLAUSIBLE;
}

function uint16At(bytes: Uint8Array, at: number): number {
	return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Length of a variable-length integer by its first byte (RFC 8794 §4); 0 where it has none, or more than `max`. */
function lengthAt(bytes: Uint8Array, at: number, max: number): number {
	const length = Math.clz32(bytes[at] ?? 0) - 23;
	return length > max ? 0 : length;
}

/** Its value; Infinity where it is one that stands for an unknown size. */
function valueAt(bytes: Uint8Array, at: number, length: number): number {
	let value = (bytes[at] as number) & (0xff >> length);
	let isUnknown = value === 0xff >> length;
	for (let i = 1; i < length; i++) {
		const byte = bytes[at + i] as number;
		if (byte !== 0xff) isUnknown = false;
		value = value * 256 + byte;
	}
	return isUnknown ? Number.POSITIVE_INFINITY : value;
}
