import { LOOK_BACK_MS } from '../list/follow-source.js';

/** Where a consumer of a stream is: every fragment up to there is done, but for those that may still be listed late. */
export interface Checkpoint {
	readonly version: 1;
	/** The stream and the consumer that it belongs to. */
	readonly key: string;
	/** Server time from which on a listing must look, epoch milliseconds: every fragment before it is done. */
	readonly fromMs: number;
	/** The fragments from there on that are done, with their server times. Never more than those of two minutes. */
	readonly done: Readonly<Record<string, number>>;
}

/**
 * Where checkpoints are kept. `load` takes the consumer's place, so that no other can: it rejects where a living one holds
 * it. Written by `save` as often as the store says.
 */
export interface CheckpointStore {
	/** The checkpoint of that key; null where there is none. */
	load(key: string): Promise<Checkpoint | null>;
	/** Resolves when it is durable, or as durable as the store promises. */
	save(key: string, checkpoint: Checkpoint): Promise<void>;
	/** Saves what is left, and gives the consumer's place up. Rejects where that fails. */
	close?(): Promise<void>;
	/** Aborted, with an error, where the place is lost before `close`: following then ends with it, also while nothing comes. */
	readonly lost?: AbortSignal;
}

/** How many fragments may be noted before those that no listing looks at any more are looked for. */
const MIN_KEPT = 256;

/** Keeps account of what a consumer is done with. */
export class CheckpointKeeper {
	readonly #key: string;
	/** Server times of the fragments that are done, by number; those that will not be listed again are left out now and then. */
	readonly #done: Map<string, number>;
	#fromMs: number;
	#newestMs = Number.NEGATIVE_INFINITY;
	/** At how many fragments they are looked for. */
	#maxKept = MIN_KEPT;

	/** Begins at a checkpoint, or at a time. */
	constructor(key: string, start: Checkpoint | { readonly fromMs: number }) {
		this.#key = key;
		this.#fromMs = start.fromMs;
		this.#done = new Map('done' in start ? Object.entries(start.done) : []);
	}

	/** Where a listing must begin. */
	get fromMs(): number {
		return this.#fromMs;
	}

	/** What it must leave out: fragment numbers, and their server times. */
	get done(): ReadonlyMap<string, number> {
		this.#forget();
		return this.#done;
	}

	/** Says what is done by now. */
	get checkpoint(): Checkpoint {
		return { version: 1, key: this.#key, fromMs: this.#fromMs, done: Object.fromEntries(this.done) };
	}

	/** A fragment is done. */
	finished(fragmentNumber: string, serverMs: number): void {
		this.#done.set(fragmentNumber, serverMs);
		this.#newestMs = Math.max(this.#newestMs, serverMs);
		this.#fromMs = Math.max(this.#fromMs, this.#newestMs - LOOK_BACK_MS);
		if (this.#done.size < this.#maxKept) return;
		this.#forget();
		// Twice as many, so that a long list is not gone through with each fragment.
		this.#maxKept = Math.max(MIN_KEPT, 2 * this.#done.size);
	}

	#forget(): void {
		for (const [number, ms] of this.#done) if (ms < this.#fromMs) this.#done.delete(number);
	}
}
