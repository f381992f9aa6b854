// Longer than 300 lines: a state machine whose states share the place in the chunk; apart they would cost every block a call.

import { ID, isMasterOrUnknown, nameOf } from '../../ebml/ebml-schema.js';
import { type Element, readUnsigned, viewOf } from '../../ebml/element-body.js';
import {
	type ElementHeader,
	MAX_ELEMENT_HEADER_BYTES,
	malformed,
	readElementHeader,
} from '../../ebml/element-header.js';
import { MediaError } from '../../errors.js';
import { concatBytes, sizeOf } from '../../model/bytes.js';
import { counted } from '../../wording/counted.js';
import { NOTHING_ELSE, readBlockGroup } from '../block-group.js';
import { checkDocType } from '../doc-type.js';
import { MAX_BLOCK_BYTES } from '../limits.js';
import { Attachments } from './attachments.js';
import { findDocument, holdsDocument } from './document-finder.js';
import { IN_CLUSTER, IN_SEGMENT, maxCollectedBytes, maxSkippedBytes, OUTSIDE } from './element-place.js';
import { HeldBytes } from './held-bytes.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from './matroska-handler.js';
import { OpenElements } from './open-elements.js';
import { Slab } from './slab.js';
import { SuspectBytes } from './suspect-bytes.js';

const NOTHING = new Uint8Array(0);
const SIMPLE_BLOCK = ID.SimpleBlock;

/**
 * Reads Matroska from chunks, cut anywhere, in one pass; reports into a {@link MatroskaHandler}, synchronously.
 *
 * Its states, by what is pending:
 * - a header: up to 12 bytes of an id and a size are carried over a border between chunks;
 * - a body that must be whole before it can be read (Info, Tracks, Tags, a block that spans chunks): it is copied once,
 *   into a buffer of its claimed size, which was checked against `limits.ts` first;
 * - a skip: elements that are not needed are counted off, not kept, and looked through for a document that begins in them;
 * - a scan, after {@link MatroskaParser.resync}: bytes are thrown away until the next document begins;
 * - none: the next header is read in place, and a block that lies in the chunk is reported as a range of it.
 *
 * Segment and Cluster are entered, not collected ({@link OpenElements}). Any other master or unknown element of unknown size
 * is looked through, as if its header were not there.
 *
 * A malformed payload throws {@link MediaError} out of `write`, with its offset; after that the parser is of no use, or
 * goes on where `resync` says. A damaged size may have taken in what follows the element, so the element that was read last is
 * remembered until the next ({@link SuspectBytes}): a document that begins in it is found all the same.
 */
export class MatroskaParser {
	readonly #handler: MatroskaHandler;
	#chunk: Uint8Array = NOTHING;
	/** Where in the chunk reading goes on. */
	#position = 0;
	/** Offset of the first byte of the chunk. */
	#base = 0;
	#isFinal = false;
	#hasTimecode = false;

	readonly #open = new OpenElements();
	readonly #header: ElementHeader = { id: 0, size: 0, length: 0 };
	readonly #carry = new Uint8Array(MAX_ELEMENT_HEADER_BYTES);
	#carried = 0;
	/** The body that is collected is a range of these bytes, filled up to a place. */
	#body: Uint8Array | null = null;
	#bodyStart = 0;
	#bodyFilled = 0;
	#bodyEnd = 0;
	readonly #slab = new Slab();
	#skip = 0;
	/** The Attachments that are being skipped. */
	#attachments: Attachments | null = null;
	/** Id and offset of the element whose body is collected or skipped. */
	#elementId = 0;
	#elementOffset = 0;
	#isScanning = false;
	readonly #held = new HeldBytes();
	readonly #suspects = new SuspectBytes();

	constructor(handler: MatroskaHandler) {
		this.#handler = handler;
	}

	/** How many bytes of the payload have been read. */
	get offset(): number {
		return this.#base + this.#position;
	}

