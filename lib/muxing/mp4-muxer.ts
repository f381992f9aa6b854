import { audioDurationMs } from '../codecs/audio-format.js';
import type { Track } from '../model/track.js';
import type { TrackEdit } from '../mp4/edit-list.js';
import { finalPatches } from '../mp4/final-patches.js';
import { type Brand, type InitPositions, initSegment } from '../mp4/init-segment.js';
import { mediaSegment } from '../mp4/media-segment.js';
import { type RandomAccessPoint, randomAccessTable } from '../mp4/random-access.js';
import { reorderDelayTicks, type Sample, type TrackState } from '../mp4/sample-times.js';
import { preSkipTicks, timescaleOf } from '../mp4/track-timescale.js';
import { withoutEmptyFrames } from './empty-frames.js';
import type { Muxer, MuxerState, Patch, PlacedFrame } from './muxer.js';

/** What is known of a track so far. */
interface TrackProgress {
	readonly last: TrackState;
	readonly edit: TrackEdit;
}

interface Mp4State {
	/** Milliseconds from the start of the file to the timeline's zero: frames of the first fragment may come before it. */
	readonly originMs: number | null;
	readonly sequenceNumber: number;
	/** By track; null where it had no frame yet. */
	readonly tracks: readonly (TrackProgress | null)[];
	readonly positions: InitPositions | null;
}

/**
 * Makes a muxer for a fragmented MP4 or MOV file (also M4A): one segment a KVS fragment, durations and a table for seeking
 * at the end. Frames are stored as they came, but for NAL units with start codes. Holds counters and the table.
 */
export function createMp4Muxer(
	tracks: readonly Track[],
	{ brand }: { brand: Brand },
	restored: MuxerState | null = null,
): Muxer {
	return new Mp4Muxer(tracks, brand, restored);
}

class Mp4Muxer implements Muxer {
	readonly #tracks: readonly Track[];
	readonly #brand: Brand;
	readonly #points: RandomAccessPoint[];
	#added: readonly RandomAccessPoint[] = [];
	#state: Mp4State;

	constructor(tracks: readonly Track[], brand: Brand, restored: MuxerState | null) {
		this.#tracks = tracks;
		this.#brand = brand;
		this.#points = [...((restored?.entries ?? []) as readonly RandomAccessPoint[])];
		this.#state = (restored?.state as Mp4State | undefined) ?? {
			originMs: null,
			sequenceNumber: 0,
			tracks: tracks.map(() => null),
			positions: null,
		};
	}

	async begin(): Promise<Uint8Array[]> {
		const { bytes, positions } = await initSegment(this.#tracks, { brand: this.#brand });
		this.#state = { ...this.#state, positions };
		return [bytes];
	}

	fragment(placed: readonly PlacedFrame[], sizeBytes: number): Uint8Array[] {
		this.#added = [];
		const frames = withoutEmptyFrames(placed);
		if (frames.length === 0) return [];
		// The first frame in the file need not be the earliest: B-frames and audio may come before it.
		const originMs = this.#state.originMs ?? frames.reduce((least, { ms }) => Math.min(least, ms), 0);
		const sequenceNumber = this.#state.sequenceNumber + 1;
		const edits: TrackEdit[] = [];
		const segment = mediaSegment(
			this.#tracks.map((track, index) => {
				const own = frames.filter((placed) => placed.track.number === track.number);
				const progress = this.#state.tracks[index] ?? null;
				const edit = progress?.edit ?? editOf(track, own, originMs);
				edits.push(edit);
				const samples = samplesOf(own, originMs + edit.startMs);
				const { delayTicks } = edit;
				return { track, trackId: index + 1, samples, state: progress?.last ?? null, delayTicks };
			}),
			{ sequenceNumber },
		);
		const progress = [...this.#state.tracks];
		for (const { trackId, state: last } of segment.tracks) {
			progress[trackId - 1] = { last, edit: edits[trackId - 1] as TrackEdit };
		}
		this.#state = { ...this.#state, originMs, sequenceNumber, tracks: progress };
		const hasVideo = this.#tracks.some(({ type }) => type === 'video');
		this.#added = segment.tracks
			.filter(({ trackId, startsWithKeyframe }) => {
				const isVideo = this.#tracks[trackId - 1]?.type === 'video';
				return startsWithKeyframe && isVideo === hasVideo;
			})
			.map(({ trackId, startTicks, trafNumber }) => ({
				trackId,
				ticks: startTicks,
				moofPosition: sizeBytes,
				trafNumber,
			}));
		this.#points.push(...this.#added);
		return segment.slices;
	}

	state(): unknown {
		return this.#state;
	}

	entries(): readonly unknown[] {
		return this.#added;
	}

	finish(): { append: Uint8Array[]; patches: readonly Patch[] } {
		const { positions, tracks: progress } = this.#state;
		const ends = this.#tracks.map((track, index) => ({
			timescale: timescaleOf(track),
			state: progress[index]?.last ?? null,
			edit: progress[index]?.edit ?? { startMs: 0, delayTicks: 0 },
		}));
		return {
			append: [randomAccessTable(this.#points)],
			patches: positions === null ? [] : finalPatches(positions, ends),
		};
	}
}

/** Where a track's media lie, by its first frames. */
function editOf(track: Track, frames: readonly PlacedFrame[], originMs: number): TrackEdit {
	const firstMs = frames.reduce((least, { ms }) => Math.min(least, ms), Number.POSITIVE_INFINITY);
	const startMs = frames.length === 0 ? 0 : Math.max(0, Math.floor(firstMs - originMs));
	const delayTicks = reorderDelayTicks(samplesOf(frames, originMs + startMs), timescaleOf(track));
	return { startMs, delayTicks, skipTicks: preSkipTicks(track) };
}

function samplesOf(frames: readonly PlacedFrame[], originMs: number): Sample[] {
	return frames.map(({ frame, track, ms }) => ({
		data: frame.data,
		ms: ms - originMs,
		durationMs: audioDurationMs(track, frame.data.byteLength) ?? frame.durationMs,
		keyframe: frame.keyframe,
	}));
}
