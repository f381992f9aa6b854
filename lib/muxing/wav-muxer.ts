import { type AudioFormat, audioFormat } from '../codecs/audio-format.js';
import { SinkError } from '../errors.js';
import { GAP_THRESHOLD_MS } from '../gaps/gap-threshold.js';
import { sizeOf } from '../model/bytes.js';
import type { Track } from '../model/track.js';
import { inChannelOrder } from './channel-order.js';
import { isEmpty } from './empty-frames.js';
import type { Muxer, MuxerState, Patch, PlacedFrame } from './muxer.js';
import { SampleLane } from './sample-lane.js';
import { whyTooLong } from './silence-limit.js';
import { type WaveFormat, wavHeader } from './wav-header.js';

/** How much of a track is held back for a track that has come less far; one that is later than that is silent. */
const MAX_AHEAD_MS = 250;

/** Interleaved at a time. */
const CHUNK_SAMPLES = 16 * 1024;

/** Silence is written in pieces of this size, all of them the same memory. */
const SILENCE_BYTES = 1024 * 1024;

interface WavState {
	/** Milliseconds from the start of the file to the timeline's zero. */
	readonly originMs: number | null;
	/** Samples a channel that are in the file. */
	readonly samples: number;
	/** By track, in base64: what comes after those samples and is not in the file yet. */
	readonly ahead: readonly string[];
	/** Numbers of tracks whose last frame was empty; absent where there are none. */
	readonly interrupted?: readonly number[];
}

/** A track's part in the file. */
interface Part {
	readonly track: Track;
	readonly audio: AudioFormat;
	readonly blockBytes: number;
}

/**
 * Makes a muxer for a WAVE file of uncompressed audio, PCM or G.711: the channels of all tracks side by side, in the order
 * of the tracks, but of a call of Amazon Connect the customer on the left. Where a track has nothing there is silence; audio that is less than 50 ms off is laid end to end. Where no
 * track has any for longer than {@link MAX_SILENCE_MS}, `fragment` throws `SinkError` (`KVS_GAP_TOO_LONG`).
 *
 * Tracks need not advance evenly: up to 250 ms of one that is ahead wait, in the state, for the others. Over 4 GiB the file
 * becomes RF64. The tracks are those that `checkTracks` lets through; others throw `SinkError` (`KVS_CODEC_NOT_SUPPORTED`).
 */
export function createWavMuxer(tracks: readonly Track[], restored: MuxerState | null = null): Muxer {
	return new WavMuxer(tracks, restored);
}

class WavMuxer implements Muxer {
	readonly #parts: readonly Part[];
	readonly #format: WaveFormat;
	readonly #blockBytes: number;
	#state: WavState;

