import type { Readable } from 'node:stream';
import type { ArchiveClient } from '../aws/archive-client.js';
import { invalidResponse } from '../aws/aws-errors.js';
import type { CallRecord } from '../aws/call-record.js';
import { InvalidOptionError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type ResolvedTimeRange, resolveTimeRange, startMs, type TimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import type { RetryPolicy } from '../pace/retry.js';
import { streamLimiter } from '../pace/shared-rate-limiter.js';
import { Source } from '../stream/source.js';
import { type ListingOptions, listWindow } from './fragment-pages.js';
import { isBefore, type ListingPosition, readListingToken, toListingToken } from './listing-token.js';
import { MAX_WINDOW_FRAGMENTS, Windows } from './windows.js';

/** The most fragments a ListFragments call may respond with. */
const MAX_PAGE_SIZE = 1000;

/**
 * The most fragments that may begin in one millisecond, which is as short as a window gets: those of two days from a
 * camera whose clock stands still. They are all held.
 */
const MAX_MILLISECOND_FRAGMENTS = 100_000;

/** Fragments that may wait at the exit: while they are fetched, the next window is listed. */
const READ_AHEAD_FRAGMENTS = 1000;

/** A stream of fragments: a Readable in object mode, typed in `for await`. Leaving the loop early is a normal end. */
export interface FragmentStream extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<Fragment>;
	/** The same fragments in arrays, which costs less for each. Use one or the other. */
	batches(): AsyncIterable<Fragment[]>;
	/** Where to go on, once the stream has ended because of `maxItems` while there was more; else null. */
	readonly nextToken: string | null;
}

/** Options of {@link FragmentSource}. */
export interface FragmentSourceOptions {
	readonly client: ArchiveClient;
	readonly range: TimeRange;
	/** @default the process's own for this endpoint, region and stream */
	readonly limiter?: RateLimiter | undefined;
	/** Fragments after which to stop; `nextToken` then says where to go on. @default all of them */
	readonly maxItems?: number | undefined;
	/** MaxResults of each call, 1 to 1,000. @default 1000 */
	readonly pageSize?: number | undefined;
	/** `nextToken` of an earlier listing. Its range and clock are gone on with; `range` is not looked at then. */
	readonly startingToken?: string | undefined;
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	/** Called with how many fragments each window brought. */
	readonly onListed?: ((count: number) => void) | undefined;
	readonly retryPolicy?: RetryPolicy | undefined;
	readonly clock?: Clock | undefined;
	readonly random?: (() => number) | undefined;
}

const OPTION_NAMES: OptionNames<FragmentSourceOptions> = {
	client: true,
	range: true,
	limiter: true,
	maxItems: true,
	pageSize: true,
	startingToken: true,
	onCall: true,
	onListed: true,
	retryPolicy: true,
	clock: true,
	random: true,
};

/**
 * The fragments of a time range, each once, sorted by the range's clock and then by number.
 *
 * ListFragments responds in no order, across pages too, so the range is listed window by window, and each window is sorted
 * before its first fragment is given out. Memory is bounded by a window (5,000 fragments), not by the range; what the
 * service lists besides the window it was asked for is left out. An empty range ends without a fragment. Errors are `RequestError`s, thrown after the retries are spent.
 */
export class FragmentSource extends Source<Fragment> {
	readonly #options: FragmentSourceOptions;
	readonly #range: ResolvedTimeRange;
	readonly #start: ListingPosition | null;
	#nextToken: string | null = null;

	constructor(options: FragmentSourceOptions) {
		super({ readableHighWaterMark: READ_AHEAD_FRAGMENTS });
		checkOptionNames(options, OPTION_NAMES);
		const { maxItems, pageSize, startingToken } = options;
		if (maxItems !== undefined && !(Number.isInteger(maxItems) && maxItems >= 1)) {
			throw new InvalidOptionError('maxItems', 'an integer of at least 1', maxItems);
		}
		if (
			pageSize !== undefined &&
			!(Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= MAX_PAGE_SIZE)
		) {
			throw new InvalidOptionError('pageSize', `an integer from 1 to ${MAX_PAGE_SIZE}`, pageSize);
		}
		this.#options = options;
		this.#start = startingToken === undefined ? null : readListingToken(startingToken);
		this.#range = this.#start?.range ?? resolveTimeRange(options.range);
	}

	/** Where to go on, once the source has ended because of `maxItems` while there was more; else null. */
	get nextToken(): string | null {
		return this.#nextToken;
	}

	protected override async *produce(): AsyncGenerator<Fragment[]> {
		const { maxItems = Number.POSITIVE_INFINITY } = this.#options;
		let count = 0;
		let last: Fragment | null = null;
		for await (const fragments of this.#listed()) {
			const taken = fragments.slice(0, maxItems - count);
			count += taken.length;
			last = taken.at(-1) ?? last;
			yield taken;
			if (taken.length < fragments.length && last !== null) {
				this.#nextToken = toListingToken({
					range: this.#range,
					afterMs: startMs(last, this.#range.by),
					afterNumber: last.fragmentNumber,
				});
				return;
			}
		}
	}

	/** The windows' fragments, none of them empty. */
	async *#listed(): AsyncGenerator<Fragment[]> {
		const { client, pageSize = MAX_PAGE_SIZE, onCall, retryPolicy, clock, random } = this.#options;
		const limiter = streamLimiter(this.#options.limiter, () => client.quotaKey());
		const options: ListingOptions = {
			pageSize,
			limiter,
			onCall,
			retryPolicy,
			clock,
			random,
			signal: this.signal,
		};
		const start = this.#start;
		let before: ReadonlySet<string> = new Set();
		const windows = new Windows(start === null ? this.#range : { ...this.#range, fromMs: start.afterMs });
		for (let window = windows.current; window !== null; window = windows.current) {
			let fragments = await listWindow(client, window, MAX_WINDOW_FRAGMENTS, options);
			if (fragments === null && windows.halve()) continue;
			// A millisecond cannot be halved: the fragments it has are held, up to a limit.
			fragments ??= await listWindow(client, window, MAX_MILLISECOND_FRAGMENTS, options);
			if (fragments === null) {
				const other = window.by === 'producer' ? 'server' : 'producer';
				const said = `listed more than ${MAX_MILLISECOND_FRAGMENTS} fragments in one millisecond of the ${window.by}'s clock; list by the ${other}'s`;
				throw invalidResponse('ListFragments', client.stream, said);
			}
			windows.listed(fragments.length);
			// A fragment is in one window only, whatever times the service gives it.
			const repeated = before;
			if (fragments.length > 0) before = new Set(fragments.map(({ fragmentNumber }) => fragmentNumber));
			fragments = fragments.filter(({ fragmentNumber }) => !repeated.has(fragmentNumber));
			if (start !== null) fragments = fragments.filter((fragment) => !isBefore(fragment, start));
			this.#options.onListed?.(fragments.length);
			if (fragments.length > 0) yield fragments;
		}
	}
}
