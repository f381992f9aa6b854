import { elementHeader, master, string } from '../ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info, tracks as tracksElement } from '../mkv/matroska-writer.js';
import { concatBytes } from '../model/bytes.js';
import { END_OF_FRAGMENT_TAG } from '../model/fragment-limits.js';
import type { Track } from '../model/track.js';
import type { FeedFrame } from './feed-frame.js';
import { partOf } from './frame-part.js';

/** Milliseconds, as all producers have them. */
const TIMECODE_SCALE_NS = 1_000_000;

/** A fragment as it is sent, as often as it takes. */
export interface FeedFragment {
	/** Producer time of its earliest frame and its timecode, epoch milliseconds: no two have the same. */
	readonly timecodeMs: number;
	/** Producer time of its latest frame. */
	readonly latestMs: number;
	readonly frames: number;
	/** Its Cluster and its Tags. */
	readonly bytes: Uint8Array;
}

/** What is sent before the first fragment of a connection: EBML header, Segment, Info and Tracks. */
export function encodeHeader(tracks: readonly Track[]): Uint8Array {
	return concatBytes([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(TIMECODE_SCALE_NS),
		...tracksElement(tracks.map(({ entry }) => entry)),
	]);
}

/** The Tags after each fragment: those of the caller, and the one by which the service takes it for whole without waiting for more. */
export function encodeTags(tags: readonly (readonly [name: string, value: string])[]): Uint8Array {
	const element = (pairs: typeof tags): Uint8Array[] =>
		master('Tags', [
			master(
				'Tag',
				pairs.map(([name, value]) =>
					master('SimpleTag', [string('TagName', name), string('TagString', value)]),
				),
			),
		]);
	return concatBytes([...(tags.length === 0 ? [] : element(tags)), ...element([[END_OF_FRAGMENT_TAG, '']])]);
}

/** A fragment of frames whose times are the producer's. `trailer` is what {@link encodeTags} gives. */
export function encodeFragment(frames: readonly FeedFrame[], trailer: Uint8Array): FeedFragment {
	const { minMs, maxMs } = partOf(frames);
	const blocks = frames.flatMap(({ timeMs, durationMs, ...frame }) =>
		block({ ...frame, relativeTicks: timeMs - minMs, durationTicks: durationMs }),
	);
	// In one piece: thousands of small ones would each be a write of its own, and keep alive what they are views of.
	const bytes = concatBytes([...cluster(BigInt(minMs), blocks), trailer]);
	return { timecodeMs: minMs, latestMs: maxMs, frames: frames.length, bytes };
}
