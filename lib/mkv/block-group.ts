import { ID } from '../ebml/ebml-schema.js';
import { childrenOf, type Element, readUnsignedNumber } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';

/** What a block has besides itself in most cases. */
export const NOTHING_ELSE: readonly Element[] = [];

/** What a BlockGroup says of its Block. */
export interface BlockGroup {
	/** The Block's body: a view. */
	readonly block: Uint8Array;
	/** BlockDuration in ticks, of all laced frames together; -1 where there is none. */
	readonly durationTicks: number;
	/** Whether it refers to another block: then it is not a key frame (Matroska §10.1). */
	readonly isReferring: boolean;
	/** What else it says of the Block: DiscardPadding, BlockAdditions, CodecState and what is not known here. Views. */
	readonly others: readonly Element[];
}

/** Reads a BlockGroup's body (Matroska §5.1.3.5). Throws a malformed error where it has no Block. */
export function readBlockGroup(body: Uint8Array, offset: number): BlockGroup {
	let block: Uint8Array | null = null;
	let durationTicks = -1;
	let isReferring = false;
	let others: Element[] | null = null;
	for (const child of childrenOf(body, offset)) {
		if (child.id === ID.Block) block = child.body;
		else if (child.id === ID.BlockDuration) durationTicks = readUnsignedNumber(child);
		else if (child.id === ID.ReferenceBlock) isReferring = true;
		else if (child.id !== ID.Void && child.id !== ID.Crc32) {
			others ??= [];
			others.push(child);
		}
	}
	if (block === null) throw malformed('a BlockGroup without a Block', offset);
	return { block, durationTicks, isReferring, others: others ?? NOTHING_ELSE };
}
