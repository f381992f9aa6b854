import { InvalidOptionError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import type { FragmentBatch } from '../model/fragment-batch.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { Stage } from '../stream/stage.js';

/** The most fragments that one GetMediaForFragmentList may request. */
const MAX_BATCH_FRAGMENTS = 1000;

/** The first batch is small, so that the first frame comes soon; each further one may be four times as large. */
const FIRST_BATCH_FRAGMENTS = 10;

/** Options of {@link FragmentBatcher}. A batch is closed by whichever limit comes first. */
export interface FragmentBatcherOptions {
	/** 1 to 1,000. @default 100: at five calls per second that is just the 500 fragments per second that the service allows */
	readonly maxFragments?: number;
	/** Sum of the listed sizes; a larger fragment goes alone. @default 64 MiB */
	readonly maxSizeBytes?: number;
	/**
	 * How long a fragment waits for others, in milliseconds: for a source that grows as time passes.
	 * @default without limit: a batch that is not full is closed at the end of the input
	 */
	readonly maxWaitMs?: number;
	readonly clock?: Clock;
}

const OPTION_NAMES: OptionNames<FragmentBatcherOptions> = {
	maxFragments: true,
	maxSizeBytes: true,
	maxWaitMs: true,
	clock: true,
};

/** Groups fragments into batches, each requested with one GetMediaForFragmentList. Keeps their order; holds one open batch. */
export class FragmentBatcher extends Stage<Fragment, FragmentBatch> {
	readonly #maxFragments: number;
	readonly #maxSizeBytes: number;
	#fragments: Fragment[] = [];
	#sizeBytes = 0;
	#index = 0;
	readonly #maxWaitMs: number;
	readonly #clock: Clock;
	/** Aborted when the open batch is closed. */
	#wait = new AbortController();

	constructor(options: FragmentBatcherOptions = {}) {
		super({ readableHighWaterMark: 1 });
		checkOptionNames(options, OPTION_NAMES);
		const {
			maxFragments = 100,
			maxSizeBytes = 64 * 1024 * 1024,
			maxWaitMs = Number.POSITIVE_INFINITY,
			clock = systemClock,
		} = options;
		if (!Number.isInteger(maxFragments) || maxFragments < 1 || maxFragments > MAX_BATCH_FRAGMENTS) {
			throw new InvalidOptionError(
				'maxFragments',
				`an integer from 1 to ${MAX_BATCH_FRAGMENTS}`,
				maxFragments,
			);
		}
		if (!(maxSizeBytes > 0)) throw new InvalidOptionError('maxSizeBytes', 'more than 0', maxSizeBytes);
		if (!(maxWaitMs > 0)) throw new InvalidOptionError('maxWaitMs', 'more than 0', maxWaitMs);
		this.#maxWaitMs = maxWaitMs;
		this.#clock = clock;
		this.#maxFragments = maxFragments;
		this.#maxSizeBytes = maxSizeBytes;
	}

	protected override *process(fragment: Fragment): Generator<FragmentBatch[]> {
		const isTooLarge = this.#sizeBytes + fragment.fragmentSizeInBytes > this.#maxSizeBytes;
		if (isTooLarge && this.#fragments.length > 0) yield [this.#close()];
		this.#fragments.push(fragment);
		this.#sizeBytes += fragment.fragmentSizeInBytes;
		if (this.#fragments.length >= this.#limit) yield [this.#close()];
		else if (this.#fragments.length === 1 && this.#maxWaitMs !== Number.POSITIVE_INFINITY)
			this.#closeInTime();
	}

	protected override *finish(): Generator<FragmentBatch[]> {
		if (this.#fragments.length > 0) yield [this.#close()];
	}

	get #limit(): number {
		return Math.min(this.#maxFragments, FIRST_BATCH_FRAGMENTS * 4 ** this.#index);
	}

	#closeInTime(): void {
		const signal = AbortSignal.any([this.#wait.signal, this.signal]);
		this.#clock.sleep(this.#maxWaitMs, { signal }).then(
			() => {
				// The batch may have been closed in the turn in which its time was over.
				if (!signal.aborted) this.give([this.#close()]);
			},
			// Closed before its time, or the stage was destroyed.
			() => {},
		);
	}

	#close(): FragmentBatch {
		this.#wait.abort();
		this.#wait = new AbortController();
		const batch = { index: this.#index++, fragments: this.#fragments, sizeBytes: this.#sizeBytes };
		this.#fragments = [];
		this.#sizeBytes = 0;
		return batch;
	}
}
