import { Writable } from 'node:stream';
import { InvalidOptionError, SinkError } from '../errors.js';
import { idOf } from '../mkv/ebml-schema.js';
import {
	element,
	elementHeader,
	float,
	idBytes,
	master,
	sizeField,
	sizeOf,
	unsigned,
} from '../mkv/ebml-writer.js';
import {
	type BlockFields,
	block,
	cluster,
	ebmlHeader,
	info,
	MAX_RELATIVE_TICKS,
	MIN_RELATIVE_TICKS,
	tracks,
} from '../mkv/matroska-writer.js';
import type { FragmentEvent, Frame, MediaEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { AtomicFile } from './atomic-file.js';
import { OutputTimeline } from './output-timeline.js';
import { OutputTracks } from './output-tracks.js';

/** A millisecond a tick: what every player expects. */
const TIMECODE_SCALE_NS = 1_000_000;

/** A Cluster is written when it has come to this size or length: what the sink holds in memory. */
const MAX_CLUSTER_BYTES = 4 * 1024 * 1024;
const MAX_CLUSTER_MS = 5000;

/** A video key frame begins a new Cluster, so that it can be sought, unless the one before is shorter than this. */
const MIN_CLUSTER_MS = 500;

/** Size fields that are written before the size is known have all eight bytes. */
const RESERVED_SIZE = { sizeLength: 8 } as const;

interface PlacedFrame {
	readonly frame: Frame;
	readonly track: Track;
	readonly ms: number;
}

interface Cue {
	readonly timeTicks: number;
	readonly trackNumber: number;
	/** From the start of the Segment's body. */
	readonly clusterPosition: number;
}

/**
 * Writes events into one well-formed Matroska file: one header, the producer's times from 0 on, cues at key frames, a
 * duration. Frames are written byte for byte; the same frames give the same file.
 *
 * The file appears under its name when the sink has finished; until then, and after an error, whatever was there stays.
 * Holds one Cluster (4 MiB or one frame). Events other than frames are taken notice of and not written. Fails with
 * `SinkError`: `KVS_SINK_FAILED`, `KVS_TRACKS_CHANGED`, and `KVS_EMPTY_RANGE` where no frame came.
 */
export class MkvSink extends Writable {
	readonly #path: string;
	readonly #timeline = new OutputTimeline();
	#file: AtomicFile | null = null;
	#isCommitted = false;
	#header: FileHeader | null = null;
	#tracks: OutputTracks | null = null;
	#originTicks = 0;
	#pending: PlacedFrame[] = [];
	#pendingBytes = 0;
	#cues: Cue[] = [];

	constructor(path: string) {
		if (typeof path !== 'string' || path === '') throw new InvalidOptionError('path', 'a file name', path);
		super({ objectMode: true, highWaterMark: 16 });
		this.#path = path;
	}

	override _construct(callback: (error?: Error | null) => void): void {
		this.#settle(
			AtomicFile.create(this.#path).then((file) => {
				this.#file = file;
			}),
			callback,
		);
	}

	override _write(
		event: MediaEvent,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		if (event.type === 'fragment') this.#timeline.fragment(event);
		if (event.type !== 'frame') {
			callback();
			return;
		}
		try {
			this.#tracks ??= new OutputTracks(this.#path, event.fragment.tracks);
			const placed = { frame: event, track: this.#tracks.of(event), ms: this.#timeline.place(event) };
			const written = this.#endsCluster(placed) ? this.#writeCluster() : null;
			this.#pending.push(placed);
			this.#pendingBytes += event.data.byteLength;
			if (written === null) callback();
			else this.#settle(written, callback);
		} catch (error) {
			callback(error as Error);
		}
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#settle(this.#finish(), callback);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		const discarded = this.#isCommitted ? Promise.resolve() : (this.#file?.discard() ?? Promise.resolve());
		discarded.then(
			() => callback(error),
			(discardError: Error) => callback(error ?? discardError),
		);
	}

	#settle(work: Promise<void>, callback: (error?: Error | null) => void): void {
		work.then(() => callback(), callback);
	}

	/** Whether the pending Cluster must be written before this frame. */
	#endsCluster({ frame, ms }: PlacedFrame): boolean {
		const first = this.#pending[0];
		if (first === undefined) return false;
		const lengthMs = ms - first.ms;
		if (this.#pendingBytes + frame.data.byteLength > MAX_CLUSTER_BYTES || Math.abs(lengthMs) > MAX_CLUSTER_MS)
			return true;
		return frame.keyframe && frame.track.type === 'video' && lengthMs >= MIN_CLUSTER_MS;
	}

	async #writeCluster(): Promise<void> {
		const frames = this.#pending;
		this.#pending = [];
		this.#pendingBytes = 0;
		const file = this.#file as AtomicFile;
		this.#header ??= await this.#writeHeader(file, frames);
		const ticks = frames.map(({ ms }) => Math.round(ms) - this.#originTicks);
		const firstTicks = Math.max(0, ticks[0] as number);
		const blocks = frames.flatMap((placed, index) => blockOf(placed, (ticks[index] as number) - firstTicks));
		const position = file.sizeBytes - this.#header.segmentStart;
		const cued = cueFrame(frames);
		if (cued !== -1) {
			const { track } = frames[cued] as PlacedFrame;
			this.#cues.push({
				timeTicks: Math.max(0, ticks[cued] as number),
				trackNumber: track.number,
				clusterPosition: position,
			});
		}
		await file.append(cluster(BigInt(firstTicks), blocks));
	}

	async #writeHeader(file: AtomicFile, frames: readonly PlacedFrame[]): Promise<FileHeader> {
		// The first frame in the file need not be the earliest: B-frames and sound may come before it.
		this.#originTicks = Math.min(...frames.map(({ ms }) => Math.round(ms)));
		const { fragment } = (frames[0] as PlacedFrame).frame;
		const header = new FileHeader(fragment);
		await file.append([header.bytes]);
		return header;
	}

	async #finish(): Promise<void> {
		if (this.#pending.length > 0) await this.#writeCluster();
		const file = this.#file as AtomicFile;
		if (this.#header === null) {
			throw new SinkError(
				'KVS_EMPTY_RANGE',
				this.#path,
				`nothing to write to \`${this.#path}\`: there are no frames in the range`,
			);
		}
		const cuesPosition = file.sizeBytes - this.#header.segmentStart;
		await file.append(cuesElement(this.#cues));
		const durationTicks = this.#timeline.endMs - this.#originTicks;
		for (const { bytes, position } of this.#header.patches(cuesPosition, durationTicks, file.sizeBytes)) {
			await file.patch(bytes, position);
		}
		await file.commit();
		this.#isCommitted = true;
	}
}

/** Everything before the first Cluster, and where in it the late facts belong. */
class FileHeader {
	readonly bytes: Uint8Array;
	/** Offset of the Segment's body: what positions in a file are counted from (Matroska §16). */
	readonly segmentStart: number;
	readonly #infoPosition: number;
	readonly #tracksPosition: number;

	constructor({ tracks: sourceTracks }: FragmentEvent) {
		const head = [...ebmlHeader(), elementHeader('Segment', 0, RESERVED_SIZE)];
		this.segmentStart = sizeOf(head);
		this.#infoPosition = sizeOf(seekHead([0, 0, 0]));
		this.#tracksPosition = this.#infoPosition + sizeOf(infoElement(0));
		const trackEntries = tracks(sourceTracks.map(({ entry }) => entry));
		this.bytes = Buffer.concat([...head, ...seekHead([0, 0, 0]), ...infoElement(0), ...trackEntries]);
	}

	/** What to overwrite once the file's end is known. */
	patches(
		cuesPosition: number,
		durationTicks: number,
		fileBytes: number,
	): { bytes: Uint8Array; position: number }[] {
		const segmentSize = sizeField(fileBytes - this.segmentStart, RESERVED_SIZE);
		const seek = seekHead([this.#infoPosition, this.#tracksPosition, cuesPosition]);
		return [
			{ bytes: segmentSize, position: this.segmentStart - segmentSize.byteLength },
			{ bytes: Buffer.concat(seek), position: this.segmentStart },
			{ bytes: Buffer.concat(infoElement(durationTicks)), position: this.segmentStart + this.#infoPosition },
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
	const fields: BlockFields = {
		trackNumber: track.number,
		relativeTicks: Math.min(MAX_RELATIVE_TICKS, Math.max(MIN_RELATIVE_TICKS, relativeTicks)),
		keyframe: frame.keyframe,
		durationTicks: hasOwnDuration ? Math.round(frame.durationMs as number) : undefined,
		data: frame.data,
	};
	return block(fields);
}

/** The frame a player can begin at: the first video key frame; where there is no video at all, the first frame. */
function cueFrame(frames: readonly PlacedFrame[]): number {
	const hasVideo = frames.some(({ frame }) => frame.fragment.tracks.some(({ type }) => type === 'video'));
	return hasVideo ? frames.findIndex(({ frame, track }) => track.type === 'video' && frame.keyframe) : 0;
}

function cuesElement(cues: readonly Cue[]): Uint8Array[] {
	return master(
		'Cues',
		cues.map(({ timeTicks, trackNumber, clusterPosition }) =>
			master('CuePoint', [
				unsigned('CueTime', timeTicks),
				master('CueTrackPositions', [
					unsigned('CueTrack', trackNumber),
					unsigned('CueClusterPosition', clusterPosition),
				]),
			]),
		),
	);
}
