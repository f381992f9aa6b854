import type { Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';

/** What the service puts into one clip at most. */
export interface ClipLimits {
	readonly fragments: number;
	/** Of the fragments as they are listed. */
	readonly sizeBytes: number;
}

/** The service's limits; of its 100 MB a tenth is left for what an MP4 file has besides the fragments' bytes. */
const SERVICE_LIMITS: ClipLimits = { fragments: 200, sizeBytes: 90_000_000 };

/** The longest range that the service takes. */
const MAX_RANGE_MS = 24 * 3_600_000;

/** The shortest one, whose ends differ: fragments that begin within it are in one part. */
const MIN_RANGE_MS = 1;

/** A fragment begins at most this long after the last frame of the one that it continues. */
const JOINED_MS = 1000;

/** A part of a range that the service puts into one clip. */
export interface ClipPart {
	/** What is asked for: both ends on the range's clock, and within it no start of a fragment of another part. */
	readonly range: ResolvedTimeRange;
	/** Fragments listed in it. */
	readonly fragments: number;
	/** When the first and the last of them begin, on the range's clock. */
	readonly firstMs: number;
	readonly lastMs: number;
	/** How long its media is at least, by the listing: without the duration of the last frame. */
	readonly listedMs: number;
}

/**
 * Divides the fragments of a range, sorted by its clock, into parts that the service gives whole. Fragments that begin
 * within a millisecond are never parted, as two requests would both have them, or neither.
 */
export async function* clipParts(
	batches: AsyncIterable<readonly Fragment[]>,
	range: ResolvedTimeRange,
	limits: ClipLimits = SERVICE_LIMITS,
): AsyncGenerator<ClipPart> {
	let fromMs = range.fromMs;
	let part: Fragment[] = [];
	let group: Fragment[] = [];
	const startOf = (fragments: readonly Fragment[], index: number): number =>
		startMs(fragments.at(index) as Fragment, range.by);
	const close = (): ClipPart => {
		const closed = partOf(part, { ...range, fromMs });
		fromMs = closed.range.toMs + 1;
		part = [];
		return closed;
	};
	for await (const batch of batches) {
		for (const fragment of batch) {
			if (group.length > 0 && startMs(fragment, range.by) - startOf(group, 0) > MIN_RANGE_MS) {
				if (part.length > 0 && !fits([...part, ...group], range, limits)) yield close();
				part.push(...group);
				group = [];
			}
			group.push(fragment);
		}
	}
	if (part.length > 0 && !fits([...part, ...group], range, limits)) yield close();
	part.push(...group);
	if (part.length > 0) yield close();
}

function fits(fragments: readonly Fragment[], { by }: ResolvedTimeRange, limits: ClipLimits): boolean {
	if (fragments.length > limits.fragments) return false;
	const sizeBytes = fragments.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0);
	const [first, last] = [fragments[0], fragments.at(-1)] as [Fragment, Fragment];
	return sizeBytes <= limits.sizeBytes && startMs(last, by) - startMs(first, by) < MAX_RANGE_MS;
}

function partOf(fragments: readonly Fragment[], { by, fromMs }: ResolvedTimeRange): ClipPart {
	const [first, last] = [fragments[0], fragments.at(-1)] as [Fragment, Fragment];
	const [firstMs, lastMs] = [startMs(first, by), startMs(last, by)];
	const start = Math.max(fromMs, lastMs - MAX_RANGE_MS);
	return {
		range: { by, fromMs: start, toMs: Math.max(lastMs, start + MIN_RANGE_MS) },
		fragments: fragments.length,
		firstMs,
		lastMs,
		listedMs: fragments.reduce((sum, fragment, index) => sum + listedMs(fragment, fragments[index + 1]), 0),
	};
}

/**
 * How much of a clip a fragment takes at least: up to the next one where there is no gap. Of two with one producer time the
 * service may leave one out.
 */
function listedMs(fragment: Fragment, next: Fragment | undefined): number {
	const { fragmentLengthInMilliseconds: lengthMs } = fragment;
	if (next === undefined) return lengthMs;
	const stepMs = next.producerTimestamp.getTime() - fragment.producerTimestamp.getTime();
	return stepMs >= 0 && stepMs <= lengthMs + JOINED_MS ? stepMs : lengthMs;
}
