import type { KvsArchive, RangeClock } from '../../index.js';
import { sampleBucket } from './stored-window.js';

/** How exactly the first and the last fragment are looked for, in milliseconds. */
const PRECISION_MS = 1000;

const MINUTE_MS = 60_000;

/** How far from one side is looked at first, and by how much farther each time. */
const FIRST_REACH_MS = MINUTE_MS;
const REACH_FACTOR = 16;

/** How long a fragment may be, and a listing be late with the one before it. */
const LEAD_MS = 30_000;

/** When the first and the last stored fragment begin, within a second; null where none is stored. A few dozen small listings. */
export async function storedBounds(
	archive: KvsArchive,
	by: RangeClock,
	nowMs: number,
	signal: AbortSignal,
): Promise<{ readonly firstMs: number; readonly lastMs: number } | null> {
	const holds = holder(archive, by, signal);
	if (!(await holds(0, nowMs))) return null;
	// From the newest backwards: what comes in now is found in one step.
	let reachMs = FIRST_REACH_MS;
	while (reachMs < nowMs && !(await holds(nowMs - reachMs, nowMs))) reachMs *= REACH_FACTOR;
	const isAfterLast = async (ms: number): Promise<boolean> => !(await holds(ms, nowMs));
	const { beforeMs: lastMs } = await changeBetween(Math.max(0, nowMs - reachMs), nowMs, isAfterLast);
	const { afterMs: firstMs } = await changeBetween(0, lastMs, (ms) => holds(0, ms));
	return { firstMs, lastMs };
}

/**
 * Where playback of a moment begins: with the fragment that the moment is in, or else with the next that is stored (`isNext`: always the
 * next). Null where none is.
 */
export async function playbackStart(
	archive: KvsArchive,
	{ at, by, isNext }: { readonly at: Date; readonly by: RangeClock; readonly isNext: boolean },
	nowMs: number,
	signal: AbortSignal,
): Promise<number | null> {
	const atMs = at.getTime();
	const before = await startsIn(archive, { fromMs: Math.max(0, atMs - LEAD_MS), toMs: atMs, by }, signal);
	const last = before.at(-1);
	if (!isNext && last !== undefined && last.startMs + last.lengthMs + PRECISION_MS > atMs)
		return last.startMs;
	const holds = holder(archive, by, signal);
	let reachMs = FIRST_REACH_MS;
	while (!(await holds(atMs, atMs + reachMs))) {
		if (atMs + reachMs >= nowMs) return null;
		reachMs *= REACH_FACTOR;
	}
	const { afterMs: firstMs } = await changeBetween(atMs, atMs + reachMs, (ms) => holds(atMs, ms));
	const found = await startsIn(archive, { fromMs: atMs, toMs: firstMs + PRECISION_MS, by }, signal);
	return found[0]?.startMs ?? null;
}

async function startsIn(
	archive: KvsArchive,
	{ fromMs, toMs, by }: { fromMs: number; toMs: number; by: RangeClock },
	signal: AbortSignal,
): Promise<{ readonly startMs: number; readonly lengthMs: number }[]> {
	const range = { from: new Date(fromMs), to: new Date(toMs), by };
	const found: { startMs: number; lengthMs: number }[] = [];
	for await (const fragments of archive.fragments(range, { signal }).batches()) {
		for (const { producerTimestamp, serverTimestamp, fragmentLengthInMilliseconds: lengthMs } of fragments) {
			found.push({ startMs: (by === 'server' ? serverTimestamp : producerTimestamp).getTime(), lengthMs });
		}
	}
	return found;
}

function holder(
	archive: KvsArchive,
	by: RangeClock,
	signal: AbortSignal,
): (fromMs: number, toMs: number) => Promise<boolean> {
	return async (fromMs, toMs) =>
		(await sampleBucket(archive, { from: new Date(fromMs), to: new Date(toMs), by }, signal)) !== null;
}

/** Where something that is false at first and true from some time on changes: the two sides of that, within the precision. */
async function changeBetween(
	fromMs: number,
	toMs: number,
	isTrue: (ms: number) => Promise<boolean>,
): Promise<{ readonly beforeMs: number; readonly afterMs: number }> {
	let [beforeMs, afterMs] = [fromMs, toMs];
	while (afterMs - beforeMs > PRECISION_MS) {
		const middleMs = Math.floor((beforeMs + afterMs) / 2);
		if (await isTrue(middleMs)) afterMs = middleMs;
		else beforeMs = middleMs;
	}
	return { beforeMs, afterMs };
}
