import type { KvsArchive, RangeClock } from '../index.js';
import { type Look, outermost } from './outermost.js';
import { MAX_EMPTY_PAGES, MAX_PAGE, startOf, windowPages } from './window-pages.js';

const MINUTE_MS = 60_000;

/** How far from one side is looked at first, and by how much farther each time. */
const FIRST_REACH_MS = MINUTE_MS;
const REACH_FACTOR = 16;

/** How long a fragment may be, and a listing be late with the one before it. */
const LEAD_MS = 30_000;

/** How much later than its length says a fragment may end: its last frame lasts, too. */
const LAST_FRAME_MS = 1000;

/** What is listed where there is something already known: the outermost of as many is near the end of what is left. */
const NEXT_PAGE = 100;

/** When the first and the last stored fragment begin, epoch milliseconds. */
export interface StoredBounds {
	readonly firstMs: number;
	readonly lastMs: number;
	/** Whether nothing is stored before or after; else only what is known so far. */
	readonly isExact: boolean;
}

/** When the first and the last stored fragment begin, better with each line, the last exact; no lines where none is stored. A few listings. */
export async function* storedBounds(
	archive: KvsArchive,
	by: RangeClock,
	nowMs: number,
	signal: AbortSignal,
): AsyncGenerator<StoredBounds> {
	const { startsMs, isAll } = await looker(archive, by, MAX_PAGE, signal)(0, nowMs);
	if (startsMs.length === 0) return;
	const known = { firstMs: Math.min(...startsMs), lastMs: Math.max(...startsMs) };
	yield { ...known, isExact: isAll };
	if (isAll) return;
	const look = looker(archive, by, NEXT_PAGE, signal);
	const lastMs = await outermost(look, known.lastMs, nowMs);
	yield { ...known, lastMs, isExact: false };
	yield { firstMs: await outermost(look, known.firstMs, 0), lastMs, isExact: true };
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
	if (!isNext) {
		const range = { from: new Date(Math.max(0, atMs - LEAD_MS)), to: at, by };
		let last = null as { startMs: number; endMs: number } | null;
		for await (const fragment of archive.fragments(range, { signal })) {
			const { producerTimestamp, serverTimestamp, fragmentLengthInMilliseconds: lengthMs } = fragment;
			const startMs = (by === 'server' ? serverTimestamp : producerTimestamp).getTime();
			last = { startMs, endMs: startMs + lengthMs + LAST_FRAME_MS };
		}
		if (last !== null && last.endMs > atMs) return last.startMs;
	}
	const look = looker(archive, by, NEXT_PAGE, signal);
	for (let reachMs = FIRST_REACH_MS; ; reachMs *= REACH_FACTOR) {
		const { startsMs, isAll } = await look(atMs, atMs + reachMs);
		const firstMs = Math.min(...startsMs);
		if (startsMs.length > 0) return isAll ? firstMs : outermost(look, firstMs, atMs);
		if (atMs + reachMs >= nowMs) return null;
	}
}

function looker(archive: KvsArchive, by: RangeClock, pageSize: number, signal: AbortSignal): Look {
	return async (aMs, bMs) => {
		const window = { from: new Date(aMs), to: new Date(bMs), by };
		let pages = 0;
		for await (const { Fragments = [], NextToken } of windowPages(archive, window, pageSize, signal)) {
			pages++;
			const isAll = NextToken == null;
			if (Fragments.length > 0 || isAll || pages === MAX_EMPTY_PAGES) {
				return { startsMs: Fragments.map((fragment) => startOf(fragment, by)), isAll };
			}
		}
		return { startsMs: [], isAll: true };
	};
}
