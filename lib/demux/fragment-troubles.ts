import type { Fragment } from '../model/fragment.js';
import type { FragmentFailureEvent } from '../model/media-event.js';

/** In-band codes that say a fragment is not there, or not yet. */
const NOT_FOUND_CODES: readonly (number | null)[] = [3000, 4000];

/** What decides whether a fragment is retried. */
interface RetryLimits {
	/** How often a fragment may fail. */
	readonly attempts: number;
	/** How long after it was stored a fragment that is not found is retried, in milliseconds. */
	readonly youngMs: number;
}

/**
 * The in-band failures of the fragments of one batch that a retry may help: how many there were of each, and which came
 * last. A response may break off before it comes to what an earlier one said of a fragment.
 */
export class FragmentTroubles {
	readonly #limits: RetryLimits;
	readonly #counts = new Map<string, number>();
	readonly #byFragment = new Map<string, FragmentFailureEvent>();
	#ofResponse = new Map<string, FragmentFailureEvent>();

	constructor(limits: RetryLimits) {
		this.#limits = limits;
	}

	/** A response begins. */
	responseStarts(): void {
		this.#ofResponse = new Map();
	}

	/** How many fragments failed in the response so far. */
	get inResponse(): number {
		return this.#ofResponse.size;
	}

	/**
	 * A fragment failed; `listed` is how the service listed it. Returns whether it is to be retried: then the failure is
	 * remembered.
	 */
	add(
		failure: FragmentFailureEvent,
		fragmentNumber: string,
		listed: Fragment | undefined,
		nowMs: number,
	): boolean {
		const count = (this.#counts.get(fragmentNumber) ?? 0) + 1;
		this.#counts.set(fragmentNumber, count);
		const ageMs = listed === undefined ? 0 : nowMs - listed.serverTimestamp.getTime();
		const isTooOld = NOT_FOUND_CODES.includes(failure.code) && ageMs >= this.#limits.youngMs;
		if (!failure.retryable || count >= this.#limits.attempts || isTooOld) return false;
		this.#ofResponse.set(fragmentNumber, failure);
		// One without a number is attributed to the fragment that is next, which is a guess for this response only.
		if (failure.fragmentNumber !== null) this.#byFragment.set(fragmentNumber, failure);
		return true;
	}

	/** The last failure that is known of a fragment. */
	get(fragmentNumber: string): FragmentFailureEvent | undefined {
		return this.#ofResponse.get(fragmentNumber) ?? this.#byFragment.get(fragmentNumber);
	}
}
