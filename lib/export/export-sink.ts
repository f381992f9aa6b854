import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SinkError } from '../errors.js';
import { publish } from '../files/atomic-file.js';
import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
	GapEvent,
} from '../model/media-event.js';
import { MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { Track } from '../model/track.js';
import { FragmentSink, type Piece } from '../sinks/fragment-sink.js';
import { nothingToWrite } from '../wording/nothing-to-write.js';
import { cutBefore } from './cut-before.js';
import { ExportFile, type ExportFileOptions } from './export-file.js';
import {
	type ExportedFile,
	type ExportedFragment,
	type ExportTotals,
	type FileCut,
	fragmentsOf,
	type MergedGaps,
	manifestPath,
	writeManifest,
} from './export-manifest.js';
import { ExportNames } from './export-names.js';
import type { ExportPast, OpenedFile, SealedFile } from './export-past.js';
import type { ExportRequest } from './export-request.js';
import { ExportTracks } from './export-tracks.js';
import { endedFragment, missingFragment, NOTHING_WRITTEN, skippedFragment } from './exported-fragment.js';
import { brokenNotices, type FragmentNotice, noticesOf, outlierNotices } from './fragment-notice.js';
import { ExportJournal } from './journal/export-journal.js';
import { readManifest } from './read-manifest.js';
import { fileTagOf, splitTagOf } from './split-rule.js';

/** What a sink needs besides the request. */
export interface ExportSinkOptions extends ExportFileOptions {
	readonly request: ExportRequest;
	readonly journal: ExportJournal;
	readonly past: ExportPast;
	/** Whether a manifest is written beside the file. */
	readonly hasManifest: boolean;
}

/** Code of the error that says that a journal is not of what was written: the export is to start over. */
export const PART_LOST = 'KVS_PART_LOST';

/** Errors that the same command would meet again: nothing is kept for it. */
const HOPELESS = new Set(['KVS_EMPTY_RANGE', 'KVS_CODEC_NOT_SUPPORTED', 'KVS_NO_SUCH_TRACK']);

/**
 * Writes events into the files of one export: continues after what an earlier process did, begins a new file where one file
 * cannot hold what comes or the request says so, and writes down every fragment. Files get their names when they are
 * whole: numbered ones when the next was begun, one alone at the end. An error or an abort leaves what the next process
 * needs, unless it would meet the same error, or cannot know that it is asked for the same.
 */
export class ExportSink extends FragmentSink {
	readonly #options: ExportSinkOptions;
	readonly #tracks: ExportTracks;
	readonly #totals: { -readonly [K in keyof ExportTotals]: number };
	readonly #sealed: SealedFile[];
	/** Sealed, and not written down yet. */
	#newlySealed: SealedFile[] = [];
	#opened: OpenedFile | null = null;
	#file: ExportFile | null = null;
	#gaps: number;
	readonly #merged: MergedGaps;
	#mergedGapMs: number;
	/** Of the fragments so far. */
	readonly #notices: FragmentNotice[];
	/** Of the fragment that is being written. */
	#newNotices: string[] = [];
	/** How many of the sealed files have their names. */
	#published = 0;
	#isOver: boolean;

	constructor(options: ExportSinkOptions) {
		super({ past: options.past.sink, isUndivided: options.channels === 'split' });
		this.#options = options;
		this.#tracks = new ExportTracks(options.name, options.request);
		this.#totals = { ...options.past.totals };
		this.#sealed = [...options.past.sealed];
		this.#gaps = options.past.totals.gaps;
		this.#merged = { ...options.past.merged };
		this.#mergedGapMs = options.past.mergedGapMs;
		this.#notices = [...options.past.notices];
		this.#isOver = options.past.isOver;
	}

	/** What became of the fragments so far, those of earlier processes included. */
	get totals(): ExportTotals {
		return { ...this.#totals, gaps: this.#gaps };
	}

	/** Places where fragments do not meet in one file, how long the gaps among them are, and what else is not as it should be. */
	get noted(): {
		readonly merged: Readonly<MergedGaps>;
		readonly mergedGapMs: number;
		readonly notices: readonly FragmentNotice[];
	} {
		return { merged: this.#merged, mergedGapMs: this.#mergedGapMs, notices: this.#notices };
	}

	/** The files, under their names. Known at the end. */
	get files(): readonly ExportedFile[] {
		return this.#sealed.map((sealed) => {
			const { number, suffix, bytes, durationMs, frames, cut, tag, head, tail, sha256 } = sealed;
			const file = this.#nameOf(number, suffix);
			return { file, bytes, durationMs, frames, cut, ...(tag && { tag }), head, tail, sha256 };
		});
	}

	protected override trackInFile(number: number): Track | undefined {
		return this.#file?.tracks.tracks.find((track) => track.number === number);
	}

	protected override async open(): Promise<void> {
		const { name, past } = this.#options;
		await this.#publish();
		if (past.open === null) return;
		const { file: opened, state, entries } = past.open;
		try {
			this.#file = await ExportFile.resume(this.#options, opened, state, entries);
		} catch (error) {
			// A disk in trouble is not mended by throwing away what is on it.
			if (error instanceof SinkError) throw error;
			throw new SinkError(
				PART_LOST,
				name,
				`the journal of an earlier export of \`${name}\` does not match its temporary file`,
				error,
			);
		}
	}

	protected override async piece(piece: Piece): Promise<void> {
		const { isFirst, gap } = piece;
		if (isFirst && gap !== null) this.#gaps++;
		const frames = this.#tracks.framesOf(piece, { isOpen: this.#file !== null });
		if (frames.length === 0) return;
		const selected = { ...piece, frames };
		const cut =
			this.#file === null || !isFirst ? null : cutBefore(this.#file, selected, this.#options.request.split);
		if (cut !== null) await this.#seal();
		else if (isFirst && gap !== null && this.#file !== null) this.#merge(gap);
		const isWritten = new Set(selected.frames.map(({ track }) => track.number));
		this.#newNotices.push(
			...outlierNotices(piece.outliers.filter(({ track }) => isWritten.has(track.number))),
			...brokenNotices(piece.broken.filter(({ track }) => isWritten.has(track.number))),
		);
		this.#file ??= await this.#begin(piece, cut);
		await this.#file.piece(selected);
	}

	protected override async fragmentEnd(
		fragment: FragmentEvent,
		end: FragmentEndEvent,
		failure: FragmentFailureEvent | null,
	): Promise<void> {
		const notices = this.#newNotices;
		this.#newNotices = [];
		const written =
			this.#file?.fragmentEnd(this.#sealed.length + this.#newlySealed.length) ?? NOTHING_WRITTEN;
		await this.#step(endedFragment(fragment, end, { failure, notices, written }));
	}

	protected override async fragmentMissing(failure: FragmentFailureEvent): Promise<void> {
		await this.#step(missingFragment(failure));
	}

	protected override async fragmentSkipped(skipped: FragmentSkippedEvent): Promise<void> {
		await this.#step(skippedFragment(skipped));
	}

	protected override async finish(): Promise<void> {
		const { directory, name, request, journal, hasManifest } = this.#options;
		if (!this.#isOver) {
			if (this.#file === null && this.#sealed.length === 0) {
				const message = nothingToWrite(`\`${name}\``, 'frames', this.#totals.skipped);
				throw new SinkError('KVS_EMPTY_RANGE', name, message);
			}
			await this.#seal();
			await journal.end(this.#newlySealed);
			this.#sealed.push(...this.#newlySealed);
			this.#newlySealed = [];
		}
		this.#isOver = true;
		await this.#publish();
		const file = join(directory, name);
		if (hasManifest) {
			const { totals } = this;
			const fragmentCount = fragmentsOf(totals);
			const { merged, mergedGapMs } = this.noted;
			const summary = { fragments: fragmentCount, ...totals, merged, mergedGapMs };
			const hasRanges = !this.#options.faststart;
			const fragments = ExportJournal.fragments(file, { count: fragmentCount, hasRanges });
			await writeManifest(file, { request, summary, files: this.files }, fragments);
		} else {
			// A file that is not one of our manifests belongs to the user.
			const stale = await readManifest(file).catch(() => null);
			if (stale !== null) await rm(manifestPath(file), { force: true });
		}
		await journal.remove();
	}

	protected override async close(error: Error | null): Promise<void> {
		await this.#file?.leave();
		if (this.writableFinished) return;
		const { journal, directory, request } = this.#options;
		const code = (error as { code?: unknown } | null)?.code;
		const isHopeless = (typeof code === 'string' && HOPELESS.has(code)) || request.where === 'function';
		if (fragmentsOf(this.#totals) > 0 && !isHopeless) {
			await journal.leave();
			return;
		}
		const parts = [...this.#sealed, ...this.#newlySealed].map(({ part }) => part);
		for (const part of [...parts, ...(this.#file?.opened.parts ?? [])]) {
			await rm(join(directory, part), { force: true });
		}
		await journal.remove();
	}

	#merge({ kind, from, to }: GapEvent): void {
		this.#merged[kind]++;
		if (kind === 'gap') this.#mergedGapMs += to.getTime() - from.getTime();
	}

	async #step(fragment: ExportedFragment): Promise<void> {
		const { journal } = this.#options;
		this.#totals[fragment.status]++;
		this.#totals.frames += fragment.frames;
		this.#totals.bytes += fragment.bytes;
		this.#notices.push(...noticesOf(fragment).slice(0, MAX_NAMED_FAILURES - this.#notices.length));
		const sealed = this.#newlySealed;
		await journal.step({
			fragment,
			gaps: this.#gaps,
			merged: this.#merged,
			mergedGapMs: this.#mergedGapMs,
			sink: this.pastState(),
			...(this.#opened === null ? {} : { opened: this.#opened }),
			...(sealed.length === 0 ? {} : { sealed }),
			...(fragment.status === 'skipped' ? {} : { state: this.#file?.state() ?? null }),
		});
		this.#opened = null;
		this.#newlySealed = [];
		this.#sealed.push(...sealed);
		if (sealed.length > 0) await this.#publish();
	}

	async #begin(piece: Piece, cut: FileCut | null): Promise<ExportFile> {
		const tracks = piece.tracks.filter((track) => this.#tracks.has(track));
		const before = [...this.#sealed, ...this.#newlySealed].at(-1);
		const number = cut === null || before === undefined ? 0 : before.number + 1;
		const tagName = splitTagOf(this.#options.request.split);
		const tag = tagName === null ? {} : { tag: fileTagOf(tagName, piece.fragment) };
		const file = await ExportFile.begin(this.#options, tracks, { number, cut, ...tag });
		this.#opened = file.opened;
		return file;
	}

	async #seal(): Promise<void> {
		if (this.#file === null) return;
		const file = this.#file;
		this.#file = null;
		this.#newlySealed.push(...(await file.seal(this.signal)));
	}

	/** Gives the sealed files their names, as far as these are known. */
	async #publish(): Promise<void> {
		if (this.#options.request.split.length === 0 && !this.#isOver) return;
		const { directory } = this.#options;
		for (const { number, part, suffix } of this.#sealed.slice(this.#published)) {
			await publish(join(directory, part), join(directory, this.#nameOf(number, suffix)));
			this.#published++;
		}
	}

	#nameOf(number: number, suffix: string | null): string {
		const isNumbered = this.#options.request.split.length > 0 || (this.#sealed.at(-1)?.number ?? 0) > 0;
		return new ExportNames(this.#options.name).name(number, { isNumbered, suffix });
	}
}
