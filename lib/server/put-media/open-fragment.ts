import { malformed } from '../../ebml/element-header.js';
import { PictureSpan, pictureFields } from '../../gaps/picture-span.js';
import { framesInBlock, LACING_MASK } from '../../mkv/lacing.js';
import { MAX_FRAGMENT_BYTES, MAX_FRAGMENT_DURATION_NS } from '../../model/fragment-limits.js';
import type { AckErrorId } from '../wire/ack-error-name.js';
import type { FragmentTags } from './fragment-tags.js';
import { PutMediaError } from './put-media-error.js';
import type { ProducerHeader, ReceivedFragment } from './put-media-handler.js';

/** How much of a block says all that is needed of it: a track number of 8 bytes, its time, its flags, the count of a lace. */
export const BLOCK_HEAD_BYTES = 12;

/** Time and flags. */
const HEAD_AFTER_TRACK_BYTES = 3;

/** What {@link OpenFragment} knows from the start. */
export interface FragmentStart {
	readonly header: ProducerHeader;
	/** The Cluster's Timecode. */
	readonly timecodeTicks: bigint;
	/** Producer time of that, epoch milliseconds. */
	readonly producerMs: number;
	/** Where the Cluster begins in the body. */
	readonly offset: number;
	/** Size of the Tags elements that came before the Cluster and belong to it. */
	readonly leadingBytes: number;
	/** The tags in them; those that follow are added. */
	readonly tags: FragmentTags;
	/** Time of the latest block of the fragment before; null for the first one. */
	readonly previousMaxTicks: bigint | null;
}

/** A fragment while it comes, held to the service's rules: each is checked as soon as it can be. Holds no media. */
export class OpenFragment {
	readonly timecodeTicks: bigint;
	readonly #start: FragmentStart;
	readonly #trackNumbers: readonly number[];
	readonly #videoTrackNumber: number | null;
	readonly #maxDurationTicks: number;
	/** The latest time, from the Timecode, at which no block may be. */
	readonly #notAfterTicks: number;
	/** A bit for each track that had a block. */
	#tracksSeen = 0;
	#frames = 0;
	#minTicks = Number.POSITIVE_INFINITY;
	#maxTicks = Number.NEGATIVE_INFINITY;
	readonly #pictures = new PictureSpan();

	constructor(start: FragmentStart) {
		const { tracks, timecodeScaleNs } = start.header;
		this.#start = start;
		this.timecodeTicks = start.timecodeTicks;
		this.#trackNumbers = tracks.map(({ number }) => number);
		this.#videoTrackNumber = tracks.find(({ type }) => type === 'video')?.number ?? null;
		this.#maxDurationTicks = MAX_FRAGMENT_DURATION_NS / timecodeScaleNs;
		this.#notAfterTicks =
			start.previousMaxTicks === null
				? Number.NEGATIVE_INFINITY
				: Number(start.previousMaxTicks - start.timecodeTicks);
	}

	/** An element whose end is at `endOffset` is part of the fragment. Throws {@link PutMediaError} 4001 where it is too much. */
	checkSize(endOffset: number): void {
		const sizeBytes = this.#sizeBytes(endOffset);
		if (sizeBytes <= MAX_FRAGMENT_BYTES) return;
		throw this.#refused(
			4001,
			`expected a fragment of at most ${MAX_FRAGMENT_BYTES} bytes, got one of ${sizeBytes} or more`,
		);
	}

	/**
	 * A block, by its first {@link BLOCK_HEAD_BYTES} bytes or all that it has: `bytes` from `start` to `end`. Throws
	 * {@link PutMediaError} 4010, 4004 or 4002, `MediaError` where it is malformed.
	 */
	block(bytes: Uint8Array, start: number, end: number, offset: number): void {
		const numberBytes = start < end ? Math.clz32(bytes[start] as number) - 23 : 0;
		const at = start + numberBytes;
		if (numberBytes === 0 || numberBytes > 8 || at + HEAD_AFTER_TRACK_BYTES > end) {
			throw malformed('a block without track number, time and flags', offset);
		}
		let trackNumber = (bytes[start] as number) & ((1 << (8 - numberBytes)) - 1);
		for (let i = start + 1; i < at; i++) trackNumber = trackNumber * 256 + (bytes[i] as number);
		const ticks = (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
		const flags = bytes[at + 2] as number;
		const payload = at + HEAD_AFTER_TRACK_BYTES;
		if ((flags & LACING_MASK) !== 0 && payload >= end) {
			throw malformed('a laced block without a frame count', offset);
		}
		this.#frames += framesInBlock(flags, bytes, payload);
		this.#count(trackNumber, ticks, offset);
	}

	/** The fragment ends there. Throws {@link PutMediaError} 4006 where it has no block, 4011 where a track has none. */
	finish(endOffset: number): ReceivedFragment {
		this.checkSize(endOffset);
		if (this.#frames === 0) throw this.#refused(4006, 'a Cluster without a block');
		const missing = this.#trackNumbers.filter((_, index) => (this.#tracksSeen & (1 << index)) === 0);
		if (missing.length > 0) {
			throw this.#refused(
				4011,
				`expected a frame of each track in the fragment, got none of track ${missing.join(' and ')}`,
			);
		}
		const { timecodeTicks, producerMs, header, tags } = this.#start;
		const tickMs = header.timecodeScaleNs / 1e6;
		return {
			timecodeTicks,
			producerMs,
			minTicks: timecodeTicks + BigInt(this.#minTicks),
			maxTicks: timecodeTicks + BigInt(this.#maxTicks),
			lengthMs: Math.round((this.#maxTicks - this.#minTicks) * tickMs),
			frames: this.#frames,
			...pictureFields(this.#pictures, tickMs),
			sizeBytes: this.#sizeBytes(endOffset),
			tags: tags.all,
		};
	}

	#count(trackNumber: number, ticks: number, offset: number): void {
		const index = this.#trackNumbers.indexOf(trackNumber);
		if (index < 0) {
			throw this.#refused(
				4010,
				`a block of track ${trackNumber} at byte ${offset}, which the header does not declare`,
			);
		}
		this.#tracksSeen |= 1 << index;
		if (ticks <= this.#notAfterTicks) {
			throw this.#refused(
				4004,
				`a block at tick ${this.timecodeTicks + BigInt(ticks)} (byte ${offset}), not later than the last one of the previous fragment, at tick ${this.#start.previousMaxTicks}`,
			);
		}
		this.#minTicks = Math.min(this.#minTicks, ticks);
		this.#maxTicks = Math.max(this.#maxTicks, ticks);
		if (this.#maxTicks - this.#minTicks > this.#maxDurationTicks) {
			throw this.#refused(
				4002,
				`expected a fragment of at most ${MAX_FRAGMENT_DURATION_NS / 1e9} s, got blocks ${this.#maxTicks - this.#minTicks} ticks apart`,
			);
		}
		if (trackNumber === this.#videoTrackNumber) this.#pictures.add(ticks);
	}

	#sizeBytes(endOffset: number): number {
		return this.#start.leadingBytes + endOffset - this.#start.offset;
	}

	#refused(errorId: AckErrorId, message: string): PutMediaError {
		return new PutMediaError(errorId, this.timecodeTicks, message);
	}
}
