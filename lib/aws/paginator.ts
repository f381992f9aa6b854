import { ArchiveError, InvalidOptionError } from '../errors.js';
import { retry } from '../pace/retry.js';
import { withPermit } from '../pace/with-permit.js';
import { invalidMember, invalidResponse, isRetryableRequest } from './aws-errors.js';
import {
	findOperation,
	type Operation,
	type OperationPages,
	type OperationParams,
	type Paging,
} from './operations.js';
import { readPageToken, toPageToken } from './page-token.js';
import type { ServiceContext } from './service-context.js';

/** How often in a row an empty page may name itself as the next, before the listing is considered endless. */
const MAX_PUT_OFF = 20;

/** The most empty pages in a row. */
const MAX_EMPTY_PAGES = 100;

/** How an operation is paged through. */
export interface PaginateOptions {
	/** Items after which to stop, in the middle of a page where need be; `nextToken` then says where to go on. */
	readonly maxItems?: number | undefined;
	/** MaxResults of each call. @default what `params` say, else the service's own */
	readonly pageSize?: number | undefined;
	/** `nextToken` of earlier paging of the same operation. */
	readonly startingToken?: string | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** A response of the service, with its own member names. */
export type Page = Readonly<Record<string, unknown>>;

/** The pages of an operation; of one that is named at run time, or as boto3 does, any response. */
export type PageOf<Name extends string> = Name extends keyof OperationPages
	? Omit<OperationPages[Name], '$metadata'>
	: Page;

/** The items of an operation's pages. */
export type ItemOf<Name extends string> = Name extends keyof OperationPages
	? PageItems[Name]
	: Readonly<Record<string, unknown>>;

/** Of each operation that has pages, what its items are. */
interface PageItems {
	ListFragments: NonNullable<OperationPages['ListFragments']['Fragments']>[number];
	GetImages: NonNullable<OperationPages['GetImages']['Images']>[number];
	ListStreams: NonNullable<OperationPages['ListStreams']['StreamInfoList']>[number];
}

/** Whether an operation, by AWS's name or boto3's, responds in pages. Throws `InvalidOptionError` for an unknown name. */
export function canPaginate(name: string): boolean {
	return findOperation(name).paging !== null;
}

/**
 * The pages of an operation, each requested when it is read; items come unsorted, as from the service.
 *
 * Every loop over it begins anew. Errors are `RequestError`s, after the retries are spent.
 */
export class Paginator<Name extends string = string> implements AsyncIterable<PageOf<Name>> {
	readonly #operation: Operation;
	readonly #paging: Paging;
	readonly #params: OperationParams<Name>;
	readonly #options: PaginateOptions;
	readonly #context: ServiceContext;
	readonly #start: { readonly nextToken: string | null; readonly skip: number };
	#nextToken: string | null = null;

	/** Throws `ArchiveError` (`KVS_NOT_PAGEABLE`) for an operation that has no pages, `InvalidOptionError` for wrong options. */
	constructor(name: Name, params: OperationParams<Name>, options: PaginateOptions, context: ServiceContext) {
		this.#operation = findOperation(name);
		const { paging } = this.#operation;
		if (paging === null) {
			const message = `cannot paginate \`${this.#operation.name}\`: it is not a paginated operation; use \`presign\`, or the AWS SDK`;
			throw new ArchiveError('KVS_NOT_PAGEABLE', message);
		}
		checkCount('maxItems', options.maxItems, Number.MAX_SAFE_INTEGER);
		checkCount('pageSize', options.pageSize, paging.maxPageSize);
		const { startingToken } = options;
		this.#start =
			startingToken === undefined
				? { nextToken: null, skip: 0 }
				: readPageToken(startingToken, this.#operation.name);
		this.#paging = paging;
		this.#params = params;
		this.#options = options;
		this.#context = context;
	}

	/** Where to go on, once it has ended because of `maxItems` while there was more; else null. */
	get nextToken(): string | null {
		return this.#nextToken;
	}

	/** The pages' items, one by one: `Fragments`, `Images` or `StreamInfoList` of the responses. */
	async *items<Item = ItemOf<Name>>(): AsyncGenerator<Item> {
		for await (const page of this) yield* (page as Page)[this.#paging.itemsMember] as Item[];
	}

	/** The pages; the items of the last one are cut to `maxItems`, those of the first to where paging goes on. */
	async *[Symbol.asyncIterator](): AsyncGenerator<PageOf<Name>> {
		const { itemsMember } = this.#paging;
		let left = this.#options.maxItems ?? Number.POSITIVE_INFINITY;
		let position = this.#start;
		let repeated = 0;
		let empty = 0;
		this.#nextToken = null;
		for (;;) {
			const { nextToken, skip } = position;
			const page = await this.#ask(nextToken);
			const all = this.#itemsOf(page);
			const items = all.slice(skip, skip + left);
			left -= items.length;
			const following = typeof page['NextToken'] === 'string' ? page['NextToken'] || null : null;
			// A page that is not ready yet names itself as the next; one with items that does would never end.
			repeated = following !== null && following === nextToken ? repeated + 1 : 0;
			if (repeated > (all.length === 0 ? MAX_PUT_OFF : 0)) {
				throw invalidResponse(
					this.#operation.name,
					this.#context.client.stream,
					'responded with the same NextToken again',
				);
			}
			empty = all.length === 0 ? empty + 1 : 0;
			if (following !== null && empty > MAX_EMPTY_PAGES) {
				const said = `responded with ${empty} empty pages in a row`;
				throw invalidResponse(this.#operation.name, this.#context.client.stream, said);
			}
			const taken = skip + items.length;
			const isCut = taken < all.length;
			position = isCut ? { nextToken, skip: taken } : { nextToken: following, skip: 0 };
			const isOver = !isCut && following === null;
			if (left === 0 && !isOver) {
				this.#nextToken = toPageToken({ operation: this.#operation.name, ...position });
			}
			yield { ...page, [itemsMember]: items } as PageOf<Name>;
			if (isOver || left === 0) return;
		}
	}

	#itemsOf({ [this.#paging.itemsMember]: items }: Page): unknown[] {
		if (Array.isArray(items)) return items;
		if (items === undefined || items === null) return [];
		const said = invalidMember(this.#paging.itemsMember, 'a list', items);
		throw invalidResponse(this.#operation.name, this.#context.client.stream, said);
	}

	#ask(nextToken: string | null): Promise<Page> {
		const { client, limiter, clock } = this.#context;
		const { pageSize, signal } = this.#options;
		const params: Page = {
			...this.#params,
			...(pageSize !== undefined && { MaxResults: pageSize }),
			...(nextToken !== null && { NextToken: nextToken }),
		};
		const asked = typeof params['MaxResults'] === 'number' ? params['MaxResults'] : this.#paging.maxPageSize;
		const cost = {
			metadataPoints: this.#paging.metadataPoints(asked),
			mediaPoints: this.#paging.mediaPoints(asked),
			signal,
		};
		const attempt = (): Promise<Page> =>
			withPermit(limiter, cost, (permitted) => client.send<string>(this.#operation.name, params, permitted));
		return retry(attempt, { isRetryable: isRetryableRequest, signal, clock });
	}
}

function checkCount(option: string, value: number | undefined, max: number): void {
	if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return;
	const expected =
		max === Number.MAX_SAFE_INTEGER ? 'an integer of at least 1' : `an integer from 1 to ${max}`;
	throw new InvalidOptionError(option, expected, value);
}
