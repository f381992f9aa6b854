import type { KvsArchive, RangeClock } from '../../index.js';

/** Where a window has more fragments than this, these are samples. */
const MAX_FRAGMENTS = 1000;

/** How often an empty page with a token is followed by another, for one sample. */
const MAX_EMPTY_PAGES = 5;

/** The most fragments that one page of a listing has. */
export const MAX_PAGE = 1000;

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

/** A fragment as a listing gives it. */
export interface ListedFragment {
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
	for await (const { Fragments = [], NextToken } of windowPages(archive, window, MAX_PAGE, signal)) {
		count += Fragments.length;
		yield { fragments: Fragments.map(toStored) };
		if (count >= MAX_FRAGMENTS && NextToken != null) {
			yield { isWhole: false };
			return;
		}
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
	for await (const { Fragments = [] } of windowPages(archive, bucket, 1, signal)) {
		const [fragment] = Fragments;
		if (fragment !== undefined) return toStored(fragment);
		pages++;
		if (pages === MAX_EMPTY_PAGES) return null;
	}
	return null;
}

/** The pages of a window's listing, each fragment in one of them, in no order. */
export function windowPages(
	archive: KvsArchive,
	{ from, to, by }: Window,
	pageSize: number,
	signal: AbortSignal,
) {
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

/** When a listed fragment begins on a clock, epoch milliseconds. */
export function startOf({ ProducerTimestamp, ServerTimestamp }: ListedFragment, by: RangeClock): number {
	return (by === 'server' ? ServerTimestamp : ProducerTimestamp)?.getTime() ?? 0;
}

function toStored(fragment: ListedFragment): StoredFragment {
	return [
		startOf(fragment, 'producer'),
		startOf(fragment, 'server'),
		fragment.FragmentLengthInMilliseconds ?? 0,
		fragment.FragmentSizeInBytes ?? 0,
		fragment.FragmentNumber ?? '',
	];
}