	/**
	 * Reads the next chunk. Returns true when it is used up, false where the handler is full: then `resume` is to be
	 * called until it returns true. Chunks are not copied and must not be changed while what was reported of them is in use.
	 */
	write(chunk: Uint8Array): boolean {
		if (this.#held.sizeBytes === 0) {
			this.#chunk = chunk;
			return this.resume();
		}
		this.#held.add(chunk);
		this.#base += chunk.byteLength;
		if (!this.#held.isEnough) return true;
		this.#takeHeld();
		return this.resume();
	}

	/** Goes on with the chunk of the last `write`, after a pause or after `resync`. Returns as `write` does. */
	resume(): boolean {
		const chunk = this.#chunk;
		const end = chunk.byteLength;
		const handler = this.#handler;
		let position = this.#position;
		try {
			while (position < end) {
				position = this.#step(chunk, position, end);
				if (handler.isFull === true) break;
			}
		} finally {
			this.#position = position;
		}
		if (position < end) return false;
		this.#suspects.endChunk(chunk, this.#body === null && this.#skip === 0 && !this.#isScanning);
		this.#base += end;
		this.#position = 0;
		this.#chunk = NOTHING;
		if (!this.#held.isEnough) return true;
		this.#takeHeld();
		return this.resume();
	}

	/**
	 * After `write`, `resume` or `end` gave an error: gives the open document up, and lets `resume` go on after
	 * it: bytes are skipped up to the next EBML header that parses and has a DocType of Matroska. False where no bytes are left in the chunk.
	 */
	resync(): boolean {
		const partOfBody = this.#body?.subarray(this.#bodyStart, this.#bodyFilled) ?? null;
		const reread = this.#suspects.takeForReread(partOfBody, this.#position, this.offset);
		if (reread === null) {
			this.#position = Math.max(this.#position, partOfBody === null ? this.#suspects.from : 0);
		} else {
			this.#position = reread.from;
			if (reread.pieces.length > 0) {
				this.#base += reread.from - sizeOf(reread.pieces);
				this.#chunk = concatBytes([...reread.pieces, this.#chunk.subarray(reread.from)]);
				this.#position = 0;
			}
		}
		this.#isScanning = true;
		this.#suspects.trustUpTo(this.#position);
		this.#carried = 0;
		this.#body = null;
		this.#skip = 0;
		this.#open.closeAll();
		return this.#position < this.#chunk.byteLength;
	}

	/**
	 * The payload is over: to be called before `end`. False where nothing was held; else `resume` reads it, until it returns
	 * true.
	 */
	release(): boolean {
		this.#isFinal = true;
		if (this.#held.sizeBytes === 0) return false;
		this.#takeHeld();
		return true;
	}

	/** Makes what was held the chunk. */
	#takeHeld(): void {
		this.#base -= this.#held.sizeBytes;
		this.#chunk = this.#held.take();
	}

	/**
	 * The payload is over. Returns null for a clean end, which ends the last document; else the error that says in which
	 * element the bytes stop. An end is clean where no element of known size is open. With `isCut` (the transport broke
	 * off) an open element of unknown size counts as well.
	 */
	end(isCut = false): MediaError | null {
		const offset = this.#base;
		if (this.#isScanning) return null;
		this.#open.closeFull(offset);
		const cut = this.#cutElement(offset, isCut);
		if (cut !== null) {
			return new MediaError('KVS_MEDIA_TRUNCATED', `the media ends inside ${cut} at byte ${offset}`, {
				offset,
			});
		}
		if (this.#open.isInDocument) this.#handler.documentEnd(offset);
		this.#open.closeAll();
		return null;
	}

	#cutElement(offset: number, isCut: boolean): string | null {
		if (this.#skip > 0)
			return `${nameOf(this.#elementId)} (${counted(this.#skip, 'byte is', 'bytes are')} missing)`;
		if (this.#body !== null) {
			return `${nameOf(this.#elementId)} (${counted(this.#bodyEnd - this.#bodyFilled, 'byte is', 'bytes are')} missing)`;
		}
		if (this.#carried > 0) return "an element's header";
		return this.#open.describe(offset, isCut);
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
		this.#open.closeFull(this.#base + position);
		if (this.#open.level === IN_CLUSTER && chunk[position] === SIMPLE_BLOCK) {
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
		const handler = this.#handler;
		const limit = Math.min(end, this.#open.clusterEnd - base);
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
			this.#suspects.trustUpTo(position + 1);
			position = next;
			if (handler.isFull === true) break;
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

	/** The header that was read, from its second byte on, where it is not in the chunk alone. */
	#carriedHeader(): Uint8Array | null {
		return this.#carried === 0 ? null : this.#carry.slice(1, this.#header.length);
	}

	/** Throws bytes away up to the next document's EBML header. */
	#scan(chunk: Uint8Array, position: number, end: number): number {
		const options = { isFinal: this.#isFinal, withSegments: false };
		const found = findDocument(chunk, position, end, options);
		if (found === null) return end;
		if (found.needsBytes > 0) return this.#hold(chunk, found.at, found.needsBytes);
		this.#isScanning = false;
		// If it is not a document after all, the search goes on after its first byte.
		this.#suspects.trustUpTo(found.at + 1);
		return found.at;
	}

	/** Holds the chunk from a place on until that many bytes have come. Returns the chunk's end. */
	#hold(chunk: Uint8Array, position: number, needsBytes: number): number {
		this.#held.hold([viewOf(chunk, position, chunk.byteLength)], needsBytes);
		return chunk.byteLength;
	}

	/**
	 * Counts off an element that is not needed: from the suspect bytes before it on, so that a document that begins in them is
	 * found now, if it was their size that led here. Returns where to go on.
	 */
	#beginSkip(chunk: Uint8Array, position: number): number {
		const { pieces, from } = this.#suspects.takeBefore(position);
		const before = sizeOf(pieces) + position - from;
		this.#skip = before + Math.max(0, this.#header.size);
		// A payload of the service has no attachments, and its Segments are of unknown size.
		const isOfFile = this.#header.id === ID.Attachments && Number.isFinite(this.#open.end);
		this.#attachments = isOfFile ? new Attachments(this.#base + position) : null;
		if (pieces.length === 0) return from;
		this.#held.hold([...pieces, chunk.subarray(from)], 0);
		return chunk.byteLength;
	}

	/** Counts off the body of an element that is not needed. No document begins in one, but in the attachments of a file. */
	#skipBytes(chunk: Uint8Array, position: number, end: number): number {
		const to = Math.min(position + this.#skip, end);
		const options = { isFinal: this.#isFinal, withSegments: true };
		const searchEnd = this.#attachments?.searchEnd(chunk, this.#base, position, to) ?? to;
		const found = findDocument(chunk, position, searchEnd, options);
		if (found === null) {
			this.#skip -= to - position;
			this.#suspects.trustUpTo(to);
			return to;
		}
		this.#skip -= found.at - position;
		this.#suspects.trustUpTo(found.at);
		if (found.needsBytes > 0) return this.#hold(chunk, found.at, found.needsBytes);
		throw malformed(
			`expected the rest of ${nameOf(this.#elementId)} or of the element before it, got the beginning of another document`,
			this.#base + found.at,
		);
	}

	/** A header has been read: decides by id and level what becomes of the element. `position` is where its body begins. */
	#enter(chunk: Uint8Array, position: number, end: number, offset: number): number {
		const { id, size, length } = this.#header;
		const bodyOffset = this.#base + position;
		this.#open.closeFor(id, offset);
		const { level } = this.#open;
		if (id === ID.Segment || (id === ID.Cluster && level === IN_SEGMENT)) {
			if (id === ID.Segment) this.#open.startSegment(size, bodyOffset, offset);
			else this.#startCluster(size, bodyOffset, offset);
			this.#suspects.elementBegins(position, length, this.#carriedHeader());
			return position;
		}

		const maxBytes = maxCollectedBytes(level, id, offset);
		if (size < 0) {
			if (maxBytes > 0 || level === OUTSIDE || !isMasterOrUnknown(id)) {
				throw malformed(`${nameOf(id)} may not be of unknown size`, offset);
			}
			this.#elementId = id;
			return this.#beginSkip(chunk, position);
		}
		if (bodyOffset + size > this.#open.end) {
			throw malformed(`${nameOf(id)} of ${counted(size, 'byte')} exceeds its parent element`, offset);
		}
		const limitBytes = maxBytes || maxSkippedBytes(id);
		if (size > limitBytes) {
			throw malformed(
				`${nameOf(id)} declares a size of ${counted(size, 'byte')}, more than ${limitBytes}`,
				offset,
			);
		}
		if (id === ID.EBML) {
			if (this.#open.startDocument(offset)) this.#handler.documentEnd(offset);
			this.#handler.documentStart(offset);
		}
		this.#elementId = id;
		this.#elementOffset = offset;
		if (maxBytes === 0) return this.#beginSkip(chunk, position);
		if (position + size <= end) {
			this.#report(id, chunk, position, position + size, offset);
			this.#suspects.elementBegins(position, length, this.#carriedHeader());
			return position + size;
		}
		this.#suspects.bodyBegins(chunk, position, length, this.#carriedHeader());
		this.#body = this.#slab.allocate(size);
		this.#bodyStart = this.#slab.start;
		this.#bodyFilled = this.#bodyStart;
		this.#bodyEnd = this.#bodyStart + size;
		return position;
	}

	#startCluster(size: number, bodyOffset: number, offset: number): void {
		this.#hasTimecode = false;
		this.#open.startCluster(size, bodyOffset, offset);
	}

	#fillBody(chunk: Uint8Array, position: number, end: number): number {
		const body = this.#body as Uint8Array;
		const filled = this.#bodyFilled;
		const bodyEnd = this.#bodyEnd;
		const next = Math.min(position + bodyEnd - filled, end);
		body.set(viewOf(chunk, position, next), filled);
		this.#bodyFilled = filled + next - position;
		if (this.#bodyFilled === bodyEnd) {
			this.#body = null;
			this.#suspects.bodyEnds(body, this.#bodyStart, bodyEnd, next);
			this.#report(this.#elementId, body, this.#bodyStart, bodyEnd, this.#elementOffset);
			this.#suspects.acceptBody();
		}
		return next;
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
				this.#reportHeader(id, viewOf(bytes, start, end), offset);
		}
	}

	#reportHeader(id: number, body: Uint8Array, offset: number): void {
		// Where a document was cut, the text of a tag may have taken in the header of the next one, up to just where it ends.
		if (holdsDocument(body))
			throw malformed(`the beginning of another document inside ${nameOf(id)}`, offset);
		this.#handler.header(id, body, offset);
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
		if (end - start < 4)
			throw malformed(`expected a Block of at least 4 bytes, got ${counted(end - start, 'byte')}`, offset);
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
}
