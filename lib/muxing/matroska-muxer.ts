import { idOf } from '../ebml/ebml-schema.js';
import { element, elementHeader, float, idBytes, master, sizeField, unsigned } from '../ebml/ebml-writer.js';
import { discardPadding } from '../mkv/discard-padding.js';
import {
	block,
	cluster,
	ebmlHeader,
	info,
	MAX_RELATIVE_TICKS,
	MIN_RELATIVE_TICKS,
	tracks as tracksElement,
} from '../mkv/matroska-writer.js';
import { trackEntry } from '../mkv/track-entry.js';
import { sizeOf } from '../model/bytes.js';
import type { Track } from '../model/track.js';
import { withoutEmptyFrames } from './empty-frames.js';
import type { Muxer, MuxerState, Patch, PlacedFrame } from './muxer.js';

/** A millisecond a tick: what every player expects. */
const TIMECODE_SCALE_NS = 1_000_000;

/** A Cluster ends when it has come to this size or length: players read it whole. */
const MAX_CLUSTER_BYTES = 4 * 1024 * 1024;
const MAX_CLUSTER_MS = 5000;

/** A video key frame begins a new Cluster, so that it can be sought, unless the one before is shorter than this. */
const MIN_CLUSTER_MS = 500;

/** Size fields that are written before the size is known have all eight bytes. */
const RESERVED_SIZE = { sizeLength: 8 } as const;

/** Time in ticks, track number, and position of the Cluster from the start of the Segment's body. */
type Cue = readonly [timeTicks: number, trackNumber: number, clusterPosition: number];

/**
 * Writes Matroska, or WebM: one header, Clusters that end where a fragment ends, cues at video key frames (of audio alone:
 * at every Cluster), a duration. Times are rounded to the millisecond. Frames are written byte for byte, and the header says what
 * the tracks are: see {@link trackEntry}.
 */
export class MatroskaMuxer implements Muxer {
	readonly #header: FileHeader;
	readonly #hasVideo: boolean;
	readonly #cues: Cue[];
	#newCues: Cue[] = [];

	constructor(
		tracks: readonly Track[],
		{ docType }: { readonly docType: 'matroska' | 'webm' },
		restored: MuxerState | null = null,
	) {
		this.#header = new FileHeader(tracks, docType);
		this.#hasVideo = tracks.some(({ type }) => type === 'video');
		this.#cues = [...((restored?.entries ?? []) as readonly Cue[])];
	}

	async begin(): Promise<Uint8Array[]> {
		return [this.#header.bytes];
	}

	fragment(frames: readonly PlacedFrame[], sizeBytes: number): Uint8Array[] {
		const slices: Uint8Array[] = [];
		this.#newCues = [];
		let position = sizeBytes - this.#header.segmentStart;
		for (const clusterFrames of clustersOf(withoutEmptyFrames(frames))) {
			const bytes = this.#cluster(clusterFrames, position);
			position += sizeOf(bytes);
			slices.push(...bytes);
		}
		this.#cues.push(...this.#newCues);
		return slices;
	}

	state(): unknown {
		return null;
	}

	entries(): readonly Cue[] {
		return this.#newCues;
	}

	finish(sizeBytes: number, durationMs: number): { append: Uint8Array[]; patches: Patch[] } {
		const append = cuesElement(this.#cues);
		const cuesPosition = sizeBytes - this.#header.segmentStart;
		return {
			append,
			patches: this.#header.patches(cuesPosition, durationMs, sizeBytes + sizeOf(append)),
		};
	}

	#cluster(frames: readonly PlacedFrame[], position: number): Uint8Array[] {
		const ticks = frames.map(({ ms }) => Math.round(ms));
		const firstTicks = ticks[0] as number;
		const cued = this.#cuedFrame(frames);
		if (cued !== -1) {
			this.#newCues.push([ticks[cued] as number, (frames[cued] as PlacedFrame).track.number, position]);
		}
		const blocks = frames.flatMap((placed, index) => blockOf(placed, (ticks[index] as number) - firstTicks));
		return cluster(BigInt(firstTicks), blocks);
	}

	/** The frame a player can begin at: the first video key frame; where there is no video at all, the first frame. */
	#cuedFrame(frames: readonly PlacedFrame[]): number {
		if (!this.#hasVideo) return 0;
		return frames.findIndex(({ frame, track }) => track.type === 'video' && frame.keyframe);
	}
}

function* clustersOf(frames: readonly PlacedFrame[]): Generator<readonly PlacedFrame[]> {
	let start = 0;
	let bytes = 0;
	for (const [index, { frame, track, ms }] of frames.entries()) {
		const lengthMs = ms - (frames[start] as PlacedFrame).ms;
		const isFull = bytes + frame.data.byteLength > MAX_CLUSTER_BYTES || Math.abs(lengthMs) > MAX_CLUSTER_MS;
		const canBeSought = frame.keyframe && track.type === 'video' && lengthMs >= MIN_CLUSTER_MS;
		if (index > start && (isFull || canBeSought)) {
			yield frames.slice(start, index);
			start = index;
			bytes = 0;
		}
		bytes += frame.data.byteLength;
	}
	if (frames.length > start) yield frames.slice(start);
}

/** Everything before the first Cluster, and where in it the late facts belong. */
class FileHeader {
	readonly bytes: Uint8Array;
	/** Offset of the Segment's body: what positions in a file are counted from (Matroska §16). */
	readonly segmentStart: number;
	readonly #infoPosition: number;
	readonly #tracksPosition: number;

