import type { Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs, type TimeRange } from '../model/time-range.js';
import { Stage } from '../stream/stage.js';

/** How much earlier is listed: the longest fragment the service takes (20 s), and slack for what it measures otherwise. */
const PADDING_MS = 30_000;

/** What a listed length may fall short of the last frame by: rounding, reordered frames, audio that runs on. */
const LENGTH_SLACK_MS = 250;

/** The range to list, so that the fragment that contains `from` is among what is listed. */
export function withPaddedStart({ fromMs, toMs, by }: ResolvedTimeRange): TimeRange {
	return { from: Math.max(0, fromMs - PADDING_MS), to: toMs, by };
}

/** Options of {@link LeadInFilter}. */
export interface LeadInFilterOptions {
	/** What was asked for, without the padding. */
	readonly range: ResolvedTimeRange;
	/** Called with how many fragments were left out. */
	readonly onDropped: (count: number) => void;
	/** Whether all that may reach `from` are kept on the server's clock too: the last one may not be wanted. @default false */
	readonly keepsAll?: boolean | undefined;
}

/**
 * Leaves out of a padded listing what begins before `from` and is over by then.
 *
 * On the producer's clock every fragment that may reach `from` is kept: recordings may overlap. On the server's clock only
 * the last one before `from` is, and none where another begins at `from`: the service begins to receive a fragment when it
 * has the one before, whatever that one's length says.
 */
export class LeadInFilter extends Stage<Fragment, Fragment> {
	/** The kept fragments that begin before `from`, and whether their listed length alone says that they reach it. */
	readonly kept = new Map<string, boolean>();
	readonly #range: ResolvedTimeRange;
	readonly #onDropped: (count: number) => void;
	readonly #isLastOnly: boolean;
	#candidates: Fragment[] = [];

	constructor({ range, onDropped, keepsAll = false }: LeadInFilterOptions) {
		super();
		this.#range = range;
		this.#onDropped = onDropped;
		this.#isLastOnly = range.by === 'server' && !keepsAll;
	}

	protected override process(fragment: Fragment): Fragment[][] {
		const ms = startMs(fragment, this.#range.by);
		if (ms >= this.#range.fromMs) return [[...this.#settle(ms), fragment]];
		if (this.#isLastOnly) this.#drop();
		if (this.#endMs(fragment) + LENGTH_SLACK_MS >= this.#range.fromMs) this.#candidates.push(fragment);
		else this.#onDropped(1);
		return [];
	}

	protected override finish(): Fragment[][] {
		return [this.#settle(null)];
	}

	/** The padding is over, at the fragment that begins at `nextMs`. Returns what is kept of it. */
	#settle(nextMs: number | null): Fragment[] {
		if (this.#isLastOnly && nextMs === this.#range.fromMs) this.#drop();
		const kept = this.#candidates;
		this.#candidates = [];
		for (const fragment of kept) {
			this.kept.set(fragment.fragmentNumber, this.#endMs(fragment) >= this.#range.fromMs);
		}
		return kept;
	}

	#drop(): void {
		if (this.#candidates.length > 0) this.#onDropped(this.#candidates.length);
		this.#candidates = [];
	}

	#endMs(fragment: Fragment): number {
		return startMs(fragment, this.#range.by) + fragment.fragmentLengthInMilliseconds;
	}
}
