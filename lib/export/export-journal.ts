import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../errors.js';
import type { GapDetectorState } from '../model/gap-detector.js';
import { type FailedFragment, MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { OutputTimelineState } from '../sinks/output-timeline.js';
import type { ExportedFile, ExportedFragment, ExportTotals, FileCut, MergedGaps } from './export-manifest.js';
import type { ExportRequest } from './export-request.js';

/** A file that was begun: everything else about it follows from its fragments. */
export interface OpenedFile {
	/** Counted from 0. */
	readonly number: number;
	readonly cut: FileCut | null;
	/** TrackEntry bodies of the tracks it holds, in base64. */
	readonly tracks: readonly string[];
}

/** A file that is whole, and where it waits for its name. */
export interface SealedFile extends Omit<ExportedFile, 'file'> {
	readonly number: number;
	/** Name of the part, without its directory. */
	readonly part: string;
	/** What tells the files of the same number apart; null where there is one. */
	readonly suffix: string | null;
}

/** What the open file needs to go on behind a fragment. */
export interface OpenState {
	readonly timeline: OutputTimelineState;
	/** Of each of the files that are written side by side. */
	readonly lanes: readonly {
		readonly sizeBytes: number;
		readonly headBytes: number;
		readonly frames: number;
		readonly state: unknown;
		/** What the muxer's index grew by with this fragment. */
		readonly entries: readonly unknown[];
	}[];
}

/** One step of an export: a fragment, and what was opened and sealed on its occasion. */
export interface JournalStep {
	readonly fragment: ExportedFragment;
	/** So far. */
	readonly gaps: number;
	readonly merged: Readonly<MergedGaps>;
	readonly gapsState: GapDetectorState;
	readonly opened?: OpenedFile;
	readonly sealed?: readonly SealedFile[];
	readonly state: OpenState | null;
}

/** Where an export was stopped. */
export interface ExportPast {
	/** Numbers of the fragments that are done with, and the last of them. */
	readonly known: ReadonlySet<string>;
	readonly last: string | null;
	readonly totals: ExportTotals;
	/** The fragments that could not be had; of many the first ones. */
	readonly failures: readonly FailedFragment[];
	readonly merged: Readonly<MergedGaps>;
	readonly sealed: readonly SealedFile[];
	readonly open: {
		readonly file: OpenedFile;
		readonly state: OpenState;
		readonly entries: readonly (readonly unknown[])[];
	} | null;
	readonly gapsState: GapDetectorState | undefined;
	/** The last fragment that left bytes in the open file. */
	readonly lastWritten: ExportedFragment | null;
	/** Nothing is left but to give the sealed files their names. */
	readonly isOver: boolean;
}

/** Nothing has been done yet. */
export const NO_PAST: ExportPast = {
	known: new Set(),
	last: null,
	totals: { delivered: 0, failed: 0, missing: 0, frames: 0, bytes: 0, gaps: 0 },
	failures: [],
	merged: { gap: 0, overlap: 0, regression: 0, duplicate: 0 },
	sealed: [],
	open: null,
	gapsState: undefined,
	lastWritten: null,
	isOver: false,
};

/**
 * What an export has done so far, a line a fragment, beside the file it is to become: a process that is killed leaves it,
 * and the next one goes on from it. A line counts once its line feed is there.
 */
export class ExportJournal {
	readonly #path: string;
	readonly #handle: FileHandle;

	private constructor(path: string, handle: FileHandle) {
		this.#path = path;
		this.#handle = handle;
	}

	/**
	 * Opens the journal of `file` and reads where the export was stopped; begins a new one where there is none, or where it
	 * is about another request.
	 */
	static async open(
		file: string,
		request: ExportRequest,
	): Promise<{ journal: ExportJournal; past: ExportPast }> {
		const path = journalPath(file);
		try {
			const past = await readPast(path, request);
			if (past === null) {
				await rm(path, { force: true });
				const handle = await open(path, 'ax', 0o600);
				await handle.appendFile(`${JSON.stringify({ request })}\n`);
				return { journal: new ExportJournal(path, handle), past: NO_PAST };
			}
			return { journal: new ExportJournal(path, await open(path, 'a', 0o600)), past };
		} catch (error) {
			throw failure(path, error);
		}
	}

	/** Forgets what an export has done so far. */
	static async discard(file: string): Promise<void> {
		await rm(journalPath(file), { force: true });
	}

	/** Writes down a step. */
	async step(step: JournalStep): Promise<void> {
		await this.#append(step);
	}

	/** Writes down that everything is written, and the files that were sealed at the end. */
	async end(sealed: readonly SealedFile[]): Promise<void> {
		await this.#append({ end: true, sealed });
		await this.#handle.sync().catch((error) => {
			throw failure(this.#path, error);
		});
	}

	/** Leaves it for the next process. */
	async leave(): Promise<void> {
		await this.#handle.close();
	}

	/** It has served its purpose. */
	async remove(): Promise<void> {
		await this.#handle.close();
		await rm(this.#path, { force: true });
	}

	/** The fragments that the journal of `file` tells of, in order; with `hasRanges` off, without the places of their bytes. */
	static async *fragments(
		file: string,
		{ hasRanges }: { readonly hasRanges: boolean },
	): AsyncGenerator<ExportedFragment> {
		for await (const line of linesOf(journalPath(file))) {
			const { fragment } = line.value as Partial<JournalStep>;
			if (fragment !== undefined) yield hasRanges ? fragment : { ...fragment, ranges: [] };
		}
	}

	async #append(line: object): Promise<void> {
		try {
			await this.#handle.appendFile(`${JSON.stringify(line)}\n`);
		} catch (error) {
			throw failure(this.#path, error);
		}
	}
}

/** Where the journal of an export is. */
function journalPath(file: string): string {
	return join(dirname(file), `.${basename(file)}.journal.part`);
}

/** The lines that count, parsed, and where each ends. */
async function* linesOf(path: string): AsyncGenerator<{ value: unknown; end: number }> {
	const { size } = await stat(path);
	const input = createReadStream(path);
	let end = 0;
	try {
		for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
			end += Buffer.byteLength(text) + 1;
			// What a process was writing when it was killed has no line feed.
			if (end > size) return;
			let value: unknown;
			try {
				value = JSON.parse(text);
			} catch {
				// Nor does anything count behind what a power cut made of a line.
				return;
			}
			yield { value, end };
		}
	} finally {
		input.destroy();
	}
}

