import type { FeedFrame } from './feed-frame.js';

/** Room for a BlockGroup's headers, a duration and a reference around a frame. */
const MAX_BLOCK_HEAD_BYTES = 64;

/** What frames between two times come to. */
export interface FramePart {
	readonly trackNumbers: ReadonlySet<number>;
	/** With the headers around them at their longest. */
	readonly bytes: number;
	/** Infinity and its negative where there are no frames. */
	readonly minMs: number;
	readonly maxMs: number;
}

/** Adds the frames up whose time is at or after `fromMs` and before `toMs`. */
export function partOf(
	frames: readonly FeedFrame[],
	fromMs = Number.NEGATIVE_INFINITY,
	toMs = Number.POSITIVE_INFINITY,
): FramePart {
	const trackNumbers = new Set<number>();
	let bytes = 0;
	let minMs = Number.POSITIVE_INFINITY;
	let maxMs = Number.NEGATIVE_INFINITY;
	for (const { trackNumber, timeMs, data, others } of frames) {
		if (timeMs < fromMs || timeMs >= toMs) continue;
		trackNumbers.add(trackNumber);
		bytes += data.byteLength + MAX_BLOCK_HEAD_BYTES;
		for (const { body } of others) bytes += body.byteLength + MAX_BLOCK_HEAD_BYTES;
		minMs = Math.min(minMs, timeMs);
		maxMs = Math.max(maxMs, timeMs);
	}
	return { trackNumbers, bytes, minMs, maxMs };
}
