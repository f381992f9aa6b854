import type { Track } from '../../model/track.js';
import type { TrackEdit } from '../../mp4/edit-list.js';
import { ENTRY_BYTES, runEntries, type StoredSize } from '../../mp4/run-entries.js';
import { SampleTable } from '../../mp4/sample-table.js';
import { reorderDelayTicks, type TimedSample, type TrackState, timeSamples } from '../../mp4/sample-times.js';
import { timescaleOf } from '../../mp4/track-timescale.js';
import { ROUNDING_MS } from '../playback/packaging/even-audio.js';

/** A sample of a clip without its bytes. */
export interface ClipSample extends TimedSample, StoredSize {}

/** Samples of one track that lie together in the file. */
export interface SampleRun {
	/** From the start of the samples of the file, in bytes. */
	readonly position: number;
	readonly count: number;
}

/** A track of a clip: the tables of its samples, some 40 bytes each. */
export class ClipTrack {
	readonly track: Track;
	readonly table = new SampleTable();
	#edit: TrackEdit = { startMs: 0, delayTicks: 0 };
	#state: TrackState | null = null;
	/** Where its last sample ends, in milliseconds of the clip, exactly; null where that is not known. */
	#endMs: number | null = null;

	constructor(track: Track) {
		this.track = track;
	}

	/** Adds the samples of the next fragment: in decode order, with times from the start of the clip, in runs as they lie in the file. */
	add(timed: readonly ClipSample[], runs: readonly SampleRun[]): void {
		if (timed.length === 0) return;
		const samples = this.#continued(timed);
		const timescale = timescaleOf(this.track);
		if (this.#state === null) {
			const firstMs = samples.reduce((least, { ms }) => Math.min(least, ms), Number.POSITIVE_INFINITY);
			this.#edit = {
				startMs: Math.max(0, Math.floor(firstMs)),
				delayTicks: reorderDelayTicks(samples, timescale),
			};
		}
		const { startMs, delayTicks } = this.#edit;
		const times = timeSamples(
			samples.map(({ ms, durationMs }) => ({ ms: ms - startMs, durationMs })),
			timescale,
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

	/** Audio continues where it ended, without the part of a millisecond that its times were rounded by. */
	#continued(samples: readonly ClipSample[]): readonly ClipSample[] {
		const [first, last] = [samples[0], samples.at(-1)] as [ClipSample, ClipSample];
		const offMs = this.track.type === 'audio' && this.#endMs !== null ? this.#endMs - first.ms : 0;
		const laterMs = Math.abs(offMs) <= ROUNDING_MS ? offMs : 0;
		this.#endMs = last.durationMs === null ? null : last.ms + laterMs + last.durationMs;
		return laterMs === 0 ? samples : samples.map((sample) => ({ ...sample, ms: sample.ms + laterMs }));
	}

	/** What its header says at the end: null as its state where it had no sample. */
	end(): { track: Track; state: TrackState | null; edit: TrackEdit } {
		return { track: this.track, state: this.#state, edit: this.#edit };
	}
}
