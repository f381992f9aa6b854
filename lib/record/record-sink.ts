import { join } from 'node:path';
import { SinkError } from '../errors.js';
import { cutBefore } from '../export/cut-before.js';
import { ExportFile, type ExportFileOptions } from '../export/export-file.js';
import type { ExportedFragment } from '../export/export-manifest.js';
import { ExportTracks } from '../export/export-tracks.js';
import {
	endedFragment,
	missingFragment,
	NOTHING_WRITTEN,
	skippedFragment,
} from '../export/exported-fragment.js';
import { brokenNotices, outlierNotices } from '../export/fragment-notice.js';
import type { SplitRule } from '../export/split-rule.js';
import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
} from '../model/media-event.js';
import { MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { Track } from '../model/track.js';
import type { Container } from '../muxing/container.js';
import { sourceMs } from '../muxing/output-timeline.js';
import { FragmentSink, type Piece } from '../sinks/fragment-sink.js';
import { counted } from '../wording/counted.js';
import type { RecordJournal } from './record-journal.js';
import type { RecordPast, SealedRecording } from './record-past.js';
import { type OpenRecording, type Recording, type RecordingCut, recordingOf } from './recording.js';
import type { RecordingDirectory } from './recording-directory.js';
import { recordingName } from './recording-name.js';

/** How many fragments a notice names. */
const MAX_NAMED_LOST = 10;

/** How much earlier than its video the audio of a fragment may begin, and with it a file than another one ends. */
const MAX_LEAD_MS = 500;

/** What a {@link RecordSink} needs. */
export interface RecordSinkOptions {
	readonly directory: RecordingDirectory;
	/** Name of the stream. */
	readonly stream: string;
	readonly container: Container;
	readonly split: readonly SplitRule[];
	readonly journal: RecordJournal;
	readonly past: RecordPast;
	/** Fragments that are read again, as what was written of them has changed. */
	readonly lost: readonly string[];
	/** Server time of a fragment that is being recorded, epoch milliseconds. */
	readonly serverMsOf: (fragmentNumber: string) => number | null;
	/** Called when a fragment is on the disk, whatever became of it. */
	readonly ack: (fragmentNumber: string) => Promise<void>;
	readonly onRecording: (recording: Recording) => Promise<void>;
}

/** The file that is being written. */
interface Open {
	readonly recording: OpenRecording;
	readonly file: ExportFile;
	/** Whether the journal knows of it. */
	isKnown: boolean;
}

/**
 * Writes what comes into files of a directory, without end: each fragment is on the disk, with what is needed to go on after
 * it, before it is done. A file that is finished gets its name, then a line in the list, then the journal begins anew; a
 * process that is killed in between leaves the rest to the next.
 */
export class RecordSink extends FragmentSink {
	readonly #options: RecordSinkOptions;
	readonly #tracks: ExportTracks;
	#open: Open | null = null;
	/** Of the last step. */
	#sink: RecordPast['sink'];
	#untilMs: number | null;
	/** Since the last file was finished. */
	#fragments: ExportedFragment[];
	/** In the journal since it was begun. */
	#steps = 0;
	/** Why the next file begins, where it begins with that fragment. */
	#cut: RecordingCut | null;
	/** Of the fragment that is being written. */
	#notices: string[] = [];
	/** Whether the open file holds a part of a fragment that is not written down. */
	#isWithin = false;

	constructor(options: RecordSinkOptions) {
		super({ past: options.past.sink ?? undefined });
		this.#options = options;
		const { stream, container } = options;
		this.#tracks = new ExportTracks(recordingName(stream, 0, container), { tracks: null, container });
		this.#sink = options.past.sink;
		this.#untilMs = options.past.untilMs;
		this.#fragments = [...options.past.fragments];
		this.#cut = options.past.cut;
		const { lost } = options;
		if (lost.length > 0) {
			const named = `${lost.slice(0, MAX_NAMED_LOST).join(', ')}${lost.length > MAX_NAMED_LOST ? ', …' : ''}`;
			this.#notices.push(
				`the bytes written of ${counted(lost.length, 'fragment')} had changed, so ${lost.length === 1 ? 'it was' : 'these were'} requested again: ${named}`,
			);
		}
	}

	/** Whether what is acknowledged is in a file that is not finished. */
	get hasOpenFile(): boolean {
		return this.#open !== null;
	}

	protected override trackInFile(number: number): Track | undefined {
		return this.#open?.file.tracks.tracks.find((track) => track.number === number);
	}

	protected override async open(): Promise<void> {
		const { past, container } = this.#options;
		if (past.sealed !== null) await this.#publish(past.sealed);
		else await this.#resume(past);
		await this.#removeParts();
		if (this.#open !== null && this.#open.recording.container !== container) await this.#seal();
	}

	protected override async piece(piece: Piece): Promise<void> {
		const frames = this.#tracks.framesOf(piece, { isOpen: this.#open !== null });
		if (frames.length === 0) return;
		const isSelected = (track: Track): boolean => this.#tracks.has(track);
		const selected = { ...piece, tracks: piece.tracks.filter(isSelected), frames };
		const cut = this.#cutBefore(selected);
		if (cut !== null) await this.#seal(cut);
		this.#notices.push(
			...outlierNotices(piece.outliers.filter(({ track }) => isSelected(track))),
			...brokenNotices(piece.broken.filter(({ track }) => isSelected(track))),
		);
		this.#open ??= await this.#begin(selected);
		this.#isWithin = true;
		await this.#open.file.piece(selected);
	}

	protected override async fragmentEnd(
		fragment: FragmentEvent,
		end: FragmentEndEvent,
		failure: FragmentFailureEvent | null,
	): Promise<void> {
		const notices = this.#notices;
		this.#notices = [];
		const written = this.#open?.file.fragmentEnd(0) ?? NOTHING_WRITTEN;
		await this.#step(endedFragment(fragment, end, { failure, notices, written }));
	}

	protected override async fragmentMissing(failure: FragmentFailureEvent): Promise<void> {
		await this.#step(missingFragment(failure));
	}

	protected override async fragmentSkipped(skipped: FragmentSkippedEvent): Promise<void> {
		await this.#step(skippedFragment(skipped));
	}

	protected override async pause(isLong: boolean): Promise<void> {
		if (isLong) await this.#seal();
	}

	protected override async finish(): Promise<void> {
		if (this.#isWithin && this.#open !== null) {
			// A fragment that did not come to its end is left to the next run.
			await this.#open.file.leave();
			this.#open = null;
			await this.#resume(await this.#options.journal.read());
			await this.#removeParts();
		}
		await this.#seal();
	}

	protected override async close(): Promise<void> {
		await this.#open?.file.leave();
		await this.#options.journal.leave();
	}

	async #resume({ open }: RecordPast): Promise<void> {
		if (open === null) return;
		const { recording, state, entries } = open;
		try {
			const file = await ExportFile.resume(this.#fileOptions(recording), recording.file, state, entries);
			this.#open = { recording, file, isKnown: true };
		} catch (cause) {
			if (cause instanceof SinkError) throw cause;
			const part = join(this.#options.directory.path, recording.file.parts[0] as string);
			const message = `cannot resume \`${part}\`: ${(cause as Error).message}; remove it, and its fragments are read again`;
			throw new SinkError('KVS_SINK_FAILED', part, message, cause);
		}
	}

	/** Removes parts of which nothing is written down. */
	async #removeParts(): Promise<void> {
		await this.#options.directory.removeParts(this.#open?.recording.file.parts[0]);
	}

	/** Why a fragment that begins so cannot go into the file that is open; null where it can, or where none is. */
	#cutBefore(piece: Piece): RecordingCut | null {
		if (this.#open === null || !piece.isFirst) return null;
		const { gap, fragment } = piece;
		const { recording, file } = this.#open;
		if (gap !== null && (gap.kind !== 'gap' || recording.isLate)) {
			const detail = `${gap.kind} from ${gap.from.toISOString()} to ${gap.to.toISOString()}`;
			return { reason: gap.kind === 'gap' ? 'gap' : 'late', fragmentNumber: fragment.fragmentNumber, detail };
		}
		return cutBefore(file, piece, this.#options.split);
	}

	async #begin({ fragment, frames, tracks }: Piece): Promise<Open> {
		const { stream, container } = this.#options;
		const startMs = frames.reduce(
			(least, frame) => Math.min(least, sourceMs(frame)),
			Number.POSITIVE_INFINITY,
		);
		const name = recordingName(stream, startMs, container);
		const isLate = this.#untilMs !== null && startMs < this.#untilMs - MAX_LEAD_MS;
		const file = await ExportFile.begin(this.#fileOptions({ name, container }), tracks, {
			number: 0,
			cut: null,
		});
		const cut = this.#cut?.fragmentNumber === fragment.fragmentNumber ? this.#cut : null;
		const recording = { name, container, startMs, cut, isLate, file: file.opened };
		return { recording, file, isKnown: false };
	}

	async #step(fragment: ExportedFragment): Promise<void> {
		const { directory, journal, serverMsOf, ack } = this.#options;
		const open = this.#isWithin ? this.#open : null;
		if (open !== null) {
			this.#untilMs = Math.max(this.#untilMs ?? 0, open.recording.startMs + open.file.durationMs);
			await open.file.sync();
			if (!open.isKnown) await directory.sync();
		}
		const { fragmentNumber } = fragment;
		this.#sink = this.pastState();
		await journal.step({
			fragment,
			serverMs: fragmentNumber === null ? null : serverMsOf(fragmentNumber),
			sink: this.#sink,
			untilMs: this.#untilMs,
			...(open === null || open.isKnown ? {} : { opened: open.recording }),
			...(open === null ? {} : { state: open.file.state() }),
		});
		if (open !== null) open.isKnown = true;
		this.#isWithin = false;
		if (fragment.status !== 'skipped') this.#fragments.push(fragment);
		this.#steps++;
		if (this.#open === null && this.#steps > MAX_NAMED_FAILURES) await this.#restart();
		if (fragmentNumber !== null) await ack(fragmentNumber);
	}

	/** Finishes the file that is open, if there is one; `cut`: why the next one begins. */
	async #seal(cut: RecordingCut | null = null): Promise<void> {
		if (this.#open === null) return;
		const { directory, stream, journal } = this.#options;
		const { recording, file } = this.#open;
		const [sealed] = await file.seal(this.signal);
		if (sealed === undefined) return;
		this.#open = null;
		const { part } = sealed;
		const finished = recordingOf(recording, sealed, this.#fragments, {
			file: await directory.freeName(stream, recording),
			sha256: await directory.sha256(part, this.signal),
		});
		await journal.seal({ part, recording: finished, cut });
		await this.#publish({ part, recording: finished, cut });
	}

	/** Gives a recording its name, lists it, and has the journal begin anew. Does what is left of it where a process was killed. */
	async #publish({ part, recording, cut }: SealedRecording): Promise<void> {
		const { directory, onRecording } = this.#options;
		await directory.publish(part, recording, this.signal);
		this.#fragments = [];
		this.#cut = cut;
		await this.#restart();
		await directory.settled(part);
		await onRecording(recording);
	}

	async #restart(): Promise<void> {
		this.#steps = 0;
		this.#fragments = this.#fragments.slice(0, MAX_NAMED_FAILURES);
		await this.#options.journal.restart({
			sink: this.#sink,
			untilMs: this.#untilMs,
			fragments: this.#fragments,
			cut: this.#cut,
		});
	}

	#fileOptions({ name, container }: Pick<OpenRecording, 'name' | 'container'>): ExportFileOptions {
		const { path: directory } = this.#options.directory;
		return { directory, name, container, channels: 'stereo', gaps: 'keep', faststart: false };
	}
}
