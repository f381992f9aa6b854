import { availableParallelism } from 'node:os';
import { InvalidOptionError } from '../../errors.js';

/** The default of `maxBufferedBytes`. */
const MAX_BUFFERED_BYTES = 128 * 1024 * 1024;

/** Options of {@link DecodingPool}. */
export interface DecodingPoolOptions {
	/** How many runs of the decoder may be open at a time; each track has one in any case. @default the number of cores */
	readonly decoders?: number | undefined;
	/** What frames and pictures that wait may take of the memory, in bytes. @default 128 MiB */
	readonly maxBufferedBytes?: number | undefined;
}

/** What the video tracks of one decoding share: how many runs there are, and how much may be held. */
export class DecodingPool {
	readonly #maxRuns: number;
	readonly #maxBytes: number;
	#trackCount = 0;
	#runCount = 0;

	/** Throws {@link InvalidOptionError} for an option that is not valid. */
	constructor({
		decoders = availableParallelism(),
		maxBufferedBytes = MAX_BUFFERED_BYTES,
	}: DecodingPoolOptions = {}) {
		if (!Number.isInteger(decoders) || decoders < 1)
			throw new InvalidOptionError('decoders', 'a whole number of at least 1', decoders);
		if (!(maxBufferedBytes > 0))
			throw new InvalidOptionError('maxBufferedBytes', 'more than 0', maxBufferedBytes);
		this.#maxRuns = decoders;
		this.#maxBytes = maxBufferedBytes;
	}

	/** How many sequences of a track wait for a decoder at the most, besides those that one is at work on. */
	get maxWaiting(): number {
		return this.#maxRuns;
	}

	/** What each track may hold, in bytes. */
	get shareBytes(): number {
		return this.#maxBytes / Math.max(1, this.#trackCount);
	}

	/** There is one track more. */
	addTrack(): void {
		this.#trackCount++;
	}

	/** Whether one run more may be opened for a track that has `ownCount`; counts it. */
	takeRun(ownCount: number): boolean {
		if (ownCount > 0 && this.#runCount >= this.#maxRuns) return false;
		this.#runCount++;
		return true;
	}
}
