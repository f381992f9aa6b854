import { MediaError } from '../errors.js';
import { NOTHING_ELSE, readBlockGroup } from './block-group.js';
import { checkDocType } from './doc-type.js';
import { findDocument } from './document-finder.js';
import { endsCluster, ID, isMasterOrUnknown, nameOf } from './ebml-schema.js';
import { type Element, readUnsigned, viewOf } from './element-body.js';
import {
	type ElementHeader,
	MAX_ELEMENT_HEADER_BYTES,
	malformed,
	readElementHeader,
} from './element-header.js';
import { IN_CLUSTER, IN_SEGMENT, maxCollectedBytes, maxSkippedBytes, OUTSIDE } from './element-place.js';
import { MAX_BLOCK_BYTES, MAX_REREAD_BYTES } from './limits.js';

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

const NOTHING = new Uint8Array(0);
const SIMPLE_BLOCK = ID.SimpleBlock;

/** Bytes of a slab: what a frame carved out of it may keep alive, no more than a chunk of a file does. */
const SLAB_BYTES = 64 * 1024;
const MAX_SLAB_BODY_BYTES = SLAB_BYTES / 4;

/**
 * Reads Matroska from chunks, cut anywhere, in one pass; reports into a {@link MatroskaHandler}, synchronously.
 *
 * Its states, told apart by what is pending:
 * - a header: up to 12 bytes of an id and a size are carried over a border between chunks;
 * - a body that must be whole before it can be read (Info, Tracks, Tags, a block that spans chunks): it is copied once,
 *   into a buffer of its claimed size, which was checked against `limits.ts` first;
 * - a skip: elements that are not needed are counted off, not kept, and looked through for a document that begins in them;
 * - a scan, after {@link MatroskaParser.resync}: bytes are thrown away until the next document begins;
 * - none: the next header is read in place, and a block that lies in the chunk is reported as a range of it.
 *
 * Segment and Cluster are entered, not collected. Their ends are known sizes, or, where a size is unknown, the first
 * element that cannot be their child: an element of the Segment's level ends a Cluster, an EBML header ends a Segment.
 * Any other master or unknown element of unknown size is looked through, as if its header were not there.
 *
 * A malformed payload throws {@link MediaError} out of `write`, with its offset; after that the parser is of no use, or
 * goes on where `resync` says. A damaged size may have taken in what follows the element, so the element that was read last is
 * remembered until the next: a document that begins in it is found all the same.
 */
export class MatroskaParser {
	/** Set by the handler to make `write` return after the element that is being reported. Cleared by the next `resume`. */
	pauseRequested = false;

	readonly #handler: MatroskaHandler;
	#chunk: Uint8Array = NOTHING;
	/** Where in the chunk reading goes on. */
	#position = 0;
	/** Offset of the first byte of the chunk. */
	#base = 0;
	#isFinal = false;
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
	/** Its header from the second byte on. */
	#head: Uint8Array = NOTHING;
	#slab: Uint8Array = NOTHING;
	#slabUsed = 0;
	#skip = 0;
	/** Id and offset of the element whose body is collected or skipped. */
	#elementId = 0;
	#elementOffset = 0;
	#isScanning = false;
	/** The end of the bytes so far, where a document may begin that the next bytes decide: they are read once more with them. */
	#held: Uint8Array[] = [];
	#heldBytes = 0;
	#heldNeedsBytes = 0;
	/**
	 * The bytes from the second one of the element that was accepted last, in which a document may begin if its size is wrong:
	 * pieces of earlier chunks, and where they go on in this one.
	 */
	#suspects: Uint8Array[] = [];
	#suspectsFrom = 0;
	#rereadBytes = 0;

	constructor(handler: MatroskaHandler) {
		this.#handler = handler;
	}

	/** How many bytes of the payload have been read. */
	get offset(): number {
		return this.#base + this.#position;
	}

	/**
	 * Reads the next chunk. Returns true when it is used up, false where the handler asked to pause: then `resume` is to be
	 * called until it returns true. Chunks are not copied and must not be changed while what was reported of them is in use.
	 */
	write(chunk: Uint8Array): boolean {
		if (this.#heldBytes === 0) {
			this.#chunk = chunk;
			return this.resume();
		}
		this.#held.push(chunk);
		this.#heldBytes += chunk.byteLength;
		if (this.#heldBytes < this.#heldNeedsBytes) {
			this.#base += chunk.byteLength;
			return true;
		}
		this.#takeHeld(chunk.byteLength);
		return this.resume();
	}

