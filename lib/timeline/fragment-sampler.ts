import type { Fragment } from '../model/fragment.js';

/** Marks that are kept of a run of fragments, however long it is. Runs up to this length are kept whole. */
const MAX_MARKS = 1024;

/**
 * Evenly spread fragments of a run, its first and its last among them, in bounded memory: when there are too many, every
 * other one is let go, and from then on every second of those to come.
 */
export class FragmentSampler {
	readonly #maxMarks: number;
	#marks: Fragment[] = [];
	#last: Fragment | null = null;
	#stride = 1;
	#count = 0;

	constructor(maxMarks = MAX_MARKS) {
		this.#maxMarks = maxMarks;
	}

	/** The next fragment of the run. */
	add(fragment: Fragment): void {
		this.#last = fragment;
		if (this.#count++ % this.#stride !== 0) return;
		this.#marks.push(fragment);
		if (this.#marks.length <= this.#maxMarks) return;
		this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
		this.#stride *= 2;
	}

	/** Whether nothing lies between two neighbouring marks. */
	get isWhole(): boolean {
		return this.#stride === 1;
	}

	/** The marks, in the run's order. */
	get all(): readonly Fragment[] {
		const last = this.#last;
		return last === null || this.#marks.at(-1) === last ? this.#marks : [...this.#marks, last];
	}
}
