import type { RangeClock } from '../../model/time-range.js';
import type { FragmentTable } from './fragment-table.js';

/** The most ordinals of a block: what an insertion in the middle moves. */
export const MAX_BLOCK = 1024;

/** Ordinals one after the other in the order of a clock, and what is true of all of them. */
export interface OrderBlock {
	readonly ordinals: number[];
	maxOrdinal: number;
	/** The latest server time, epoch milliseconds. */
	maxServerMs: number;
	/** The earliest server time of one that can expire; Infinity where none can. */
	minExpiringMs: number;
}

/** A place in the order: before the ordinal at `index` of a block. */
export interface OrderPlace {
	readonly block: number;
	readonly index: number;
}

/**
 * The fragments of a table in the order of one clock, those with one start in the order they were appended. A look-up is a
 * binary search over the blocks and one in a block; an insertion moves part of one block at most.
 */
export class ClockOrder {
	readonly blocks: OrderBlock[] = [];
	readonly #clock: RangeClock;
	readonly #table: FragmentTable;
	readonly #maxBlock: number;

	constructor(clock: RangeClock, table: FragmentTable, maxBlock: number) {
		this.#clock = clock;
		this.#table = table;
		this.#maxBlock = maxBlock;
	}

	/** Puts the fragment that was appended last into its place. */
	insert(ordinal: number): void {
		const place = this.firstAfter(this.#table.startMs(this.#clock, ordinal));
		// Where a block ends and the next begins, the end of the first: appends in order fill each block.
		const isBorder = place.index === 0 && place.block > 0;
		let index = isBorder ? place.block - 1 : place.block;
		let at = isBorder ? (this.blocks[index] as OrderBlock).ordinals.length : place.index;
		let block = this.blocks[index];
		if (block === undefined) {
			block = emptyBlock();
			this.blocks.push(block);
		} else if (block.ordinals.length === this.#maxBlock) {
			const isAtEnd = at === this.#maxBlock;
			// In order each block stays full; elsewhere there is to be room on both sides.
			const next = this.#blockOf(block.ordinals.splice(isAtEnd ? this.#maxBlock : this.#maxBlock >> 1));
			this.blocks.splice(index + 1, 0, next);
			if (at > block.ordinals.length || isAtEnd) {
				at -= block.ordinals.length;
				index++;
				block = next;
			}
		}
		block.ordinals.splice(at, 0, ordinal);
		this.#note(block, ordinal);
	}

	/** Takes a fragment out. */
	remove(ordinal: number): void {
		const startMs = this.#table.startMs(this.#clock, ordinal);
		for (let { block: number, index } = this.firstNotBefore(startMs); ; ) {
			const block = this.blocks[number];
			if (block === undefined) return;
			if (index === block.ordinals.length) {
				number++;
				index = 0;
			} else if (block.ordinals[index] === ordinal) {
				block.ordinals.splice(index, 1);
				if (block.ordinals.length === 0) this.blocks.splice(number, 1);
				return;
			} else index++;
		}
	}

	/** The place of the first fragment that starts at a time or after it. */
	firstNotBefore(timeMs: number): OrderPlace {
		return this.#first((startMs) => startMs >= timeMs);
	}

	/** The place of the first fragment that starts after a time. */
	firstAfter(timeMs: number): OrderPlace {
		return this.#first((startMs) => startMs > timeMs);
	}

	/** The place of the first fragment for which `isPast` holds; it must hold for all that follow. */
	#first(isPast: (startMs: number) => boolean): OrderPlace {
		const isOrdinalPast = (ordinal: number): boolean => isPast(this.#table.startMs(this.#clock, ordinal));
		const block = firstIndex(this.blocks.length, (index) =>
			isOrdinalPast((this.blocks[index] as OrderBlock).ordinals.at(-1) as number),
		);
		const ordinals = this.blocks[block]?.ordinals ?? [];
		const index = firstIndex(ordinals.length, (at) => isOrdinalPast(ordinals[at] as number));
		return { block, index };
	}

	#blockOf(ordinals: number[]): OrderBlock {
		const block = { ...emptyBlock(), ordinals };
		for (const ordinal of ordinals) this.#note(block, ordinal);
		return block;
	}

	#note(block: OrderBlock, ordinal: number): void {
		const serverMs = this.#table.startMs('server', ordinal);
		block.maxOrdinal = Math.max(block.maxOrdinal, ordinal);
		block.maxServerMs = Math.max(block.maxServerMs, serverMs);
		if (!this.#table.isPermanent(ordinal)) block.minExpiringMs = Math.min(block.minExpiringMs, serverMs);
	}
}

function emptyBlock(): OrderBlock {
	return {
		ordinals: [],
		maxOrdinal: -1,
		maxServerMs: Number.NEGATIVE_INFINITY,
		minExpiringMs: Number.POSITIVE_INFINITY,
	};
}

/** The first of `count` indexes for which `holds`, which holds for all after it; `count` where there is none. */
export function firstIndex(count: number, holds: (index: number) => boolean): number {
	let low = 0;
	let high = count;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}
