import { selectorOf } from '../aws/range-selector.js';
import type { KvsArchive, RangeClock } from '../index.js';

/** The most fragments that one page of a listing has. */
export const MAX_PAGE = 1000;

/** How often an empty page with a token is followed by another, where any fragment of a window will do. */
export const MAX_EMPTY_PAGES = 5;

/** A window of time, both ends included. */
export interface Window {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
}

/** A fragment as a listing gives it. */
export interface ListedFragment {
	readonly FragmentNumber?: string | undefined;
	readonly FragmentSizeInBytes?: number | undefined;
	readonly ProducerTimestamp?: Date | undefined;
	readonly ServerTimestamp?: Date | undefined;
	readonly FragmentLengthInMilliseconds?: number | undefined;
}

/** The pages of a window's listing, each fragment in one of them, in no order. */
export function windowPages(
	archive: KvsArchive,
	{ from, to, by }: Window,
	pageSize: number,
	signal: AbortSignal,
) {
	const FragmentSelector = selectorOf({ by, fromMs: from.getTime(), toMs: to.getTime() });
	return archive.paginate('ListFragments', { FragmentSelector }, { pageSize, signal });
}

/** When a listed fragment begins on a clock, epoch milliseconds. */
export function startOf({ ProducerTimestamp, ServerTimestamp }: ListedFragment, by: RangeClock): number {
	return (by === 'server' ? ServerTimestamp : ProducerTimestamp)?.getTime() ?? 0;
}
