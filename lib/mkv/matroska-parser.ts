import { MediaError } from '../errors.js';
import { NOTHING_ELSE, readBlockGroup } from './block-group.js';
import { checkDocType } from './doc-type.js';
import { DocumentScanner } from './document-scanner.js';
import { endsCluster, ID, isKnown, isMasterOrUnknown, nameOf } from './ebml-schema.js';
import { type Element, readUnsigned, viewOf } from './element-body.js';
import {
	type ElementHeader,
	MAX_ELEMENT_HEADER_BYTES,
	malformed,
	readElementHeader,
} from './element-header.js';
import {
	MAX_BLOCK_BYTES,
	MAX_EBML_HEADER_BYTES,
	MAX_HEADER_ELEMENT_BYTES,
	MAX_SKIPPED_ELEMENT_BYTES,
	MAX_UNKNOWN_ELEMENT_BYTES,
} from './limits.js';

/** Bit of a block's flags: the frame needs no other to be decoded. */
export const KEYFRAME_FLAG = 0x80;

/** What {@link MatroskaParser} reports, in the order of the bytes. Offsets count from the start of the payload. */
export interface MatroskaHandler {
	/** An EBML header begins at `offset`: a new document. The one before it, if any, has been ended. */
	documentStart(offset: number): void;
	/** The body of an Info, Tracks or Tags element. `body` is a view of the input. */
	header(id: number, body: Uint8Array, offset: number): void;
	/** A Cluster's Timecode, in ticks. Comes before the Cluster's blocks. */
	clusterStart(timecode: bigint, offset: number): void;
	/**
	 * A SimpleBlock, or the Block of a BlockGroup with {@link KEYFRAME_FLAG} set where it refers to no other.
	 * Its payload is `bytes` from `start` to `end`, laced as `flags` say; `durationTicks` is -1 where none is given, `others` is
	 * what else a BlockGroup says of it.
	 */
	block(
		trackNumber: number,
		relativeTicks: number,
		flags: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		durationTicks: number,
		offset: number,
		others: readonly Element[],
	): void;
	/** The document is over: the next one begins, its Segment of known size is full, or the payload ended cleanly. */
	documentEnd(offset: number): void;
}

/** An unsigned integer has at most 8 bytes (RFC 8794 §7.2). */
const MAX_TIMECODE_BYTES = 8;

const NOTHING = new Uint8Array(0);
const SIMPLE_BLOCK = ID.SimpleBlock;

/** Bytes of a slab: what a frame carved out of it may keep alive, no more than a chunk of a file does. */
const SLAB_BYTES = 64 * 1024;
const MAX_SLAB_BODY_BYTES = SLAB_BYTES / 4;

const OUTSIDE = 0;
const IN_SEGMENT = 1;
const IN_CLUSTER = 2;

/**
 * Reads Matroska from chunks, cut anywhere, in one pass; reports into a {@link MatroskaHandler}, synchronously.
 *
 * Four states, told apart by what is pending:
 * - a header: up to 12 bytes of an id and a size are carried over a border between chunks;
 * - a body that must be whole before it can be read (Info, Tracks, Tags, a block that spans chunks): it is copied once,
 *   into a buffer of its claimed size, which was checked against `limits.ts` first;
 * - a skip: elements nobody needs are counted off, not kept;
 * - a scan, after {@link MatroskaParser.resync}: bytes are thrown away until the next document begins;
 * - none: the next header is read in place, and a block that lies in the chunk is reported as a range of it.
 *
 * Segment and Cluster are entered, not collected. Their ends are known sizes, or, where a size is unknown, the first
 * element that cannot be their child: an element of the Segment's level ends a Cluster, an EBML header ends a Segment.
 * Any other master or unknown element of unknown size is looked through, as if its header were not there.
 *
 * A malformed payload throws {@link MediaError} out of `write`, with its offset; after that the parser is of no use, or
 * goes on where `resync` says.
 */
export class MatroskaParser {
	/** Set by the handler to make `write` return after the element that is being reported. Cleared by the next `write`. */
	pauseRequested = false;

