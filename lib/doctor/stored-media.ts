import type { Fragment, KvsArchive } from '../index.js';
import { type StoredBounds, storedBounds } from '../stored/stored-bounds.js';
import { counted } from '../wording/counted.js';
import { type Check, failed, ok, warning } from './check.js';
import { requestTrouble } from './request-trouble.js';

/** Up to how many fragments are counted; of more it is estimated. */
const MAX_COUNTED = 2000;

/** How much of a large archive is looked through, at its end, and in how many other places, of this length. */
const NEWEST_MS = 600_000;
const SAMPLES = 8;
const SAMPLE_MS = 60_000;

/** What is stored, as far as a few listings say. */
export interface StoredMedia {
	readonly checks: readonly Check[];
	/** The newest fragment; null where none was found. */
	readonly newest: Fragment | null;
}

/** ListFragments: that it is allowed, and the first, the last, how many, and what lies between. By the server's clock. */
export async function checkStored(
	archive: KvsArchive,
	{ nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<StoredMedia> {
	let bounds: StoredBounds | null = null;
	try {
		for await (const known of storedBounds(archive, 'server', nowMs, signal)) bounds = known;
		const allowed = ok('ListFragments', 'allowed');
		if (bounds === null) {
			const advice = 'wait until a producer has sent something (kvs-archive feed puts a file into a stream)';
			return { checks: [allowed, warning('stored', 'nothing is stored', advice)], newest: null };
		}
		const { fragments, checks } = await lookThrough(archive, bounds, signal);
		return { checks: [allowed, ...checks], newest: fragments.at(-1) ?? null };
	} catch (error) {
		signal.throwIfAborted();
		const { message, advice } = requestTrouble(error, 'ListFragments', archive.client.stream);
		return { checks: [failed('ListFragments', message, advice)], newest: null };
	}
}

async function lookThrough(
	archive: KvsArchive,
	{ firstMs, lastMs }: StoredBounds,
	signal: AbortSignal,
): Promise<{ fragments: Fragment[]; checks: Check[] }> {
	const list = async (fromMs: number, toMs: number): Promise<Fragment[]> => {
		const found: Fragment[] = [];
		const range = { from: new Date(fromMs), to: new Date(toMs), by: 'server' } as const;
		for await (const fragment of archive.fragments(range, { signal, maxItems: MAX_COUNTED + 1 })) {
			found.push(fragment);
		}
		return found;
	};
	const ends = `from ${new Date(firstMs).toISOString()} to ${new Date(lastMs).toISOString()} by the server's clock`;
	const all = lastMs - firstMs <= NEWEST_MS ? await list(firstMs, lastMs) : null;
	if (all !== null && all.length <= MAX_COUNTED) {
		return {
			fragments: all,
			checks: [ok('stored', `${counted(all.length, 'fragment')} ${ends}`), gapsCheck(all, 'in all of it')],
		};
	}
	const newest = await list(Math.max(firstMs, lastMs - NEWEST_MS), lastMs);
	const counts = [newest.length];
	let lookedMs = NEWEST_MS;
	for (let index = 0; index < SAMPLES; index++) {
		const fromMs = firstMs + ((lastMs - NEWEST_MS - firstMs) * index) / SAMPLES;
		counts.push((await list(fromMs, fromMs + SAMPLE_MS - 1)).length);
		lookedMs += SAMPLE_MS;
	}
	const seen = counts.reduce((sum, count) => sum + count, 0);
	const estimate = Math.max(seen, Math.round((seen * (lastMs - firstMs)) / lookedMs));
	const empty = counts.filter((count) => count === 0).length;
	const where = empty === 0 ? '' : `; nothing in ${empty} of ${counts.length} places looked at`;
	return {
		fragments: newest,
		checks: [
			ok('stored', `about ${counted(estimate, 'fragment')} ${ends}, estimated${where}`),
			gapsCheck(
				newest,
				`in the newest ${NEWEST_MS / 60_000} minutes; kvs-archive timeline looks through all`,
			),
		],
	};
}

/** How long after the last frame of a fragment the next may begin: a second of few frames, and the service's own 50 ms. */
const MAX_STEP_MS = 1050;

function gapsCheck(fragments: readonly Fragment[], where: string): Check {
	const byTime = fragments.toSorted((a, b) => a.producerTimestamp.getTime() - b.producerTimestamp.getTime());
	let gaps = 0;
	let longestMs = 0;
	let endMs = Number.POSITIVE_INFINITY;
	for (const { producerTimestamp, fragmentLengthInMilliseconds: lengthMs } of byTime) {
		const stepMs = producerTimestamp.getTime() - endMs;
		if (stepMs > MAX_STEP_MS) {
			gaps++;
			longestMs = Math.max(longestMs, stepMs);
		}
		endMs = producerTimestamp.getTime() + lengthMs;
	}
	if (gaps === 0) return ok('gaps', `none of more than a second, ${where}`);
	return warning(
		'gaps',
		`${counted(gaps, 'gap')}, the longest ${(longestMs / 1000).toFixed(1)} s, ${where}`,
		'nothing was recorded in these: see kvs-archive timeline, and --gaps of export',
	);
}
