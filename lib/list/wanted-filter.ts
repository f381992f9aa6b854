import type { Fragment } from '../model/fragment.js';
import { Stage } from '../stream/stage.js';

/** Says which fragments are wanted, by their listing. */
export type WantedFragments = (fragment: Fragment) => boolean;

/** Options of {@link WantedFilter}. */
export interface WantedFilterOptions {
	/** Called once, at the first fragment. The signal is aborted when the stage is destroyed. */
	readonly wanted: (signal: AbortSignal) => Promise<WantedFragments>;
	/** Called with how many fragments were left out. */
	readonly onDropped: (count: number) => void;
	/** Called with the number of a fragment that is wanted, where the one before it was left out. */
	readonly onAfterSkip: (fragmentNumber: string) => void;
}

/** Leaves out of a listing what is not wanted, so that it is not requested. */
export class WantedFilter extends Stage<Fragment, Fragment> {
	readonly #options: WantedFilterOptions;
	#wanted: WantedFragments | null = null;
	#isAfterSkip = false;

	constructor(options: WantedFilterOptions) {
		super();
		this.#options = options;
	}

	protected override async *process(fragment: Fragment): AsyncGenerator<Fragment[]> {
		this.#wanted ??= await this.#options.wanted(this.signal);
		const isWanted = this.#wanted(fragment);
		if (!isWanted) this.#options.onDropped(1);
		else if (this.#isAfterSkip) this.#options.onAfterSkip(fragment.fragmentNumber);
		this.#isAfterSkip = !isWanted;
		if (isWanted) yield [fragment];
	}
}
