import type { FragmentEvent } from '../model/media-event.js';

/** The fragments that are read without the one before them. */
export class SkippedFragments {
	readonly #afterSkip = new Set<string>();

	/** A fragment is read without the one before it. */
	onAfterSkip(fragmentNumber: string): void {
		this.#afterSkip.add(fragmentNumber);
	}

	/** Whether a fragment is read without the one before it; may be asked once. */
	isAfterSkip({ fragmentNumber }: FragmentEvent): boolean {
		return fragmentNumber !== null && this.#afterSkip.delete(fragmentNumber);
	}
}