	constructor(tracks: readonly Track[], docType: 'matroska' | 'webm') {
		const head = [...ebmlHeader(docType), elementHeader('Segment', 0, RESERVED_SIZE)];
		this.segmentStart = sizeOf(head);
		this.#infoPosition = sizeOf(seekHead([0, 0, 0]));
		this.#tracksPosition = this.#infoPosition + sizeOf(infoElement(0));
		const trackEntries = tracksElement(tracks.map(trackEntry));
		this.bytes = Buffer.concat([...head, ...seekHead([0, 0, 0]), ...infoElement(0), ...trackEntries]);
	}

	/** What to write over once the file's end is known. */
	patches(cuesPosition: number, durationMs: number, fileBytes: number): Patch[] {
		const segmentSize = sizeField(fileBytes - this.segmentStart, RESERVED_SIZE);
		const seek = seekHead([this.#infoPosition, this.#tracksPosition, cuesPosition]);
		return [
			{ bytes: segmentSize, position: this.segmentStart - segmentSize.byteLength },
			{ bytes: Buffer.concat(seek), position: this.segmentStart },
			{ bytes: Buffer.concat(infoElement(durationMs)), position: this.segmentStart + this.#infoPosition },
		];
	}
}

/** Where Info, Tracks and Cues are. Positions have eight bytes, so that the element's size does not depend on them. */
function seekHead(positions: readonly [info: number, tracks: number, cues: number]): Uint8Array[] {
	const entries = ['Info', 'Tracks', 'Cues'].map((name, index) =>
		master('Seek', [
			element('SeekID', [idBytes(idOf(name))]),
			unsigned('SeekPosition', positions[index] as number, { byteLength: 8 }),
		]),
	);
	return master('SeekHead', entries);
}

function infoElement(durationTicks: number): Uint8Array[] {
	return info(TIMECODE_SCALE_NS, [float('Duration', durationTicks)]);
}

function blockOf({ frame, track }: PlacedFrame, relativeTicks: number): Uint8Array[] {
	const defaultMs = track.defaultDurationNs === null ? null : track.defaultDurationNs / 1e6;
	const hasOwnDuration = frame.durationMs !== null && frame.durationMs !== defaultMs;
	return block({
		trackNumber: track.number,
		relativeTicks: Math.min(MAX_RELATIVE_TICKS, Math.max(MIN_RELATIVE_TICKS, relativeTicks)),
		keyframe: frame.keyframe,
		durationTicks: hasOwnDuration ? Math.round(frame.durationMs as number) : undefined,
		others: frame.discardPaddingNs ? [discardPadding(frame.discardPaddingNs)] : [],
		data: frame.data,
	});
}

/** A CuePoint whose numbers have a fixed size: there may be a million, and made one by one they cost more than the frames did. */
const CUE_POINT = Buffer.concat(
	master('CuePoint', [
		unsigned('CueTime', 0, { byteLength: 8 }),
		master('CueTrackPositions', [
			unsigned('CueClusterPosition', 0, { byteLength: 8 }),
			unsigned('CueTrack', 0, { byteLength: 8 }),
		]),
	]),
);
const CUE_TRACK_AT = CUE_POINT.byteLength - 8;
/** Each number has an id and a size of one byte before it, CueTrackPositions too. */
const CUE_CLUSTER_POSITION_AT = CUE_TRACK_AT - 10;
const CUE_TIME_AT = CUE_CLUSTER_POSITION_AT - 12;

function cuesElement(cues: readonly Cue[]): Uint8Array[] {
	const points = Buffer.alloc(cues.length * CUE_POINT.byteLength);
	for (const [index, [timeTicks, trackNumber, clusterPosition]] of cues.entries()) {
		const at = index * CUE_POINT.byteLength;
		CUE_POINT.copy(points, at);
		points.writeBigUInt64BE(BigInt(timeTicks), at + CUE_TIME_AT);
		points.writeBigUInt64BE(BigInt(clusterPosition), at + CUE_CLUSTER_POSITION_AT);
		points.writeBigUInt64BE(BigInt(trackNumber), at + CUE_TRACK_AT);
	}
	return master('Cues', [[points]]);
}
