import type { RangeClock } from '../../model/time-range.js';
import type { ClockRange, Snapshot } from '../store/fragment-index.js';
import { permutedPosition } from '../store/page-permutation.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { NEXT_TOKEN } from '../wire/page-token.js';
import type { RequestFields } from '../wire/request-fields.js';
import { invalidArgument } from '../wire/service-error.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** Undocumented; the Java parser library requests as many. */
const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

const selectorTypes = ['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'] as const;
const clocks: Readonly<Record<(typeof selectorTypes)[number], RangeClock>> = {
	PRODUCER_TIMESTAMP: 'producer',
	SERVER_TIMESTAMP: 'server',
};

/** A page of a listing, and everything that identifies it; also the content of a token. */
type Page = ClockRange &
	Snapshot & {
		readonly stream: string;
		readonly creationMs: number;
		readonly pageSize: number;
		/** Results before this page. */
		readonly skipped: number;
		/** {@link FragmentIndex.removedBeforeMs} when the listing began. */
		readonly removedBeforeMs: number;
	};

/**
 * ListFragments: the fragments whose start is in a range, both ends included, deliberately in no order. A token wins over
 * a selector and page size beside it.
 */
export const listFragments: JsonOperation = {
	name: 'ListFragments',
	path: '/listFragments',
	respond(request, { archive, tokens, nowMs }) {
		const requested = requestedStream(request);
		const pageSize = request.integer('MaxResults', { min: 1, max: MAX_PAGE_SIZE }) ?? DEFAULT_PAGE_SIZE;
		const token = request.string('NextToken', NEXT_TOKEN);
		const range = token === undefined ? readSelector(request.requiredObject('FragmentSelector')) : null;
		const stream = requested.find(archive);
		const { name, creationMs } = stream.metadata;

		const page: Page | null =
			range === null
				? tokens.open<Page>('ListFragments', token as string)
				: {
						...range,
						...stream.snapshot(nowMs),
						stream: name,
						creationMs,
						pageSize,
						skipped: 0,
						removedBeforeMs: stream.fragments.removedBeforeMs,
					};
		if (page === null || page.stream !== name || page.creationMs !== creationMs) {
			throw invalidArgument('expected NextToken to be one this server gave out for this stream');
		}
		const { removedBeforeMs } = stream.fragments;
		// What was removed since the listing began is missing, and every result would move.
		if (removedBeforeMs !== page.removedBeforeMs && page.sinceMs < removedBeforeMs) {
			throw invalidArgument(
				'expected a NextToken of a listing that is still valid: fragments of it expired; list again',
			);
		}
		const selection = stream.fragments.select(page, page);
		const end = Math.min(page.skipped + page.pageSize, selection.length);
		const fragments: StoredFragment[] = [];
		for (let index = page.skipped; index < end; index++) {
			const fragment = selection.at(permutedPosition(index, selection.length));
			// What expired since the listing began keeps its place, and is left out.
			if (stream.fragment(fragment.number, nowMs) !== undefined) fragments.push(fragment);
		}
		const tokenFrom = (skipped: number): string => tokens.seal('ListFragments', { ...page, skipped });
		return {
			kind: 'listing',
			fragments,
			nextToken: end < selection.length ? tokenFrom(end) : null,
			ownToken: () => tokenFrom(page.skipped),
			metadataPoints: page.pageSize,
		};
	},
};

function readSelector(selector: RequestFields): ClockRange {
	const type = selector.oneOf('FragmentSelectorType', selectorTypes);
	const range = selector.requiredObject('TimestampRange');
	const startMs = range.timeMs('StartTimestamp');
	const endMs = range.timeMs('EndTimestamp');
	if (endMs < startMs) {
		throw invalidArgument(
			`expected EndTimestamp not to be before StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	return { clock: clocks[type], startMs, endMs };
}