async function readPast(path: string, request: ExportRequest): Promise<ExportPast | null> {
	const known = new Set<string>();
	const sealed: SealedFile[] = [];
	const failures: FailedFragment[] = [];
	const totals = { ...NO_PAST.totals };
	const tally = totals as { -readonly [K in keyof ExportTotals]: number };
	let past: ExportPast | null = null;
	let entries: unknown[][] = [];
	let opened: OpenedFile | null = null;
	let validBytes = 0;
	try {
		for await (const { value, end } of linesOf(path)) {
			if (past === null) {
				if (!isDeepStrictEqual((value as { request?: unknown }).request, request)) return null;
				past = { ...NO_PAST, known, sealed, totals, failures };
				validBytes = end;
				continue;
			}
			const { fragment, gaps, merged, gapsState, state, ...step } = value as Partial<JournalStep>;
			sealed.push(...(step.sealed ?? []));
			validBytes = end;
			if (fragment === undefined) {
				past = { ...past, open: null, isOver: true };
				continue;
			}
			if (step.opened !== undefined) {
				opened = step.opened;
				entries = [];
			}
			for (const [index, lane] of (state?.lanes ?? []).entries()) {
				entries[index] ??= [];
				for (const entry of lane.entries) entries[index].push(entry);
			}
			if (fragment.fragmentNumber !== null) known.add(fragment.fragmentNumber);
			if (fragment.status !== 'delivered' && failures.length < MAX_NAMED_FAILURES) {
				const { fragmentNumber, code = null, name = '', message = '' } = fragment;
				failures.push({ fragmentNumber, code, name, message });
			}
			tally[fragment.status]++;
			tally.frames += fragment.frames;
			tally.bytes += fragment.bytes;
			tally.gaps = gaps ?? tally.gaps;
			past = {
				...past,
				last: fragment.fragmentNumber ?? past.last,
				gapsState,
				merged: merged ?? past.merged,
				open: opened === null || state == null ? null : { file: opened, state, entries },
				lastWritten: fragment.ranges.length > 0 ? fragment : past.lastWritten,
			};
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
	// What comes behind was being written when the process was killed.
	if (past !== null) await truncate(path, validBytes);
	return past;
}

function failure(path: string, cause: unknown): SinkError {
	if (cause instanceof SinkError) return cause;
	const { message } = cause as Error;
	return new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${message}`, cause);
}
