import { createHash, type Hash } from 'node:crypto';
import { basename, join } from 'node:path';
import { trackMedia } from '../codecs/decide-track-media.js';
import { element } from '../ebml/ebml-writer.js';
import { SinkError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';
import { trackEntry } from '../mkv/track-entry.js';
import { readTracks } from '../mkv/tracks.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { MAX_CLASSIC_STEP_TICKS } from '../mp4/sample-table.js';
import { timescaleOf } from '../mp4/track-timescale.js';
import { type Container, checkTracks } from '../muxing/container.js';
import { createMuxer } from '../muxing/create-muxer.js';
import type { PlacedFrame } from '../muxing/muxer.js';
import { type GapPolicy, OutputTimeline } from '../muxing/output-timeline.js';
import { OutputTracks } from '../muxing/output-tracks.js';
import { whyTooLong } from '../muxing/silence-limit.js';
import type { Piece } from '../sinks/fragment-sink.js';
import { OutputFile } from '../sinks/output-file.js';
import type { FragmentRange } from './export-manifest.js';
import { ExportNames, suffixOf } from './export-names.js';
import type { OpenedFile, OpenState, SealedFile } from './export-past.js';
import type { WrittenFragment } from './exported-fragment.js';
import { requireSilence, silenceUntil } from './gap-filler.js';
import { moveIndexToFront } from './move-index.js';
import { beginAgain, sectionOf } from './part-sections.js';

/** How files of an export are written. */
export interface ExportFileOptions {
	readonly directory: string;
	/** The name that was asked for. */
	readonly name: string;
	readonly container: Container;
	readonly channels: 'split' | 'stereo';
	readonly gaps: GapPolicy;
	readonly faststart: boolean;
}

/** One of the files that are written side by side. */
interface Lane {
	readonly suffix: string | null;
	readonly part: AtomicFile;
	readonly partName: string;
	readonly output: OutputFile;
	readonly tracks: OutputTracks;
	readonly headBytes: number;
	frames: number;
	/** Where the current fragment begins. */
	startBytes: number;
}

/** The file of an export that is being written: all tracks in one, or, with `channels: 'split'`, one for each. */
export class ExportFile {
	readonly opened: OpenedFile;
	/** All of its tracks. */
	readonly tracks: OutputTracks;
	readonly #options: ExportFileOptions;
	readonly #timeline: OutputTimeline;
	readonly #lanes: readonly Lane[];
	/** Of the current fragment's bytes, file by file. */
	#hash: Hash = createHash('sha256');
	#fragmentFrames = 0;
	#fragmentBytes = 0;

	private constructor(
		options: ExportFileOptions,
		opened: OpenedFile,
		tracks: readonly Track[],
		lanes: readonly Lane[],
		state: OpenState | undefined,
	) {
		this.opened = opened;
		this.tracks = new OutputTracks(tracks);
		this.#options = options;
		this.#timeline = new OutputTimeline(options.gaps, state?.timeline);
		this.#lanes = lanes;
	}

	/** Begins a file for these tracks, in place of a part that is there. */
	static async begin(
		options: ExportFileOptions,
		tracks: readonly Track[],
		begun: Pick<OpenedFile, 'number' | 'cut' | 'tag'>,
	): Promise<ExportFile> {
		const entries = tracks.map((track) => Buffer.from(trackEntry(track)).toString('base64'));
		return ExportFile.#open(options, tracks, { ...begun, tracks: entries });
	}

	/** Continues a file after the last fragment in the journal. */
	static async resume(
		options: ExportFileOptions,
		opened: OpenedFile,
		state: OpenState,
		entries: readonly (readonly unknown[])[],
	): Promise<ExportFile> {
		const body = opened.tracks.flatMap((entry) => element('TrackEntry', [Buffer.from(entry, 'base64')]));
		const tracks = readTracks(Buffer.concat(body)).map((track) => trackMedia(track).track);
		return ExportFile.#open(options, tracks, opened, { state, entries });
	}

	static async #open(
		options: ExportFileOptions,
		tracks: readonly Track[],
		opened: Omit<OpenedFile, 'parts'>,
		past?: { state: OpenState; entries: readonly (readonly unknown[])[] },
	): Promise<ExportFile> {
		const { directory, name, container, channels, gaps } = options;
		if (gaps === 'fill') for (const track of tracks) requireSilence(name, track);
		const isSplit = channels === 'split' && tracks.length > 1;
		const groups = isSplit ? tracks.map((track) => [track]) : [[...tracks]];
		const lanes: Lane[] = [];
		const files: AtomicFile[] = [];
		try {
			for (const [index, group] of groups.entries()) {
				const suffix = isSplit ? suffixOf(group[0] as Track, tracks) : null;
				checkTracks(name, container, group);
				const target = new ExportNames(name).name(opened.number, { isNumbered: true, suffix });
				const lane = past?.state.lanes[index];
				const muxer = createMuxer(
					container,
					group,
					lane === undefined ? null : { state: lane.state, entries: past?.entries[index] ?? [] },
				);
				const part = await AtomicFile.resume(join(directory, target), lane?.sizeBytes ?? 0);
				files.push(part);
				if (lane !== undefined) await beginAgain(part, createMuxer(container, group), lane.headBytes);
				const output = new OutputFile(part, muxer, past?.entries[index]?.length ?? 0);
				if (lane === undefined) await output.begin();
				lanes.push({
					suffix,
					part,
					partName: basename(AtomicFile.partOf(target)),
					output,
					tracks: new OutputTracks(group),
					headBytes: lane?.headBytes ?? output.sizeBytes,
					frames: lane?.frames ?? 0,
					startBytes: output.sizeBytes,
				});
			}
			const parts = lanes.map(({ partName }) => partName);
			return new ExportFile(options, { ...opened, parts }, tracks, lanes, past?.state);
		} catch (error) {
			for (const file of files) await file.leave();
			throw error;
		}
	}

	/** What the largest of the files side by side would have if it ended here, at most. */
	get maxFinalBytes(): number {
		return Math.max(...this.#lanes.map(({ output }) => output.maxFinalBytes));
	}

	/** How long it is so far. */
	get durationMs(): number {
		return this.#timeline.endMs;
	}

	/** How long it is with a fragment that begins so. */
	durationMsWith(piece: Piece): number {
		return this.#timeline.timesIf(piece).reduce((most, ms) => Math.max(most, ms), this.#timeline.endMs);
	}

	/** Why a fragment is too far from what is in this file to be in it too, in words; null where it is not. */
	whyTooFar(piece: Piece): string | null {
		const times = this.#timeline.timesIf(piece);
		if (this.#getsSilence) {
			const tooLong = whyTooLong(
				this.#timeline.endMs,
				times.reduce((first, ms) => Math.min(first, ms)),
			);
			if (tooLong !== null) return tooLong;
		}
		if (!this.#options.faststart) return null;
		for (const [index, { track }] of piece.frames.entries()) {
			const ms = times[index] as number;
			const pauseMs = ms - (this.#timeline.lastOf(track.number) ?? ms);
			if (pauseMs < (MAX_CLASSIC_STEP_TICKS * 1000) / timescaleOf(track)) continue;
			const hours = (pauseMs / 3_600_000).toFixed(1);
			return `track ${track.number} has no frames for ${hours} hours, more than a file with the option \`faststart\` can express`;
		}
		return null;
	}

	/** Whether time in which nothing was recorded becomes silence. */
	get #getsSilence(): boolean {
		const { container, gaps } = this.#options;
		const hasAudio = this.tracks.tracks.some(({ type }) => type === 'audio');
		return container === 'wav' || (gaps === 'fill' && hasAudio);
	}

	/** Why a frame's track cannot be in this file, in words; null where it can. */
	whyNot(frames: readonly Frame[]): string | null {
		const foreign = frames.find(({ track }) => this.tracks.of(track) === null)?.track;
		return foreign === undefined ? null : `track ${foreign.number} ${this.tracks.whyNot(foreign)}`;
	}

	/** Writes frames of the selected tracks. */
	async piece(piece: Piece): Promise<void> {
		const frames = piece.frames.map((frame) => this.tracks.asOwn(frame));
		if (piece.isFirst) this.#timeline.fragment({ ...piece, frames });
		for (const [index, lane] of this.#lanes.entries()) {
			const own =
				this.#lanes.length === 1 ? frames : frames.filter(({ track }) => lane.tracks.of(track) !== null);
			if (index === 0 || own.length > 0) await this.#write(lane, own);
		}
		for (const { data } of frames) this.#fragmentBytes += data.byteLength;
		this.#fragmentFrames += countOf(frames);
	}

	async #write(lane: Lane, frames: readonly Frame[]): Promise<void> {
		const placed: PlacedFrame[] = [];
		for (const frame of frames) {
			const track = lane.tracks.of(frame.track) as Track;
			const isFilled = this.#options.gaps === 'fill' && track.type === 'audio';
			const fileEndMs = isFilled ? this.#timeline.endMs : 0;
			const endMs = this.#timeline.endOf(track.number);
			const ms = this.#timeline.place(frame);
			if (isFilled) {
				const { name } = this.#options;
				const tooLong = whyTooLong(fileEndMs, ms);
				if (tooLong !== null) {
					const message = `cannot write \`${name}\`: ${tooLong}; set the option \`gaps\` to 'keep', in a file that is not a .wav`;
					throw new SinkError('KVS_GAP_TOO_LONG', name, message);
				}
				for (const silence of silenceUntil(track, endMs, ms)) await lane.output.write(silence, this.#hash);
			}
			placed.push({ frame, track, ms });
		}
		lane.frames += countOf(frames);
		if (placed.length > 0) await lane.output.write(placed, this.#hash);
	}

	/** The fragment is over: what it left. `firstFile` is the index of the first of the files side by side. */
	fragmentEnd(firstFile: number): WrittenFragment {
		const ranges: FragmentRange[] = [];
		for (const [index, lane] of this.#lanes.entries()) {
			const bytes = lane.output.sizeBytes - lane.startBytes;
			if (bytes > 0) ranges.push({ file: firstFile + index, offset: lane.startBytes, bytes });
			lane.startBytes = lane.output.sizeBytes;
		}
		const [frames, bytes] = [this.#fragmentFrames, this.#fragmentBytes];
		const sha256 = ranges.length === 0 ? null : this.#hash.digest('hex');
		if (sha256 !== null) this.#hash = createHash('sha256');
		this.#fragmentFrames = 0;
		this.#fragmentBytes = 0;
		return { frames, bytes, sha256, ranges };
	}

	/** What is needed to continue after the fragment that has ended. */
	state(): OpenState {
		return {
			timeline: this.#timeline.state(),
			lanes: this.#lanes.map(({ output, headBytes, frames }) => ({ headBytes, frames, ...output.past() })),
		};
	}

	/** Brings what was written so far to the disk. */
	async sync(): Promise<void> {
		for (const { part } of this.#lanes) await part.sync();
	}

	/** Writes what follows the last frame and syncs the files; they still have their temporary names. */
	async seal(signal: AbortSignal): Promise<SealedFile[]> {
		const { gaps, faststart, directory } = this.#options;
		const durationMs = this.#timeline.endMs;
		const sealed: SealedFile[] = [];
		for (const lane of this.#lanes) {
			const { output, part, partName, suffix, tracks, headBytes } = lane;
			if (gaps === 'fill') {
				for (const track of tracks.tracks) {
					if (track.type !== 'audio') continue;
					const endMs = this.#timeline.endOf(track.number);
					for (const silence of silenceUntil(track, endMs, durationMs)) await output.write(silence);
				}
			}
			await output.finish(durationMs);
			const head = await sectionOf(part, 0, headBytes);
			const tail = await sectionOf(part, lane.startBytes, part.sizeBytes - lane.startBytes);
			await part.seal();
			const { tracks: _, parts: __, ...begun } = this.opened;
			const facts = { ...begun, part: partName, suffix, durationMs, frames: lane.frames };
			const relaid = faststart ? await moveIndexToFront(join(directory, partName), signal) : null;
			sealed.push({ ...facts, bytes: part.sizeBytes, head, tail, sha256: null, ...relaid });
		}
		return sealed;
	}

	/** Stops here; what was written stays. */
	async leave(): Promise<void> {
		for (const { part } of this.#lanes) await part.leave();
	}
}

/** How many frames are written: empty ones are not. */
function countOf(frames: readonly Frame[]): number {
	return frames.reduce((count, { data }) => count + (data.byteLength > 0 ? 1 : 0), 0);
}
