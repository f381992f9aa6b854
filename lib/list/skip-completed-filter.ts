import { ArchiveError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';
import { Stage } from '../stream/stage.js';

/** Code of the error that says that the archive has got fragments among those that are known. */
export const LATE_FRAGMENT = 'KVS_LATE_FRAGMENT';

/** Options of {@link SkipCompletedFilter}. */
export interface SkipCompletedFilterOptions {
	/** Numbers of the fragments that an earlier run is done with. */
	readonly known: ReadonlySet<string>;
	/** The last of them, in the order of the listing. */
	readonly last: string | null;
	readonly range: ResolvedTimeRange;
}

/**
 * Leaves out of a listing what an earlier run is done with, so that only what is missing is asked for.
 *
 * What was added to the archive before the last known fragment cannot be put in its place any more: an `ArchiveError`
 * (`KVS_LATE_FRAGMENT`), on which the run is to start over. Fragments that begin before the range, which may have been looked
 * at and dropped, do not count as added.
 */
export class SkipCompletedFilter extends Stage<Fragment, Fragment> {
	readonly #options: SkipCompletedFilterOptions;
	/** Not known; held until it is clear that nothing known follows. */
	#held: Fragment[] = [];
	#left: number;

	constructor(options: SkipCompletedFilterOptions) {
		super();
		this.#options = options;
		this.#left = options.known.size;
	}

	protected override process(fragment: Fragment): Fragment[][] {
		const { known, last, range } = this.#options;
		if (this.#left === 0) return [[fragment]];
		if (!known.has(fragment.fragmentNumber)) {
			if (startMs(fragment, range.by) >= range.fromMs) this.#held.push(fragment);
			return [];
		}
		const late = this.#held[0];
		if (late !== undefined) {
			throw new ArchiveError(
				LATE_FRAGMENT,
				`fragment ${late.fragmentNumber}, which comes before ${fragment.fragmentNumber}, was added to the archive after that one was read`,
			);
		}
		this.#left = fragment.fragmentNumber === last ? 0 : this.#left - 1;
		return [];
	}

	protected override finish(): Fragment[][] {
		return [this.#held];
	}
}
