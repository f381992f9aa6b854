import type { RangeClock } from '../../../model/time-range.js';
import type { StoredFragment } from '../../store/stored-fragment.js';

/** What a later ingest of the same time looks like: it goes back by more than a producer resends, or comes much later. */
const ANOTHER_INGEST_MS = 60_000;

/** Order of fragment numbers, which is the order of ingestion. They have up to 128 digits. */
export function compareNumbers(a: StoredFragment, b: StoredFragment): number {
	return a.number.length - b.number.length || (a.number < b.number ? -1 : a.number > b.number ? 1 : 0);
}

/** Order of the server's clock, and of ingestion where that says nothing. */
export function compareServerTimes(a: StoredFragment, b: StoredFragment): number {
	return a.serverMs - b.serverMs || compareNumbers(a, b);
}

/**
 * The fragments of a range in the order they are played, as the service chooses them.
 *
 * By the server's clock that is all of them, in its order. By the producer's it is those that were ingested first, and
 * those right after them: a range that was ingested once more at a very different time is left out, the second time. Of
 * fragments with the same producer timestamp the one with the largest number stays; those that merely overlap all stay.
 */
export function playedFragments(clock: RangeClock, fragments: readonly StoredFragment[]): StoredFragment[] {
	if (clock === 'server') return fragments.toSorted(compareServerTimes);
	const byTimestamp = new Map<number, StoredFragment>();
	for (const fragment of firstIngest(fragments.toSorted(compareNumbers))) {
		byTimestamp.set(fragment.producerMs, fragment);
	}
	return [...byTimestamp.values()].sort((a, b) => a.producerMs - b.producerMs);
}

/** The service's words ("only the oldest ingested collection") have no measure; the minute is ours. */
function firstIngest(fragments: readonly StoredFragment[]): readonly StoredFragment[] {
	let latestMs = Number.NEGATIVE_INFINITY;
	for (const [index, { producerMs, serverMs }] of fragments.entries()) {
		const previous = fragments[index - 1];
		// The same time once more is a fragment that was sent again, however long the connection was down.
		const isBack = producerMs < latestMs;
		const isFarBack = latestMs - producerMs > ANOTHER_INGEST_MS;
		const isMuchLater = previous !== undefined && serverMs - previous.serverMs > ANOTHER_INGEST_MS;
		if (isBack && (isFarBack || isMuchLater)) return fragments.slice(0, index);
		latestMs = Math.max(latestMs, producerMs);
	}
	return fragments;
}