	/** Goes on with the chunk of the last `write`, after a pause or after `resync`. Returns as `write` does. */
	resume(): boolean {
		this.pauseRequested = false;
		const chunk = this.#chunk;
		const end = chunk.byteLength;
		let position = this.#position;
		try {
			while (position < end && !this.pauseRequested) position = this.#step(chunk, position, end);
		} finally {
			this.#position = position;
		}
		if (position < end) return false;
		if (this.#suspectsFrom < end && this.#body === null && this.#skip === 0 && !this.#isScanning) {
			this.#suspects.push(viewOf(chunk, this.#suspectsFrom, end));
		}
		this.#suspectsFrom = 0;
		this.#base += end;
		this.#position = 0;
		this.#chunk = NOTHING;
		if (this.#heldBytes === 0 || this.#heldBytes < this.#heldNeedsBytes) return true;
		this.#takeHeld(0);
		return this.resume();
	}

	/**
	 * After `write`, `resume` or `end` gave an error: gives the open document up without a word, and lets `resume` go on behind
	 * it: bytes are skipped up to the next EBML header that parses and has a DocType of Matroska. False where there are none.
	 */
	resync(): boolean {
		const before = this.#suspects;
		if (this.#body !== null) before.push(this.#body.subarray(0, this.#bodyFilled));
		const start = this.#body === null ? this.#suspectsFrom : this.#position;
		const sinceStart = Math.max(0, this.#position - start);
		const rereadBytes = before.reduce((sum, { byteLength }) => sum + byteLength, sinceStart);
		const isTooMuch = this.#rereadBytes + rereadBytes > this.offset + MAX_REREAD_BYTES;
		if (isTooMuch) {
			this.#position = Math.max(this.#position, start);
		} else {
			this.#rereadBytes += rereadBytes;
			this.#position = start;
			if (before.length > 0) {
				const rest = this.#chunk.subarray(start);
				this.#base += this.#chunk.byteLength;
				this.#chunk = Buffer.concat([...before, rest]);
				this.#base -= this.#chunk.byteLength;
				this.#position = 0;
			}
		}
		this.#isScanning = true;
		this.#trustUpTo(this.#position);
		this.#carried = 0;
		this.#body = null;
		this.#skip = 0;
		this.#level = OUTSIDE;
		this.#hasDocument = false;
		return this.#position < this.#chunk.byteLength;
	}

	/**
	 * The payload is over: to be called before `end`. False where nothing was held; else `resume` reads it, until it returns
	 * true.
	 */
	release(): boolean {
		this.#isFinal = true;
		if (this.#heldBytes === 0) return false;
		this.#takeHeld(0);
		return true;
	}

	/** Makes what was held the chunk; `newBytes` of it have not been counted yet. */
	#takeHeld(newBytes: number): void {
		this.#chunk = Buffer.concat(this.#held);
		this.#base -= this.#heldBytes - newBytes;
		this.#held = [];
		this.#heldBytes = 0;
	}

	/** Holds the chunk from a place on until that many bytes have come. Returns the chunk's end. */
	#hold(chunk: Uint8Array, position: number, needsBytes: number): number {
		const held = viewOf(chunk, position, chunk.byteLength);
		this.#held = [held];
		this.#heldBytes = held.byteLength;
		this.#heldNeedsBytes = needsBytes;
		return chunk.byteLength;
	}

	/** Bytes before a place in the chunk are what they seem. */
	#trustUpTo(position: number): void {
		this.#suspectsFrom = position;
		if (this.#suspects.length > 0) this.#suspects = [];
	}

	/**
	 * An element is accepted whose body begins at `position`: all before it is what it seems, but its header may still be part
	 * of a document's, from its second byte on.
	 */
	#elementBegins(position: number): void {
		if (this.#carried === 0) {
			this.#trustUpTo(position - this.#header.length + 1);
		} else {
			this.#suspects = [this.#carry.slice(1, this.#header.length)];
			this.#suspectsFrom = position;
		}
	}

	/**
	 * Counts off an element that is not needed: from the suspect bytes before it on, so that a document that begins in them is
	 * found now, if it was their size that led here. Returns where to go on.
	 */
	#beginSkip(chunk: Uint8Array, position: number): number {
		const pieces = this.#suspects;
		const from = Math.min(this.#suspectsFrom, position);
		const before = pieces.reduce((sum, { byteLength }) => sum + byteLength, position - from);
		this.#skip = before + Math.max(0, this.#header.size);
		this.#trustUpTo(from);
		if (pieces.length === 0) return from;
		this.#held = [...pieces, chunk.subarray(from)];
		this.#heldBytes = before + chunk.byteLength - position;
		this.#heldNeedsBytes = 0;
		return chunk.byteLength;
	}

	/**
	 * The payload is over. Returns null for a clean end, which ends the last document; else the error that says in which
	 * element the bytes stop. An end is clean where no element of known size is open. With `isCut` (the transport broke
	 * off) an open element of unknown size counts as well.
	 */
	end(isCut = false): MediaError | null {
		const offset = this.#base;
		if (this.#isScanning) return null;
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
		if (this.#skip > 0) return this.#skipBytes(chunk, position, end);
		if (this.#body !== null) return this.#fillBody(chunk, position, end);
		if (this.#isScanning) return this.#scan(chunk, position, end);
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
	 * The fast path: consecutive SimpleBlocks that lie in the chunk and in their Cluster as a whole. Returns where
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
			this.#reportBlock(chunk, body, next, -1, 0, base + position);
			this.#suspectsFrom = position + 1;
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

	/** Throws bytes away up to the next document's EBML header. */
	#scan(chunk: Uint8Array, position: number, end: number): number {
		const options = { isFinal: this.#isFinal, withSegments: false };
		const found = findDocument(bufferOf(chunk), position, end, options);
		if (found === null) return end;
		if (found.needsBytes > 0) return this.#hold(chunk, found.at, found.needsBytes);
		this.#isScanning = false;
		return found.at;
	}

	/** Counts off the body of an element that is not needed. No document begins in one, but in attached files. */
	#skipBytes(chunk: Uint8Array, position: number, end: number): number {
		const to = Math.min(position + this.#skip, end);
		const options = { isFinal: this.#isFinal, withSegments: true };
		const found =
			this.#elementId === ID.Attachments ? null : findDocument(bufferOf(chunk), position, to, options);
		if (found === null) {
			this.#skip -= to - position;
			this.#trustUpTo(to);
			return to;
		}
		this.#skip -= found.at - position;
		this.#trustUpTo(found.at);
		if (found.needsBytes > 0) return this.#hold(chunk, found.at, found.needsBytes);
		throw malformed(
			`a document that begins inside ${nameOf(this.#elementId)} or the element before it`,
			this.#base + found.at,
		);
	}

	/** A header has been read: decides by id and level what becomes of the element. `position` is where its body begins. */
	#enter(chunk: Uint8Array, position: number, end: number, offset: number): number {
		const { id, size } = this.#header;
		if (this.#level === IN_CLUSTER && endsCluster(id)) this.#leaveCluster(id, offset);
		if (this.#level === IN_SEGMENT && (id === ID.EBML || id === ID.Segment)) this.#leaveSegment(id, offset);
		if (id === ID.Segment) return this.#enterSegment(position, offset);
		if (id === ID.Cluster && this.#level === IN_SEGMENT) return this.#enterCluster(position, offset);

		const maxBytes = maxCollectedBytes(this.#level, id, offset);
		if (size < 0) {
			if (maxBytes > 0 || this.#level === OUTSIDE || !isMasterOrUnknown(id)) {
				throw malformed(`${nameOf(id)} may not be of unknown size`, offset);
			}
			this.#elementId = id;
			return this.#beginSkip(chunk, position);
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
			if (this.#hasDocument && !this.#hasSegment) throw malformed('a document without a Segment', offset);
			this.#endDocument(offset);
			this.#startDocument(offset);
		}
		this.#elementId = id;
		this.#elementOffset = offset;
		if (maxBytes === 0) return this.#beginSkip(chunk, position);
		if (position + size <= end) {
			this.#report(id, chunk, position, position + size, offset);
			this.#elementBegins(position);
			return position + size;
		}
		this.#suspects.push(viewOf(chunk, Math.min(this.#suspectsFrom, position), position));
		this.#head =
			this.#carried > 0
				? this.#carry.slice(1, this.#header.length)
				: viewOf(chunk, position - this.#header.length + 1, position);
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

	#fillBody(chunk: Uint8Array, position: number, end: number): number {
		const body = this.#body as Uint8Array;
		const taken = Math.min(body.byteLength - this.#bodyFilled, end - position);
		body.set(chunk.subarray(position, position + taken), this.#bodyFilled);
		this.#bodyFilled += taken;
		if (this.#bodyFilled === body.byteLength) {
			this.#body = null;
			this.#suspects.push(body);
			this.#suspectsFrom = position + taken;
			this.#report(this.#elementId, body, 0, body.byteLength, this.#elementOffset);
			this.#suspects = [this.#head, body];
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
		if (this.#hasSegment) throw malformed('a second Segment in one document', offset);
		this.#elementBegins(position);
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
		this.#elementBegins(position);
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

function bufferOf(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