	readonly #handler: MatroskaHandler;
	/** Offset of the first byte of the current chunk. */
	#base = 0;
	#level = OUTSIDE;
	#hasDocument = false;
	#hasSegment = false;
	#segmentEnd = Number.POSITIVE_INFINITY;
	#clusterEnd = Number.POSITIVE_INFINITY;
	#isClusterSizeKnown = false;
	#hasTimecode = false;

	readonly #header: ElementHeader = { id: 0, size: 0, length: 0 };
	readonly #carry = new Uint8Array(MAX_ELEMENT_HEADER_BYTES);
	#carried = 0;
	#body: Uint8Array | null = null;
	#bodyFilled = 0;
	#slab: Uint8Array = NOTHING;
	#slabUsed = 0;
	#skip = 0;
	/** Id and offset of the element whose body is collected or skipped. */
	#elementId = 0;
	#elementOffset = 0;
	#scanner: DocumentScanner | null = null;
	/** Bytes of earlier chunks that a scan has to look at again. */
	#unread: Uint8Array = NOTHING;
	/** Where a scan for the next document would begin in the current chunk: behind the body that was reported last. */
	#reportedTo = 0;
	#chunkBytes = 0;

	constructor(handler: MatroskaHandler) {
		this.#handler = handler;
	}

	/** How many bytes of the payload have been read, all chunks but the current one. */
	get offset(): number {
		return this.#base;
	}

