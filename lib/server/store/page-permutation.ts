/** The golden ratio's fraction: steps of that part of a circle stay far from each other. */
const GOLDEN_FRACTION = 0.618_033_988_749_895;

/**
 * Where the `index`-th result of `count` is taken from: an order that looks random, and is the same at every call.
 *
 * ListFragments promises no order, not across pages either; a client that relies on one should fail here too.
 * The map is affine, `(step × index + offset) mod count` with a step that shares no factor with `count`, so every
 * position comes exactly once and a page costs no more memory than its results.
 */
export function permutedPosition(index: number, count: number): number {
	// The product of two positions passes 2^53 from 95 million fragments on.
	return Number((BigInt(stepOf(count)) * BigInt(index) + BigInt(count >>> 1)) % BigInt(count));
}

function stepOf(count: number): number {
	let step = Math.max(1, Math.round(count * GOLDEN_FRACTION));
	while (greatestCommonDivisor(step, count) !== 1) step++;
	return step;
}

function greatestCommonDivisor(a: number, b: number): number {
	return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
