import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { Fragment } from '../index.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';
import { RANGE_ADVICE } from '../wording/advice.js';

/** A part of a range that is worked on by itself: the fragments that begin in it, both ends included. */
export interface Slice {
	/** Epoch milliseconds on the range's clock. */
	readonly fromMs: number;
	readonly toMs: number;
	/** Whether the fragment that begins before it and runs into it belongs to it too, trimmed: of the first slice alone. */
	readonly padStart: boolean;
	/** Fragments that were listed in it. */
	readonly fragments: number;
}

/** More jobs than anyone wants to wait for at once; each is some hundred bytes in Redis. */
const MAX_SLICES = 10_000;

/**
 * Divides a range into slices that begin where a fragment begins: the first that begins in each `sliceMs`. Together they cover the
 * range without a gap, so that a fragment is in exactly one of them, also one that is listed later. Fragments that begin in the
 * same millisecond are in the same slice. Throws `InvalidOptionError` for more than 10,000 slices, `ArchiveError`
 * (`KVS_EMPTY_RANGE`) where nothing is listed.
 *
 * @param fragments - of the range, sorted by its clock; those that begin before it are counted in the first slice
 */
export async function divideRange(
	fragments: AsyncIterable<Pick<Fragment, 'serverTimestamp' | 'producerTimestamp'>>,
	{
		range: { fromMs, toMs, by },
		sliceMs,
		padStart,
	}: { readonly range: ResolvedTimeRange; readonly sliceMs: number; readonly padStart: boolean },
): Promise<Slice[]> {
	const starts: { fromMs: number; fragments: number }[] = [];
	let turn = -1;
	for await (const fragment of fragments) {
		const ms = startMs(fragment as Fragment, by);
		const its = Math.max(0, Math.floor((ms - fromMs) / sliceMs));
		if (its > turn) {
			turn = its;
			starts.push({ fromMs: starts.length === 0 ? fromMs : ms, fragments: 0 });
			if (starts.length > MAX_SLICES) {
				throw new InvalidOptionError('sliceMs', `long enough for at most ${MAX_SLICES} slices`, sliceMs);
			}
		}
		(starts.at(-1) as { fragments: number }).fragments++;
	}
	if (starts.length === 0) {
		const ends = `${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()} (${by} time)`;
		throw new ArchiveError(
			'KVS_EMPTY_RANGE',
			`nothing to do: no fragment is listed from ${ends}; ${RANGE_ADVICE}`,
		);
	}
	return starts.map((start, index) => ({
		...start,
		toMs: (starts[index + 1]?.fromMs ?? toMs + 1) - 1,
		padStart: padStart && index === 0,
	}));
}
