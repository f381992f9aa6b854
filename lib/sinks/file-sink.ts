import { InvalidOptionError, SinkError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';
import type { FragmentEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import type { Muxer, PlacedFrame } from '../muxing/muxer.js';
import { OutputTimeline } from '../muxing/output-timeline.js';
import { OutputTracks } from '../muxing/output-tracks.js';
import { nothingToWrite } from '../wording/nothing-to-write.js';
import { FragmentSink, type Piece } from './fragment-sink.js';
import { OutputFile } from './output-file.js';

/**
 * The shell of the sinks that write one file: the producer's times from 0 on, gaps as long as they were.
 *
 * The file appears under its name when the sink has finished; until then, and after an error, whatever was there stays.
 * The same frames give the same file. Holds one fragment. Fails with `SinkError`: `KVS_SINK_FAILED`, `KVS_TRACKS_CHANGED`, `KVS_GAP_TOO_LONG`,
 * `KVS_CODEC_NOT_SUPPORTED`, and `KVS_EMPTY_RANGE` where no frame came.
 */
export abstract class FileSink extends FragmentSink {
	readonly #path: string;
	readonly #timeline = new OutputTimeline();
	#file: AtomicFile | null = null;
	#isCommitted = false;
	#output: { readonly file: OutputFile; readonly tracks: OutputTracks } | null = null;

	constructor(path: string) {
		if (typeof path !== 'string' || path === '') throw new InvalidOptionError('path', 'a file name', path);
		super();
		this.#path = path;
	}

	/** A muxer for a file of these tracks. Throws where its container cannot hold them. */
	protected abstract muxer(path: string, tracks: readonly Track[]): Muxer;

	/** Whether a track is written; all are, unless a container takes some only. */
	protected takes(_track: Track): boolean {
		return true;
	}

	protected override trackInFile(number: number): Track | undefined {
		return this.#output?.tracks.tracks.find((track) => track.number === number);
	}

	protected override async open(): Promise<void> {
		this.#file = await AtomicFile.create(this.#path);
	}

	protected override async piece(piece: Piece): Promise<void> {
		const { fragment, isFirst } = piece;
		const frames = piece.frames.filter(({ track }) => this.takes(track));
		if (isFirst) this.#timeline.fragment({ ...piece, frames });
		const taken = piece.tracks.filter((track) => this.takes(track));
		if (frames.length === 0 && (taken.length > 0 || piece.frames.length === 0)) return;
		// Where there is nothing that the container takes, it says what it takes.
		this.#output ??= await this.#begin(taken.length > 0 ? taken : piece.tracks);
		const { file, tracks } = this.#output;
		const placed = frames.map((frame): PlacedFrame => {
			const track = tracks.of(frame.track);
			if (track === null) throw this.#tracksChanged(fragment, frame.track, tracks);
			return { frame, track, ms: this.#timeline.place(frame) };
		});
		await file.write(placed);
	}

	protected override async fragmentEnd(): Promise<void> {}

	protected override async fragmentMissing(): Promise<void> {}

	protected override async finish(): Promise<void> {
		if (this.#output === null) {
			throw new SinkError('KVS_EMPTY_RANGE', this.#path, nothingToWrite(`\`${this.#path}\``, 'frames'));
		}
		await this.#output.file.finish(this.#timeline.endMs);
		await this.#file?.commit();
		this.#isCommitted = true;
	}

	protected override async close(): Promise<void> {
		if (!this.#isCommitted) await this.#file?.discard();
	}

	async #begin(tracks: readonly Track[]): Promise<{ file: OutputFile; tracks: OutputTracks }> {
		const file = new OutputFile(this.#file as AtomicFile, this.muxer(this.#path, tracks));
		await file.begin();
		return { file, tracks: new OutputTracks(tracks) };
	}

	#tracksChanged(fragment: FragmentEvent, track: Track, tracks: OutputTracks): SinkError {
		const why = tracks.whyNot(track);
		return new SinkError(
			'KVS_TRACKS_CHANGED',
			this.#path,
			`cannot write \`${this.#path}\`: track ${track.number} ${why} in fragment ${fragment.fragmentNumber ?? fragment.index}; one file cannot hold both`,
		);
	}
}
