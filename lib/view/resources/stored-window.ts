import type { KvsArchive } from '../../index.js';
import {
	type ListedFragment,
	MAX_EMPTY_PAGES,
	MAX_PAGE,
	startOf,
	type Window,
	windowPages,
} from '../../stored/window-pages.js';
import type { StoredFragment, WindowLine } from '../view-responses.js';

/** Where a window has more fragments than this, these are samples. */
const MAX_FRAGMENTS = 1000;

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

function toStored(fragment: ListedFragment): StoredFragment {
	return [
		startOf(fragment, 'producer'),
		startOf(fragment, 'server'),
		fragment.FragmentLengthInMilliseconds ?? 0,
		fragment.FragmentSizeInBytes ?? 0,
		fragment.FragmentNumber ?? '',
	];
}
