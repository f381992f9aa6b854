import type { SampleRun } from './classic-track.js';

/** Samples of several tracks in the order in which their bytes lie in a file, one right after the other. */
export class StoredOrder<Sample extends { readonly sizeBytes: number }> {
	readonly #samples = new Map<number, Sample[]>();
	readonly #runs = new Map<number, SampleRun[]>();
	#position: number;
	#lastTrack: number | null = null;

	/** @param position - of the first sample's bytes */
	constructor(position: number) {
		this.#position = position;
	}

	/** Where the bytes of the next sample will be. */
	get position(): number {
		return this.#position;
	}

	/** Adds the next sample. */
	add(trackNumber: number, sample: Sample): void {
		if (!this.#samples.has(trackNumber)) {
			this.#samples.set(trackNumber, []);
			this.#runs.set(trackNumber, []);
		}
		this.#samples.get(trackNumber)?.push(sample);
		const runs = this.#runs.get(trackNumber);
		const run = this.#lastTrack === trackNumber ? runs?.pop() : undefined;
		const { position, count } = run ?? { position: this.#position, count: 0 };
		runs?.push({ position, count: count + 1 });
		this.#position += sample.sizeBytes;
		this.#lastTrack = trackNumber;
	}

	/** The samples of a track, in order; empty where it has none. */
	samplesOf(trackNumber: number): readonly Sample[] {
		return this.#samples.get(trackNumber) ?? [];
	}

	/** The same samples as runs that no other track interrupts. */
	runsOf(trackNumber: number): readonly SampleRun[] {
		return this.#runs.get(trackNumber) ?? [];
	}
}
