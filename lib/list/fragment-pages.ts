import type { ArchiveClient } from '../aws/archive-client.js';
import { invalidResponse, isInvalidArgument, isRetryableRequest } from '../aws/aws-errors.js';
import type { CallOptions } from '../aws/call-record.js';
import type { FragmentPage } from '../aws/fragment-page.js';
import { compareFragmentNumbers, type Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import { type RetryPolicy, retry } from '../pace/retry.js';
import { withPermit } from '../pace/with-permit.js';

/** How often in a row a page may be empty and name itself as the next, before the listing is considered endless. */
const MAX_PUT_OFF = 20;

/** The most pages in a row that bring no new fragment. */
const MAX_BARREN_PAGES = 100;

/** How often a listing is begun again that the service does not go on with, as fragments of it have expired. */
const MAX_RESTARTS = 5;

/** What a listing needs besides its range. */
export interface ListingOptions extends CallOptions {
	/** MaxResults of a call, 1 to 1,000. */
	readonly pageSize: number;
	readonly limiter: RateLimiter;
	readonly retryPolicy?: RetryPolicy | undefined;
	readonly clock?: Clock | undefined;
	readonly random?: (() => number) | undefined;
}

/**
 * Lists one window whole: every page, each fragment once, sorted by the window's clock and then by number. What the
 * service lists besides the window is left out.
 *
 * Returns null as soon as more than `maxFragments` have come: the window is too full to be held.
 */
export async function listWindow(
	client: ArchiveClient,
	window: ResolvedTimeRange,
	maxFragments: number,
	options: ListingOptions,
): Promise<Fragment[] | null> {
	const { signal, retryPolicy: policy, clock, random } = options;
	const fragments = new Map<string, Fragment>();
	let nextToken: string | null = null;
	let repeated = 0;
	let emptyRetries = 0;
	let restarts = 0;
	for (;;) {
		const request = { maxResults: options.pageSize, nextToken };
		let page: FragmentPage;
		try {
			page = await retry(() => listSurePage(client, window, request, options), {
				isRetryable: isRetryableRequest,
				policy,
				signal,
				clock,
				random,
			});
		} catch (error) {
			const isTokenRefused = nextToken !== null && isInvalidArgument(error);
			if (!isTokenRefused || ++restarts > MAX_RESTARTS) throw error;
			fragments.clear();
			nextToken = null;
			continue;
		}
		const before = fragments.size;
		for (const fragment of page.fragments) {
			const ms = startMs(fragment, window.by);
			if (ms >= window.fromMs && ms <= window.toMs) fragments.set(fragment.fragmentNumber, fragment);
		}
		if (fragments.size > maxFragments) return null;
		nextToken = page.nextToken;
		// A page without fragments may name itself as the next: its fragments come when it is requested again later.
		const isRepeated = nextToken !== null && nextToken === request.nextToken;
		repeated = isRepeated ? repeated + 1 : 0;
		if (repeated > (page.fragments.length === 0 ? MAX_PUT_OFF : 0)) {
			throw invalidResponse(
				'ListFragments',
				client.stream,
				'responded with the same NextToken again and again',
			);
		}
		emptyRetries = fragments.size > before ? 0 : emptyRetries + 1;
		if (nextToken !== null && emptyRetries > MAX_BARREN_PAGES) {
			const said = `responded with ${emptyRetries} pages in a row without a new fragment`;
			throw invalidResponse('ListFragments', client.stream, said);
		}
		if (nextToken === null) break;
	}
	return [...fragments.values()].sort(
		(a, b) =>
			startMs(a, window.by) - startMs(b, window.by) ||
			compareFragmentNumbers(a.fragmentNumber, b.fragmentNumber),
	);
}

interface PageRequest {
	readonly maxResults: number;
	readonly nextToken: string | null;
}

/**
 * One page. A blank one is believed when it comes twice: the service was seen to respond so for times before a stream was
 * made, and a body that is lost, with a clean end, looks the same.
 */
async function listSurePage(
	client: ArchiveClient,
	window: ResolvedTimeRange,
	request: PageRequest,
	options: ListingOptions,
): Promise<FragmentPage> {
	const page = await listPage(client, window, request, options);
	return page.isBlank ? listPage(client, window, request, options) : page;
}

/** One page, once the quota of metadata points has room for it. */
async function listPage(
	client: ArchiveClient,
	window: ResolvedTimeRange,
	request: PageRequest,
	options: ListingOptions,
): Promise<FragmentPage> {
	const { limiter, signal } = options;
	return withPermit(limiter, { metadataPoints: request.maxResults, signal }, (permitted) =>
		client.listFragments(window, request, { ...options, ...permitted }),
	);
}
