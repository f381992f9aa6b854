import { BUCKETS, type Bucket, bucketRange, type PlacedFragment, type Tile } from './tile.js';

/** Fragments that are farther apart than this do not join, in milliseconds, besides what their last frame lasts. */
const JOIN_MS = 50;

/** What is known of a part of time. */
export type SpanKind = 'recorded' | 'sampled' | 'nothing' | 'unknown';

/** A part of time of which the same is known. */
export interface Span {
	readonly kind: SpanKind;
	readonly fromMs: number;
	readonly toMs: number;
}

/**
 * What is known of the time of the tiles, from left to right, without holes. What is in the future is left out.
 *
 * @param resolutionMs - what is shorter cannot be seen, and is joined to what is beside it
 */
export function spansOf(tiles: readonly Tile[], resolutionMs: number, nowMs: number): Span[] {
	const spans: Span[] = [];
	const add = (kind: SpanKind, fromMs: number, toMs: number): void => {
		const last = spans.at(-1);
		const start = Math.max(fromMs, last?.toMs ?? fromMs);
		if (toMs <= start) return;
		if (last !== undefined && last.kind === kind && start - last.toMs < 1) {
			spans[spans.length - 1] = { ...last, toMs };
		} else spans.push({ kind, fromMs: start, toMs });
	};
	/** Where the fragments so far end; it may be in the next tile. */
	let endMs = Number.NEGATIVE_INFINITY;
	for (const [at, tile] of tiles.entries()) {
		const untilMs = Math.min(tile.toMs, nowMs);
		if (tile.fromMs >= nowMs) break;
		if (tile.state === 'sampled') {
			for (let index = 0; index < BUCKETS; index++) {
				const { fromMs, toMs } = bucketRange(tile, index);
				if (fromMs < nowMs) add(kindOf(tile.buckets[index]), fromMs, Math.min(toMs, nowMs));
			}
			endMs = Number.NEGATIVE_INFINITY;
			continue;
		}
		const between = tile.state === 'whole' ? 'nothing' : 'unknown';
		let position = tile.fromMs;
		if (endMs > position) {
			add('recorded', position, Math.min(endMs, tile.toMs));
			position = Math.min(endMs, tile.toMs);
		}
		tile.fragments.forEach((fragment, index) => {
			const { startMs } = fragment;
			const lastsMs = lengthOf(fragment, tile.fragments[index + 1] ?? tiles[at + 1]?.fragments[0]);
			if (startMs > position + resolutionMs) add(between, position, startMs);
			else if (startMs > position) add('recorded', position, startMs);
			add('recorded', Math.max(position, startMs), Math.min(tile.toMs, startMs + lastsMs));
			position = Math.max(position, Math.min(tile.toMs, startMs + lastsMs));
			endMs = Math.max(endMs, startMs + lastsMs);
		});
		// A gap at the edge of a tile is no more visible than one inside it.
		const isShort = position > tile.fromMs && untilMs - position <= resolutionMs;
		if (position < untilMs) add(isShort ? 'recorded' : between, position, untilMs);
	}
	return spans;
}

/** How long a fragment lasts: to the next where that joins, which includes what its last frame lasts. */
export function lengthOf({ startMs, lengthMs }: PlacedFragment, next: PlacedFragment | undefined): number {
	const distanceMs = next === undefined ? Number.POSITIVE_INFINITY : next.startMs - startMs;
	// A last frame lasts no longer than a second.
	const isJoined =
		distanceMs >= lengthMs &&
		distanceMs <= lengthMs + Math.min(1000, Math.max(JOIN_MS, lengthMs / 4) + JOIN_MS);
	return isJoined ? distanceMs : Math.max(lengthMs, 1);
}

function kindOf(bucket: Bucket): SpanKind {
	if (bucket === undefined) return 'unknown';
	return bucket === null ? 'nothing' : 'sampled';
}

/** A step of the bitrate curve. */
export interface RateStep {
	readonly fromMs: number;
	readonly toMs: number;
	readonly bitsPerSecond: number;
}

/** The bitrate of the fragments that are known: of those that begin within `resolutionMs` the highest. */
export function ratesOf(tiles: readonly Tile[], resolutionMs: number): RateStep[] {
	const steps: RateStep[] = [];
	const add = ({ startMs, sizeBytes }: PlacedFragment, lastsMs: number): void => {
		const bitsPerSecond = (sizeBytes * 8000) / Math.max(lastsMs, 1);
		const last = steps.at(-1);
		const toMs = startMs + lastsMs;
		if (last === undefined || startMs - last.fromMs >= resolutionMs) {
			steps.push({ fromMs: startMs, toMs, bitsPerSecond });
		} else {
			const highest = Math.max(last.bitsPerSecond, bitsPerSecond);
			steps[steps.length - 1] = { ...last, toMs: Math.max(last.toMs, toMs), bitsPerSecond: highest };
		}
	};
	for (const { fragments, buckets, state } of tiles) {
		if (state === 'sampled') for (const bucket of buckets) if (bucket) add(bucket, bucket.lengthMs);
		fragments.forEach((fragment, index) => {
			add(fragment, lengthOf(fragment, fragments[index + 1]));
		});
	}
	return steps;
}