	constructor(tracks: readonly Track[], restored: MuxerState | null) {
		this.#parts = inChannelOrder(tracks).map((track) => {
			const audio = audioFormat(track);
			if (audio !== null && track.channels && track.sampleRate) {
				return { track, audio, blockBytes: audio.bytesPerSample * track.channels };
			}
			const codec = track.codec ?? track.codecId;
			throw new SinkError(
				'KVS_CODEC_NOT_SUPPORTED',
				'.wav',
				`track ${track.number} (${codec}) is not uncompressed audio`,
			);
		});
		const { track, audio } = this.#parts[0] as Part;
		this.#format = {
			audio,
			channels: tracks.reduce((sum, { channels = 0 }) => sum + channels, 0),
			sampleRate: Math.round(track.sampleRate as number),
		};
		this.#blockBytes = this.#format.channels * audio.bytesPerSample;
		this.#state = (restored?.state as WavState | undefined) ?? {
			originMs: null,
			samples: 0,
			ahead: tracks.map(() => ''),
		};
	}

	async begin(): Promise<Uint8Array[]> {
		return [wavHeader(this.#format, 0)];
	}

	fragment(frames: readonly PlacedFrame[]): Uint8Array[] {
		if (frames.length === 0) return [];
		const { sampleRate } = this.#format;
		const originMs = this.#state.originMs ?? frames.reduce((least, { ms }) => Math.min(least, ms), 0);
		const lanes = this.#lanes();
		for (const placed of frames) {
			const { frame, track, ms } = placed;
			const index = this.#parts.findIndex((part) => part.track.number === track.number);
			const endMs = (Math.max(...lanes.map(({ end }) => end)) * 1000) / sampleRate;
			const tooLong = whyTooLong(endMs, ms - originMs);
			if (tooLong !== null) {
				const message = `cannot write this .wav: ${tooLong}; use \`archive.export\`, which begins a new file after such a gap between fragments, or write a .mkv`;
				throw new SinkError('KVS_GAP_TOO_LONG', '.wav', message);
			}
			const bytes = littleEndian((this.#parts[index] as Part).audio, frame.data);
			if (isEmpty(placed)) lanes[index]?.interrupt();
			else lanes[index]?.add(Math.round(((ms - originMs) * sampleRate) / 1000), bytes);
		}
		const ends = lanes.map(({ end }) => end);
		const aheadSamples = this.#samplesOf(MAX_AHEAD_MS);
		return this.#advance(lanes, originMs, Math.max(Math.min(...ends), Math.max(...ends) - aheadSamples));
	}

	state(): unknown {
		return this.#state;
	}

	entries(): readonly unknown[] {
		return [];
	}

	finish(sizeBytes: number, durationMs: number): { append: Uint8Array[]; patches: Patch[] } {
		const lanes = this.#lanes();
		const endOfAudio = Math.max(...lanes.map(({ end }) => end));
		// Of two sides of a call that are a file each, one may fall silent long before the other.
		const end = this.#samplesOf(durationMs - (this.#state.originMs ?? 0));
		const isShort = end - endOfAudio > this.#samplesOf(GAP_THRESHOLD_MS);
		const append = this.#advance(lanes, this.#state.originMs, isShort ? end : endOfAudio);
		const appendedBytes = sizeOf(append);
		const dataBytes = sizeBytes + appendedBytes - wavHeader(this.#format, 0).byteLength;
		if (dataBytes % 2 === 1) append.push(new Uint8Array(1));
		return { append, patches: [{ bytes: wavHeader(this.#format, dataBytes), position: 0 }] };
	}

	/** The tracks as they are so far, with what of them is not in the file yet. */
	#lanes(): SampleLane[] {
		const { samples, ahead, interrupted } = this.#state;
		return this.#parts.map(({ track, blockBytes }, index) => {
			const lane = new SampleLane(blockBytes, this.#samplesOf(GAP_THRESHOLD_MS), samples);
			lane.add(samples, Buffer.from(ahead[index] ?? '', 'base64'));
			if (interrupted?.includes(track.number)) lane.interrupt();
			return lane;
		});
	}

	/** Brings the file up to a sample, if it is not there yet, and gives the bytes. */
	#advance(lanes: readonly SampleLane[], originMs: number | null, wanted: number): Uint8Array[] {
		const from = this.#state.samples;
		const to = Math.max(from, wanted);
		const { silence } = this.#format.audio;
		const slices =
			lanes.length === 1
				? this.#single(lanes[0] as SampleLane, from, to)
				: this.#interleaved(lanes, from, to);
		const ahead = lanes.map((lane) =>
			Buffer.from(lane.slice(to, Math.max(to, lane.end), silence)).toString('base64'),
		);
		const interrupted = this.#parts.flatMap(({ track }, index) =>
			lanes[index]?.isInterrupted ? [track.number] : [],
		);
		this.#state = { originMs, samples: to, ahead, ...(interrupted.length > 0 ? { interrupted } : {}) };
		return slices;
	}

	/** One track's audio needs no interleaving: its bytes are the caller's own. */
	#single(lane: SampleLane, from: number, to: number): Uint8Array[] {
		const slices: Uint8Array[] = [];
		let at = from;
		for (const { start, end, bytes } of lane.runs) {
			this.#addSilence(slices, start - at);
			slices.push(bytes);
			at = end;
		}
		this.#addSilence(slices, to - at);
		return slices;
	}

	#interleaved(lanes: readonly SampleLane[], from: number, to: number): Uint8Array[] {
		const { silence } = this.#format.audio;
		const blockBytes = this.#blockBytes;
		const slices: Uint8Array[] = [];
		for (let at = from; at < to; ) {
			const next = nextAudio(lanes, at, to);
			if (next > at) {
				this.#addSilence(slices, next - at);
				at = next;
				continue;
			}
			const end = Math.min(to, at + CHUNK_SAMPLES);
			const chunk = Buffer.alloc((end - at) * blockBytes);
			let offset = 0;
			for (const [index, lane] of lanes.entries()) {
				const size = (this.#parts[index] as Part).blockBytes;
				const bytes = lane.slice(at, end, silence);
				for (let sample = 0; sample < end - at; sample++) {
					for (let byte = 0; byte < size; byte++) {
						chunk[sample * blockBytes + offset + byte] = bytes[sample * size + byte] as number;
					}
				}
				offset += size;
			}
			slices.push(chunk);
			at = end;
		}
		return slices;
	}

	#addSilence(slices: Uint8Array[], samples: number): void {
		if (samples <= 0) return;
		const bytes = samples * this.#blockBytes;
		const piece = Buffer.alloc(Math.min(bytes, SILENCE_BYTES), this.#format.audio.silence);
		for (let left = bytes; left > 0; left -= piece.byteLength) slices.push(piece.subarray(0, left));
	}

	#samplesOf(ms: number): number {
		return Math.round((ms * this.#format.sampleRate) / 1000);
	}
}

/** Where any track has audio next, from `at` on; `to` where none has. */
function nextAudio(lanes: readonly SampleLane[], at: number, to: number): number {
	let next = to;
	for (const lane of lanes) {
		for (const { start, end } of lane.runs) {
			if (end > at) next = Math.min(next, Math.max(at, start));
		}
	}
	return next;
}

/** Samples as a WAVE file has them: the least significant byte first. */
function littleEndian({ isBigEndian, bytesPerSample }: AudioFormat, data: Uint8Array): Uint8Array {
	if (!isBigEndian) return data;
	const swapped = Buffer.alloc(data.byteLength - (data.byteLength % bytesPerSample));
	for (let at = 0; at < swapped.byteLength; at++) {
		const within = at % bytesPerSample;
		swapped[at] = data[at - within + (bytesPerSample - 1 - within)] as number;
	}
	return swapped;
}
