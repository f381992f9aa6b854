import { pipeline } from 'node:stream';
import { InvalidOptionError } from '../errors.js';
import type { Where } from '../frames/where.js';
import { DuplicateFilter } from '../list/duplicate-filter.js';
import { FragmentSource, type FragmentSourceOptions, type FragmentStream } from '../list/fragment-source.js';
import { LeadInFilter, withPaddedStart } from '../list/lead-in-filter.js';
import type { Fragment } from '../model/fragment.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import type { Stage } from '../stream/stage.js';

/** What of a range is listed. */
export interface ListingSelection {
	/** See {@link RunOptions}. @default false */
	readonly padStart?: boolean | undefined;
	/** See {@link RunOptions}. @default 'keep-all' */
	readonly duplicates?: 'keep-all' | 'keep-newest' | undefined;
	/** See {@link RunOptions}: then which of the fragments before the range is wanted is not known yet. @default all */
	readonly where?: Where | undefined;
}

/** The stages of a listing, in their order. */
export interface ListingStages {
	readonly source: FragmentSource;
	readonly filters: readonly Stage<Fragment, Fragment>[];
	/** The fragments that begin before the range, by number, and whether they are known to reach it; null without padding. */
	readonly padding: ReadonlyMap<string, boolean> | null;
}

/** The source of a range's fragments, and the filters that the selection asks for. Throws {@link InvalidOptionError}. */
export function listingStages(
	range: TimeRange,
	{ padStart = false, duplicates = 'keep-all', where }: ListingSelection,
	service: Omit<FragmentSourceOptions, 'range'>,
	onDropped: (count?: number) => void = () => {},
): ListingStages {
	if (duplicates !== 'keep-all' && duplicates !== 'keep-newest') {
		throw new InvalidOptionError('duplicates', "'keep-all' or 'keep-newest'", duplicates);
	}
	const resolved = resolveTimeRange(range);
	const padding = padStart
		? new LeadInFilter({ range: resolved, onDropped, keepsAll: where !== undefined })
		: null;
	return {
		source: new FragmentSource({ ...service, range: padStart ? withPaddedStart(resolved) : range }),
		filters: [
			...(duplicates === 'keep-newest' ? [new DuplicateFilter({ by: resolved.by, onDropped })] : []),
			...(padding === null ? [] : [padding]),
		],
		padding: padding?.kept ?? null,
	};
}

/** The fragments of a range as one stream. Throws {@link InvalidOptionError}. */
export function openListing(
	range: TimeRange,
	selection: ListingSelection,
	service: Omit<FragmentSourceOptions, 'range'>,
): FragmentStream {
	const { source, filters } = listingStages(range, selection, service);
	const last = filters.at(-1);
	// The parts are untyped in `for await`, so that they fit into `pipeline()`.
	if (last === undefined) return source as FragmentStream;
	for (const option of ['maxItems', 'startingToken'] as const) {
		// A token says where the listing stopped, and filters hold fragments that are before that.
		if (service[option] === undefined) continue;
		throw new InvalidOptionError(option, 'left out with `padStart` and `duplicates`', service[option]);
	}
	// The outcome reaches the caller through the last filter, which the pipeline destroys with the error.
	pipeline([source, ...filters], () => {});
	return Object.assign(last, { nextToken: null }) as FragmentStream;
}
