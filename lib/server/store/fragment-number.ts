/** What every fragment number of the service starts from; it makes all of them 47 digits long. */
const BASE = 1n << 156n;
const SEQUENCE_SHIFT = 92n;
const SERVER_TIME_SHIFT = 28n;
const SERVER_TIME_MASK = (1n << (SEQUENCE_SHIFT - SERVER_TIME_SHIFT)) - 1n;

/** Exclusive upper bound of the random part of a fragment number: 28 bits. */
export const FRAGMENT_NUMBER_RANDOM_RANGE = 2 ** 28;

/** Distance that a new connection of a producer leaves in the sequence. */
const CONNECTION_STEP = 1000n;

/** The parts of a fragment number as the service makes it. */
export interface FragmentNumberParts {
	/** 1 for the first fragment of a stream, one more for each that follows. */
	readonly sequence: bigint;
	/** When the service began to receive the fragment, epoch milliseconds. */
	readonly serverMs: number;
	/** 28 random bits, below {@link FRAGMENT_NUMBER_RANDOM_RANGE}. */
	readonly random: number;
}

/** A fragment number of 47 digits, laid out as those of the service are: base, sequence, server time, random bits. */
export function mintFragmentNumber({ sequence, serverMs, random }: FragmentNumberParts): string {
	const number =
		BASE + (sequence << SEQUENCE_SHIFT) + (BigInt(serverMs) << SERVER_TIME_SHIFT) + BigInt(random);
	return number.toString();
}

/** Takes a fragment number apart; null for one that is not laid out as the service's are. */
export function readFragmentNumber(fragmentNumber: string): FragmentNumberParts | null {
	const offset = BigInt(fragmentNumber) - BASE;
	if (offset < 0n || offset >= BASE) return null;
	return {
		sequence: offset >> SEQUENCE_SHIFT,
		serverMs: Number((offset >> SERVER_TIME_SHIFT) & SERVER_TIME_MASK),
		random: Number(offset & (BigInt(FRAGMENT_NUMBER_RANDOM_RANGE) - 1n)),
	};
}

/**
 * Sequence of the first fragment of a new connection, given the highest one the stream has: 1 for a new stream, else the
 * next thousand and one, as the service was seen to do.
 */
export function firstSequenceAfter(highest: bigint | null): bigint {
	return highest === null ? 1n : (highest / CONNECTION_STEP + 1n) * CONNECTION_STEP + 1n;
}
