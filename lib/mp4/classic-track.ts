import type { TrackEdit } from './edit-list.js';
import { ENTRY_BYTES, runEntries, type StoredSize } from './run-entries.js';
import { SampleTable } from './sample-table.js';
import { reorderDelayTicks, type TimedSample, type TrackState, timeSamples } from './sample-times.js';

/** A sample without its bytes. */
export interface PlacedSample extends TimedSample, StoredSize {}

/** Samples of one track that lie together in the file. */
export interface SampleRun {
	/** Of the first one's bytes, in the file or from where its samples begin. */
	readonly position: number;
	readonly count: number;
}

/** What the headers of a track say at the end of a file. */
export interface TrackEnd {
	/** Ticks a second. */
	readonly timescale: number;
	/** Null for a track without samples. */
	readonly state: TrackState | null;
	readonly edit: TrackEdit;
}

/** Times that were rounded to milliseconds are this far off at most; what is further off is a gap. */
const ROUNDING_MS = 2;

/** A track of a file that is not fragmented, while it comes part by part: its tables, some 40 bytes a sample. */
export class ClassicTrack {
	readonly table = new SampleTable();
	readonly #timescale: number;
	readonly #isAudio: boolean;
	#edit: TrackEdit = { startMs: 0, delayTicks: 0 };
	#state: TrackState | null = null;
	/** Where its last sample ends, in milliseconds of the file, exactly; null where that is not known. */
	#endMs: number | null = null;

	constructor({ timescale, isAudio }: { readonly timescale: number; readonly isAudio: boolean }) {
		this.#timescale = timescale;
		this.#isAudio = isAudio;
	}

	/** Adds the samples of the next part: in decode order, with times from the start of the file, in runs as they lie in it. */
	add(timed: readonly PlacedSample[], runs: readonly SampleRun[]): void {
		if (timed.length === 0) return;
		const samples = this.#continued(timed);
		if (this.#state === null) {
			const firstMs = samples.reduce((least, { ms }) => Math.min(least, ms), Number.POSITIVE_INFINITY);
			this.#edit = {
				startMs: Math.max(0, Math.floor(firstMs)),
				delayTicks: reorderDelayTicks(samples, this.#timescale),
			};
		}
		const { startMs, delayTicks } = this.#edit;
		const times = timeSamples(
			samples.map(({ ms, durationMs }) => ({ ms: ms - startMs, durationMs })),
			this.#timescale,
			{ delayTicks, state: this.#state, nextMs: null },
		);
		const entries = runEntries(samples, times);
		let first = 0;
		for (const { position, count } of runs) {
			this.table.add({
				decodeTicks: times.decodeTicks[first] as number,
				position,
				entries: entries.subarray(first * ENTRY_BYTES, (first + count) * ENTRY_BYTES),
			});
			first += count;
		}
		this.#state = times.state;
	}

	/** What its headers say if nothing follows. */
	end(): TrackEnd {
		return { timescale: this.#timescale, state: this.#state, edit: this.#edit };
	}

	/** Audio continues where it ended, without the part of a millisecond that its times were rounded by. */
	#continued(samples: readonly PlacedSample[]): readonly PlacedSample[] {
		const [first, last] = [samples[0], samples.at(-1)] as [PlacedSample, PlacedSample];
		const offMs = this.#isAudio && this.#endMs !== null ? this.#endMs - first.ms : 0;
		const laterMs = Math.abs(offMs) <= ROUNDING_MS ? offMs : 0;
		this.#endMs = last.durationMs === null ? null : last.ms + laterMs + last.durationMs;
		return laterMs === 0 ? samples : samples.map((sample) => ({ ...sample, ms: sample.ms + laterMs }));
	}
}
