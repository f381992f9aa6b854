/** A run of whole samples of one track, and where it begins in the file, counted in samples. */
export interface AudioRun {
	readonly start: number;
	/** Where it ends. */
	readonly end: number;
	readonly bytes: Uint8Array;
}

/**
 * One track's audio on its way into a file, sample by sample.
 *
 * Audio whose time is at most `toleranceSamples` off where the track's audio ends is laid end to end with it: producers
 * stamp to the millisecond, and a sample left out or put in is heard as a click. What comes later than that is placed where
 * its time says; of what overlaps by more, the part that is already there is left out.
 */
export class SampleLane {
	readonly #blockBytes: number;
	readonly #toleranceSamples: number;
	readonly #runs: AudioRun[] = [];
	#end: number;
	#isInterrupted = false;

	/** `end` is where the track's audio ends so far. `blockBytes` is the size of a sample of all the track's channels. */
	constructor(blockBytes: number, toleranceSamples: number, end: number) {
		this.#blockBytes = blockBytes;
		this.#toleranceSamples = toleranceSamples;
		this.#end = end;
	}

	/** Where the track's audio ends, counted in samples from the start of the file. */
	get end(): number {
		return this.#end;
	}

	/** What was added, in order and without overlap. */
	get runs(): readonly AudioRun[] {
		return this.#runs;
	}

	/** Something is missing here: what is added next is placed where its time says, if that is later. */
	interrupt(): void {
		this.#isInterrupted = true;
	}

	/** Whether nothing was added since {@link interrupt}. */
	get isInterrupted(): boolean {
		return this.#isInterrupted;
	}

	/** Adds audio by its time, counted in samples. A sample that is not whole is left out. */
	add(start: number, bytes: Uint8Array): void {
		const count = Math.floor(bytes.byteLength / this.#blockBytes);
		const offset = start - this.#end;
		const skip = offset < -this.#toleranceSamples ? Math.min(count, -offset) : 0;
		if (skip === count) return;
		const isLater = offset > (this.#isInterrupted ? 0 : this.#toleranceSamples);
		const at = isLater ? start : this.#end;
		this.#isInterrupted = false;
		const whole = bytes.subarray(skip * this.#blockBytes, count * this.#blockBytes);
		this.#end = at + count - skip;
		this.#runs.push({ start: at, end: this.#end, bytes: whole });
	}

	/** The bytes from one sample to another, with `silence` where there are none; views where one run holds them all. */
	slice(from: number, to: number, silence: number): Uint8Array {
		const size = this.#blockBytes;
		const within = this.#runs.filter(({ start, end }) => start < to && end > from);
		const [first] = within;
		if (first !== undefined && first.start <= from && first.end >= to) {
			return first.bytes.subarray((from - first.start) * size, (to - first.start) * size);
		}
		const sliced = Buffer.alloc((to - from) * size, silence);
		for (const { start, end, bytes } of within) {
			const begin = Math.max(start, from);
			const whole = bytes.subarray((begin - start) * size, (Math.min(end, to) - start) * size);
			sliced.set(whole, (begin - from) * size);
		}
		return sliced;
	}
}