	/**
	 * Reads `chunk` from `start` on. Returns the position it came to: the chunk's length, or less where the handler asked
	 * to pause; then the same chunk is to be given again from there. Chunks are not copied and must not be changed while
	 * what was reported of them is in use.
	 */
	write(chunk: Uint8Array, start = 0): number {
		this.pauseRequested = false;
		this.#reportedTo = 0;
		const end = chunk.byteLength;
		let position = start;
		try {
			while (position < end && !this.pauseRequested) position = this.#step(chunk, position, end);
		} catch (error) {
			this.#chunkBytes = end;
			if (this.#reportedTo > position) this.#carried = 0;
			this.#reportedTo = Math.max(this.#reportedTo, position);
			throw error;
		}
		if (position === end) this.#base += end;
		return position;
	}

	/**
	 * After `write` threw: gives the open document up without a word, and returns the position in the same chunk from which
	 * `write` is to go on. Bytes are then skipped up to the next EBML header that parses and has a DocType of Matroska.
	 */
	resync(): number {
		this.#scanner = new DocumentScanner(
			Buffer.concat([this.#carry.subarray(0, this.#carried), this.#unread]),
		);
		this.#unread = NOTHING;
		this.#carried = 0;
		this.#body = null;
		this.#skip = 0;
		this.#level = OUTSIDE;
		this.#hasDocument = false;
		if (this.#reportedTo === this.#chunkBytes) this.#base += this.#chunkBytes;
		return this.#reportedTo;
	}

	/**
	 * The payload is over. Returns null for a clean end, which ends the last document; else the error that says in which
	 * element the bytes stop. An end is clean where no element of known size is open. With `isCut` (the transport broke
	 * off) an open element of unknown size counts as well.
	 */
	end(isCut = false): MediaError | null {
		const offset = this.#base;
		if (this.#scanner !== null) return null;
		this.#closeFull(offset);
		const cut = this.#openElement(offset, isCut);
		if (cut !== null) {
			return new MediaError('KVS_MEDIA_TRUNCATED', `the media ends inside ${cut} at byte ${offset}`, {
				offset,
			});
		}
		this.#endDocument(offset);
		return null;
	}

	#openElement(offset: number, isCut: boolean): string | null {
		if (this.#skip > 0) return `${nameOf(this.#elementId)} (${this.#skip} bytes are missing)`;
		if (this.#body !== null) {
			return `${nameOf(this.#elementId)} (${this.#body.byteLength - this.#bodyFilled} bytes are missing)`;
		}
		if (this.#carried > 0) return "an element's header";
		if (this.#level === IN_CLUSTER && this.#isClusterSizeKnown) {
			return `a Cluster (${this.#clusterEnd - offset} bytes are missing)`;
		}
		if (this.#level !== OUTSIDE && Number.isFinite(this.#segmentEnd)) {
			return `a Segment (${this.#segmentEnd - offset} bytes are missing)`;
		}
		if (this.#hasDocument && !this.#hasSegment) return 'a document (its Segment is missing)';
		if (this.#level !== OUTSIDE && isCut) return 'a Segment of unknown size';
		return null;
	}

	/** One header, body or skip; returns where in the chunk it came to. */
	#step(chunk: Uint8Array, position: number, end: number): number {
		if (this.#skip > 0) {
			const skipped = Math.min(this.#skip, end - position);
			this.#skip -= skipped;
			return position + skipped;
		}
		if (this.#body !== null) return this.#fillBody(chunk, position, end);
		if (this.#scanner !== null) return this.#scan(this.#scanner, chunk, position);
		if (this.#carried > 0) return this.#readCarriedHeader(chunk, position, end);
		return this.#readElement(chunk, position, end);
	}

	#readElement(chunk: Uint8Array, position: number, end: number): number {
		this.#closeFull(this.#base + position);
		if (this.#level === IN_CLUSTER && chunk[position] === SIMPLE_BLOCK) {
			const next = this.#readSimpleBlocks(chunk, position, end);
			if (next > position) return next;
		}
		if (!readElementHeader(chunk, position, end, this.#header, this.#base)) {
			this.#carry.set(chunk.subarray(position, end));
			this.#carried = end - position;
			return end;
		}
		return this.#enter(chunk, position + this.#header.length, end, this.#base + position);
	}

	/**
	 * The fast way: SimpleBlocks one behind the other that lie in the chunk and in their Cluster as a whole. Returns where
	 * the first element begins that does not.
	 */
	#readSimpleBlocks(chunk: Uint8Array, start: number, end: number): number {
		const base = this.#base;
		const limit = Math.min(end, this.#clusterEnd - base);
		let position = start;
		while (position + MAX_ELEMENT_HEADER_BYTES <= limit && chunk[position] === SIMPLE_BLOCK) {
			const first = chunk[position + 1] as number;
			const length = Math.clz32(first) - 23;
			if (length > 4) break;
			let size = first & ((1 << (8 - length)) - 1);
			for (let i = 1; i < length; i++) size = (size << 8) | (chunk[position + 1 + i] as number);
			if (size === (1 << (7 * length)) - 1) break;
			const body = position + 1 + length;
			const next = body + size;
			if (next > limit || size > MAX_BLOCK_BYTES) break;
			this.#reportedTo = next;
			this.#reportBlock(chunk, body, next, -1, 0, base + position);
			position = next;
			if (this.pauseRequested) break;
		}
		return position;
	}

	#readCarriedHeader(chunk: Uint8Array, position: number, end: number): number {
		const taken = Math.min(MAX_ELEMENT_HEADER_BYTES - this.#carried, end - position);
		this.#carry.set(chunk.subarray(position, position + taken), this.#carried);
		const offset = this.#base + position - this.#carried;
		if (!readElementHeader(this.#carry, 0, this.#carried + taken, this.#header, offset)) {
			this.#carried += taken;
			return position + taken;
		}
		const bodyPosition = position + this.#header.length - this.#carried;
		const next = this.#enter(chunk, bodyPosition, end, offset);
		this.#carried = 0;
		return next;
	}

	/** Throws bytes away up to the end of the next document's EBML header. */
	#scan(scanner: DocumentScanner, chunk: Uint8Array, position: number): number {
		const next = scanner.scan(chunk, position);
		if (next < 0) return chunk.byteLength;
		this.#scanner = null;
		const { rest } = scanner;
		this.#startDocument(this.#base + next - rest.byteLength - scanner.headerBytes);
		if (rest.byteLength > 0) this.#readRest(rest, next);
		return next;
	}

	/** Reads bytes of earlier chunks that lie before `position` of the current one. */
	#readRest(rest: Uint8Array, position: number): void {
		const base = this.#base;
		this.#base = base + position - rest.byteLength;
		this.#reportedTo = 0;
		let at = 0;
		try {
			while (at < rest.byteLength) at = this.#step(rest, at, rest.byteLength);
		} catch (error) {
			if (this.#reportedTo > at) this.#carried = 0;
			this.#unread = rest.subarray(Math.max(this.#reportedTo, at));
			throw error;
		} finally {
			this.#base = base;
			this.#reportedTo = 0;
		}
	}

	/** A header has been read: decides by id and level what becomes of the element. `position` is where its body begins. */
	#enter(chunk: Uint8Array, position: number, end: number, offset: number): number {
		const { id, size } = this.#header;
		if (this.#level === IN_CLUSTER && endsCluster(id)) this.#leaveCluster(id, offset);
		if (this.#level === IN_SEGMENT && (id === ID.EBML || id === ID.Segment)) this.#leaveSegment(id, offset);
		if (id === ID.Segment) return this.#enterSegment(position, offset);
		if (id === ID.Cluster && this.#level === IN_SEGMENT) return this.#enterCluster(position, offset);

		const maxBytes = this.#maxCollectedBytes(id, offset);
		if (size < 0) {
			if (maxBytes > 0 || this.#level === OUTSIDE || !isMasterOrUnknown(id)) {
				throw malformed(`${nameOf(id)} may not be of unknown size`, offset);
			}
			return position;
		}
		if (this.#base + position + size > this.#parentEnd()) {
			throw malformed(`${nameOf(id)} of ${size} bytes does not fit the element around it`, offset);
		}
		if (size > (maxBytes || maxSkippedBytes(id))) {
			throw malformed(
				`${nameOf(id)} claims ${size} bytes, more than ${maxBytes || maxSkippedBytes(id)}`,
				offset,
			);
		}
		if (id === ID.EBML) {
			this.#endDocument(offset);
			this.#startDocument(offset);
		}
		this.#elementId = id;
		this.#elementOffset = offset;
		if (maxBytes === 0) {
			this.#skip = size;
			return position;
		}
		if (position + size <= end) {
			this.#reportedTo = position + size;
			this.#report(id, chunk, position, position + size, offset);
			return position + size;
		}
		this.#body = this.#allocate(size);
		this.#bodyFilled = 0;
		return position;
	}

	/**
	 * Room for a body that spans chunks. Small ones share a slab, as those that lie in a chunk share the chunk: over HTTPS
	 * half of the frames of 8 KB span two chunks, and a piece of memory for each costs more than reading it.
	 */
	#allocate(size: number): Uint8Array {
		if (size > MAX_SLAB_BODY_BYTES) return Buffer.allocUnsafeSlow(size);
		if (this.#slabUsed + size > this.#slab.byteLength) {
			this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
			this.#slabUsed = 0;
		}
		const start = this.#slabUsed;
		this.#slabUsed += size;
		return viewOf(this.#slab, start, start + size);
	}

	#parentEnd(): number {
		if (this.#level === IN_CLUSTER) return this.#clusterEnd;
		return this.#level === IN_SEGMENT ? this.#segmentEnd : Number.POSITIVE_INFINITY;
	}

	/** How large an element may be that is read as a whole; 0 for one that is skipped. */
	#maxCollectedBytes(id: number, offset: number): number {
		switch (this.#level) {
			case IN_CLUSTER:
				if (id === ID.Timecode) return MAX_TIMECODE_BYTES;
				return id === ID.SimpleBlock || id === ID.BlockGroup ? MAX_BLOCK_BYTES : 0;
			case IN_SEGMENT:
				return id === ID.Info || id === ID.Tracks || id === ID.Tags ? MAX_HEADER_ELEMENT_BYTES : 0;
			default:
				if (id === ID.EBML) return MAX_EBML_HEADER_BYTES;
				if (id === ID.Void || id === ID.Crc32) return 0;
				throw malformed(`expected an EBML header, got ${nameOf(id)}`, offset);
		}
	}

	#fillBody(chunk: Uint8Array, position: number, end: number): number {
		const body = this.#body as Uint8Array;
		const taken = Math.min(body.byteLength - this.#bodyFilled, end - position);
		body.set(chunk.subarray(position, position + taken), this.#bodyFilled);
		this.#bodyFilled += taken;
		if (this.#bodyFilled === body.byteLength) {
			this.#body = null;
			this.#reportedTo = position + taken;
			this.#report(this.#elementId, body, 0, body.byteLength, this.#elementOffset);
		}
		return position + taken;
	}

	#report(id: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
		switch (id) {
			case ID.SimpleBlock:
				this.#reportBlock(bytes, start, end, -1, 0, offset);
				break;
			case ID.BlockGroup: {
				const group = readBlockGroup(viewOf(bytes, start, end), offset);
				const { block, durationTicks, isReferring, others } = group;
				// A Block has no keyframe flag of its own (Matroska §10.1): that bit is reserved.
				const keyframe = isReferring ? -KEYFRAME_FLAG : KEYFRAME_FLAG;
				this.#reportBlock(block, 0, block.byteLength, durationTicks, keyframe, offset, others);
				break;
			}
			case ID.Timecode:
				this.#hasTimecode = true;
				this.#handler.clusterStart(readUnsigned({ id, body: viewOf(bytes, start, end), offset }), offset);
				break;
			case ID.EBML:
				checkDocType(viewOf(bytes, start, end), offset);
				break;
			default:
				this.#handler.header(id, viewOf(bytes, start, end), offset);
		}
	}

	/** `keyframe`: 0 to take the flag from the block, ±KEYFRAME_FLAG to set or clear it. */
	#reportBlock(
		bytes: Uint8Array,
		start: number,
		end: number,
		durationTicks: number,
		keyframe: number,
		offset: number,
		others: readonly Element[] = NOTHING_ELSE,
	): void {
		if (!this.#hasTimecode) throw malformed("a block before its Cluster's Timecode", offset);
		if (end - start < 4) throw malformed(`a block of ${end - start} bytes`, offset);
		let trackNumber = bytes[start] as number;
		const length = Math.clz32(trackNumber) - 23;
		if (length > 8 || end - start < length + 3) throw malformed('a block without a track number', offset);
		trackNumber &= (1 << (8 - length)) - 1;
		for (let i = 1; i < length; i++) trackNumber = trackNumber * 256 + (bytes[start + i] as number);
		const at = start + length;
		const relativeTicks = (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
		let flags = bytes[at + 2] as number;
		if (keyframe !== 0) flags = keyframe > 0 ? flags | KEYFRAME_FLAG : flags & ~KEYFRAME_FLAG;
		this.#handler.block(trackNumber, relativeTicks, flags, bytes, at + 3, end, durationTicks, offset, others);
	}

	/** Leaves the elements of known size that end here. */
	#closeFull(offset: number): void {
		if (this.#level === IN_CLUSTER && offset >= this.#clusterEnd) this.#level = IN_SEGMENT;
		if (this.#level === IN_SEGMENT && offset >= this.#segmentEnd) this.#level = OUTSIDE;
	}

	#leaveCluster(id: number, offset: number): void {
		if (this.#isClusterSizeKnown) throw malformed(`${nameOf(id)} inside a Cluster`, offset);
		this.#level = IN_SEGMENT;
	}

	#leaveSegment(id: number, offset: number): void {
		if (Number.isFinite(this.#segmentEnd)) throw malformed(`${nameOf(id)} inside a Segment`, offset);
		this.#level = OUTSIDE;
	}

	#enterSegment(position: number, offset: number): number {
		if (this.#level !== OUTSIDE) throw malformed('Segment inside another element', offset);
		if (!this.#hasDocument) throw malformed('expected an EBML header, got Segment', offset);
		this.#level = IN_SEGMENT;
		this.#hasSegment = true;
		const { size } = this.#header;
		this.#segmentEnd = size < 0 ? Number.POSITIVE_INFINITY : this.#base + position + size;
		return position;
	}

	#enterCluster(position: number, offset: number): number {
		const { size } = this.#header;
		this.#level = IN_CLUSTER;
		this.#hasTimecode = false;
		this.#isClusterSizeKnown = size >= 0;
		this.#clusterEnd = size < 0 ? this.#segmentEnd : this.#base + position + size;
		if (this.#clusterEnd > this.#segmentEnd)
			throw malformed(`Cluster of ${size} bytes does not fit its Segment`, offset);
		return position;
	}

	#startDocument(offset: number): void {
		this.#hasDocument = true;
		this.#hasSegment = false;
		this.#handler.documentStart(offset);
	}

	#endDocument(offset: number): void {
		if (this.#hasDocument) this.#handler.documentEnd(offset);
		this.#hasDocument = false;
		this.#level = OUTSIDE;
	}
}

/** How large an element may be that is skipped. */
function maxSkippedBytes(id: number): number {
	return isKnown(id) ? MAX_SKIPPED_ELEMENT_BYTES : MAX_UNKNOWN_ELEMENT_BYTES;
}
