import {
	InvalidOptionError,
	type KvsArchive,
	type PictureStream,
	type PicturesOptions,
} from '../../../index.js';
import { parseDuration } from '../../duration.js';
import { parsePointInTime } from '../../point-in-time.js';

/** How far back a picture is looked for by default. */
const DEFAULT_LOOKBACK = '60s';

/** Times whose pictures are wanted, and how far before them these may be. */
export interface ScreenRequest {
	readonly times: readonly Date[];
	readonly by: 'server' | 'producer';
	readonly lookbackMs: number;
}

/** Options that name times in place of a range. */
export interface ScreenOptions {
	readonly at?: readonly string[];
	readonly lookback?: string;
	readonly from?: string;
	readonly to?: string;
	readonly by: string;
}

/** The times that `--at` names; null without it. Throws `InvalidOptionError`. */
export function screenRequestOf(options: ScreenOptions, nowMs: number): ScreenRequest | null {
	const { at = [], from, to, by, lookback } = options;
	if (at.length === 0) {
		if (lookback !== undefined) throw new InvalidOptionError('--lookback', 'used with --at', lookback);
		return null;
	}
	if (from !== undefined || to !== undefined) {
		throw new InvalidOptionError('--at', 'used without --from and --to', at[0]);
	}
	if (by !== 'server' && by !== 'producer')
		throw new InvalidOptionError('--by', '`server` or `producer`', by);
	const lookbackMs = parseDuration(lookback ?? DEFAULT_LOOKBACK);
	if (lookbackMs === null || lookbackMs <= 0) {
		throw new InvalidOptionError('--lookback', 'a length of time (60s, 5m)', lookback);
	}
	// The same time in two spellings is one picture.
	const timesMs = new Set(at.map((time) => parsePointInTime('--at', time, nowMs).getTime()));
	return { times: [...timesMs].map((ms) => new Date(ms)), by, lookbackMs };
}

/**
 * The runs that give the picture on the screen at each time, one after the other. A run reads the last fragment that begins
 * at or before its time; where that has no such picture, everything that is looked back on.
 *
 * `isFound` is asked after each run whether it gave a picture.
 */
export async function* runsAt(
	archive: KvsArchive,
	{ times, by, lookbackMs }: ScreenRequest,
	options: PicturesOptions,
	isFound: () => boolean,
): AsyncGenerator<PictureStream> {
	const { signal } = options;
	for (const to of times) {
		const earliest = new Date(Math.max(0, to.getTime() - lookbackMs));
		const starts: Date[] = [];
		for await (const fragments of archive.fragments({ from: earliest, to, by }, { signal }).batches()) {
			for (const { serverTimestamp, producerTimestamp } of fragments) {
				starts[0] = by === 'server' ? serverTimestamp : producerTimestamp;
			}
		}
		for (const from of [...starts, ...(starts.length > 0 ? [earliest] : [])]) {
			yield archive.pictures({ from, to, by }, { ...options, select: { at: [to] }, padStart: false });
			if (isFound()) break;
		}
	}
}
