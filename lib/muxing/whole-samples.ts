import { audioDurationMs, audioFormat } from '../codecs/audio-format.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { sourceMs } from './output-timeline.js';

/** A block that comes later than this after the end of the one before does not go on with its sample. */
const MAX_PAUSE_MS = 500;

/** Starts of samples whose blocks ended within them (base64), by track and format, and where these blocks end. Plain JSON. */
export type SampleStarts = readonly (readonly [track: string, bytes: string, endMs: number])[];

interface SampleStart {
	readonly bytes: Uint8Array;
	readonly endMs: number;
}

/**
 * Moves bytes between blocks of uncompressed audio so that each holds whole samples of all its channels: some producers cut
 * their bytes anywhere, and one byte that is left out turns all samples after it into noise. Blocks that are whole, and
 * frames of other codecs, pass as they are. Holds the start of one sample for each track.
 */
export class WholeSamples {
	readonly #starts: Map<string, SampleStart>;
	/** The track that was asked for last, as most frames are of one, and the bytes of its samples. */
	#track: Track | null = null;
	#sampleBytes = 1;

	/** @param starts - what another one held, to go on from there */
	constructor(starts: SampleStarts = []) {
		this.#starts = new Map(
			starts.map(([track, bytes, endMs]) => [track, { bytes: Buffer.from(bytes, 'base64'), endMs }]),
		);
	}

	/** What is held. */
	state(): SampleStarts {
		return [...this.#starts].map(([track, { bytes, endMs }]) => [
			track,
			Buffer.from(bytes).toString('base64'),
			endMs,
		]);
	}

	/** The blocks that come next do not go on where the last ones ended: no sample spans both. */
	cut(): void {
		this.#starts.clear();
	}

	/** The frames with the samples that are whole now; a frame in which none is whole is left out. */
	of(frames: readonly Frame[]): readonly Frame[] {
		if (this.#starts.size === 0 && frames.every((frame) => this.#isWhole(frame))) return frames;
		return frames.map((frame) => this.#joined(frame)).filter((frame) => frame !== null);
	}

	#isWhole({ track, data }: Frame): boolean {
		return data.byteLength % this.#sampleBytesOf(track) === 0;
	}

	#joined(frame: Frame): Frame | null {
		const { track, data } = frame;
		const key = `${track.number} ${audioFormat(track)?.codec} ${track.channels}`;
		const start = this.#starts.get(key);
		const isContinued = start !== undefined && sourceMs(frame) - start.endMs <= MAX_PAUSE_MS;
		this.#starts.delete(key);
		if (!isContinued && this.#isWhole(frame)) return frame;
		const joined = isContinued ? Buffer.concat([start.bytes, data]) : data;
		const wholeBytes = joined.byteLength - (joined.byteLength % this.#sampleBytesOf(track));
		if (wholeBytes < joined.byteLength) {
			const endMs = sourceMs(frame) + (audioDurationMs(track, wholeBytes) ?? 0);
			this.#starts.set(key, { bytes: Uint8Array.from(joined.subarray(wholeBytes)), endMs });
		}
		return wholeBytes === 0 ? null : frame.withData(joined.subarray(0, wholeBytes));
	}

	/** Bytes of a sample of all channels; 1 where frames are not made of samples. */
	#sampleBytesOf(track: Track): number {
		if (track !== this.#track) {
			const format = audioFormat(track);
			this.#track = track;
			this.#sampleBytes = format === null ? 1 : format.bytesPerSample * (track.channels ?? 1);
		}
		return this.#sampleBytes;
	}
}
