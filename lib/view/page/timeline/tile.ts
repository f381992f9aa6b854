import type { StoredFragment } from '../../view-responses.js';
import type { ArchiveClock } from '../address.js';

/** Buckets of a tile that is sampled. */
export const BUCKETS = 32;

/** A fragment at its place on the axis. */
export interface PlacedFragment {
	/** On the clock that is shown, epoch milliseconds. */
	readonly startMs: number;
	readonly lengthMs: number;
	readonly sizeBytes: number;
	readonly producerMs: number;
	readonly serverMs: number;
	readonly number: string;
}

/** What is known of a bucket: undefined, not yet; null, nothing begins in it; or one of the fragments that do. */
export type Bucket = PlacedFragment | null | undefined;

/** A part of time, and what is stored in it. */
export interface Tile {
	readonly fromMs: number;
	/** Exclusive. */
	readonly toMs: number;
	/** Whether `fragments` are all of them, `buckets` samples, or neither is known yet. */
	state: 'loading' | 'whole' | 'sampled';
	/** Sorted by start. While a tile loads, those that have come. */
	fragments: readonly PlacedFragment[];
	readonly buckets: Bucket[];
	/** Whether something may still be added to it: it reached into the future when it was asked for. */
	isGrowing: boolean;
	/** When it was asked for last, epoch milliseconds. */
	askedMs: number;
}

/** A fragment of the service at its place on a clock. */
export function place(
	[producerMs, serverMs, lengthMs, sizeBytes, number]: StoredFragment,
	clock: ArchiveClock,
): PlacedFragment {
	return {
		startMs: clock === 'server' ? serverMs : producerMs,
		lengthMs,
		sizeBytes,
		producerMs,
		serverMs,
		number,
	};
}

/** The length of tiles so that they are drawn some hundred pixels wide; a power of two, so that tiles divide each other. */
export function tileLengthMs(msPerPixel: number): number {
	return Math.max(MIN_TILE_MS, 2 ** Math.ceil(Math.log2(msPerPixel * TILE_PIXELS)));
}

const TILE_PIXELS = 256;

/** About 16 s: what is looked at more closely is a few fragments of a tile. */
const MIN_TILE_MS = 2 ** 14;

/** The time of a bucket of a tile; the end is exclusive. */
export function bucketRange({ fromMs, toMs }: Tile, index: number): { fromMs: number; toMs: number } {
	const lengthMs = (toMs - fromMs) / BUCKETS;
	return { fromMs: fromMs + index * lengthMs, toMs: fromMs + (index + 1) * lengthMs };
}

/** The fragments of a sorted list that begin in a range; the end is exclusive. */
export function startingIn(
	fragments: readonly PlacedFragment[],
	fromMs: number,
	toMs: number,
): readonly PlacedFragment[] {
	return fragments.slice(firstFrom(fragments, fromMs), firstFrom(fragments, toMs));
}

function firstFrom(fragments: readonly PlacedFragment[], ms: number): number {
	let [low, high] = [0, fragments.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((fragments[middle] as PlacedFragment).startMs < ms) low = middle + 1;
		else high = middle;
	}
	return low;
}
