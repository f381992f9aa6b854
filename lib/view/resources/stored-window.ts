import type { KvsArchive, RangeClock } from '../../index.js';

/** A window with more fragments than this is sampled instead. */
const MAX_FRAGMENTS = 3000;

/** How often an empty page with a token is followed by another, for one sample. */
const MAX_EMPTY_PAGES = 5;

/** A window of time, both ends included. */
export interface Window {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
}

/** A stored fragment as the page draws it: producer start, server start (epoch ms), length in ms, bytes, number. */
export type StoredFragment = readonly [
	producerMs: number,
	serverMs: number,
	lengthMs: number,
	sizeBytes: number,
	number: string,
];

/** What a window holds: fragments as the pages of its listing come, unordered; then how it ended. */
export type WindowLine =
	| { readonly fragments: readonly StoredFragment[] }
	/** Everything was listed, or there is more than can be: then buckets are sampled. */
	| { readonly isWhole: boolean };

interface ListedFragment {
	readonly FragmentNumber?: string | undefined;
	readonly FragmentSizeInBytes?: number | undefined;
	readonly ProducerTimestamp?: Date | undefined;
	readonly ServerTimestamp?: Date | undefined;
	readonly FragmentLengthInMilliseconds?: number | undefined;
}

/** Lists the fragments that begin in a window, page by page, and no more of them than can be drawn. */
export async function* storedWindow(
	archive: KvsArchive,
	window: Window,
	signal: AbortSignal,
): AsyncGenerator<WindowLine> {
	let count = 0;
	for await (const { Fragments = [], NextToken } of pagesOf(archive, window, 1000, signal)) {
		count += Fragments.length;
		if (count > MAX_FRAGMENTS || (count === MAX_FRAGMENTS && NextToken != null)) {
			yield { isWhole: false };
			return;
		}
		yield { fragments: Fragments.map(toStored) };
	}
	yield { isWhole: true };
}

/** One fragment that begins in a bucket; null where none does. One small listing. */
export async function sampleBucket(
	archive: KvsArchive,
	bucket: Window,
	signal: AbortSignal,
): Promise<StoredFragment | null> {
	let pages = 0;
	for await (const { Fragments = [] } of pagesOf(archive, bucket, 1, signal)) {
		const [fragment] = Fragments;
		if (fragment !== undefined) return toStored(fragment);
		pages++;
		if (pages === MAX_EMPTY_PAGES) return null;
	}
	return null;
}

function pagesOf(archive: KvsArchive, { from, to, by }: Window, pageSize: number, signal: AbortSignal) {
	return archive.paginate(
		'ListFragments',
		{
			FragmentSelector: {
				FragmentSelectorType: by === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
				TimestampRange: { StartTimestamp: from, EndTimestamp: to },
			},
		},
		{ pageSize, signal },
	);
}

function toStored(fragment: ListedFragment): StoredFragment {
	return [
		fragment.ProducerTimestamp?.getTime() ?? 0,
		fragment.ServerTimestamp?.getTime() ?? 0,
		fragment.FragmentLengthInMilliseconds ?? 0,
		fragment.FragmentSizeInBytes ?? 0,
		fragment.FragmentNumber ?? '',
	];
}
