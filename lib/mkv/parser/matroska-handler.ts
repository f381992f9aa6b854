import type { Element } from '../../ebml/element-body.js';

/** Bit of a block's flags: the frame needs no other to be decoded. */
export const KEYFRAME_FLAG = 0x80;

/** What `MatroskaParser` reports, in the order of the bytes. Offsets count from the start of the payload. */
export interface MatroskaHandler {
	/** Where it is true after an element, `write` returns, so that what was made of it can be taken. @default false */
	readonly isFull?: boolean;
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
