import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { FRESH_START, type RunStart } from '../model/run-start.js';
import { type FailedFragment, MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { OutputTimelineState } from '../muxing/output-timeline.js';
import type { FragmentSinkState } from '../sinks/fragment-sink.js';
import type { ExportedFile, ExportedFragment, ExportTotals, FileCut, MergedGaps } from './export-manifest.js';
import { type FragmentNotice, noticesOf } from './fragment-notice.js';

/** A file that was begun: everything else about it follows from its fragments. */
export interface OpenedFile {
	/** Counted from 0. */
	readonly number: number;
	readonly cut: FileCut | null;
	/** TrackEntry bodies of the tracks it holds, in base64. */
	readonly tracks: readonly string[];
	/** Names of the parts it is written to, without their directory. */
	readonly parts: readonly string[];
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
	readonly mergedGapMs: number;
	readonly sink: FragmentSinkState;
	readonly opened?: OpenedFile;
	readonly sealed?: readonly SealedFile[];
	readonly state: OpenState | null;
}

/** Where an export was stopped. */
export interface ExportPast extends RunStart {
	readonly merged: Readonly<MergedGaps>;
	readonly mergedGapMs: number;
	/** Of the fragments so far, at most `MAX_NAMED_FAILURES` of them. */
	readonly notices: readonly FragmentNotice[];
	readonly sealed: readonly SealedFile[];
	readonly open: {
		readonly file: OpenedFile;
		readonly state: OpenState;
		readonly entries: readonly (readonly unknown[])[];
	} | null;
	readonly sink: FragmentSinkState | undefined;
	/** The last fragment that left bytes in the open file. */
	readonly lastWritten: ExportedFragment | null;
	/** Nothing is left but to give the sealed files their names. */
	readonly isOver: boolean;
}

/** Nothing has been done yet. */
export const NO_PAST: ExportPast = {
	...FRESH_START,
	merged: { gap: 0, overlap: 0, regression: 0, duplicate: 0 },
	mergedGapMs: 0,
	notices: [],
	sealed: [],
	open: null,
	sink: undefined,
	lastWritten: null,
	isOver: false,
};

/** The lines of a journal that count, and where each ends. */
export async function* linesOf(
	path: string,
): AsyncGenerator<{ fragmentText: string; restText: string; end: number }> {
	const { size } = await stat(path);
	const input = createReadStream(path);
	let end = 0;
	try {
		for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
			end += Buffer.byteLength(text) + 1;
			const tab = text.indexOf('\t');
			// What a process was writing when it was killed has no line feed; a power cut may leave worse.
			if (end > size || tab === -1) return;
			yield { fragmentText: text.slice(0, tab), restText: text.slice(tab + 1), end };
		}
	} finally {
		input.destroy();
	}
}

/** What a journal tells of an export that was stopped. */
export interface FoundPast {
	readonly request: unknown;
	readonly past: ExportPast;
	/** Names of the parts of the file that was open. */
	readonly parts: readonly string[];
	/** Where the last line ends that counts. */
	readonly validBytes: number;
}

/** Reads a journal; null where there is none, or not even the request is in it. */
export async function readPast(path: string): Promise<FoundPast | null> {
	const reader = new PastReader();
	try {
		for await (const { fragmentText, restText, end } of linesOf(path)) {
			try {
				reader.line(fragmentText === '' ? null : JSON.parse(fragmentText), JSON.parse(restText), end);
			} catch (error) {
				if (error instanceof SyntaxError) break;
				throw error;
			}
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
	return reader.found;
}

/** Puts together where an export was stopped, line by line. */
class PastReader {
	readonly #known = new Set<string>();
	readonly #sealed: SealedFile[] = [];
	readonly #failures: FailedFragment[] = [];
	readonly #notices: FragmentNotice[] = [];
	readonly #totals: { -readonly [K in keyof ExportTotals]: number } = { ...NO_PAST.totals };
	#entries: unknown[][] = [];
	#opened: OpenedFile | null = null;
	#found: FoundPast | null = null;

	/** Null where not even the request is there. */
	get found(): FoundPast | null {
		return this.#found;
	}

	line(
		fragment: ExportedFragment | null,
		rest: Partial<JournalStep> & { request?: unknown },
		end: number,
	): void {
		if (this.#found === null) {
			const past = {
				...NO_PAST,
				known: this.#known,
				sealed: this.#sealed,
				totals: this.#totals,
				failures: this.#failures,
				notices: this.#notices,
			};
			this.#found = { request: rest.request, past, parts: [], validBytes: end };
			return;
		}
		this.#sealed.push(...(rest.sealed ?? []));
		const { past } = this.#found;
		const next = fragment === null ? { open: null, isOver: true } : this.#step(past, fragment, rest);
		const parts = this.#opened?.parts ?? [];
		this.#found = { ...this.#found, past: { ...past, ...next }, parts, validBytes: end };
	}

	#step(past: ExportPast, fragment: ExportedFragment, rest: Partial<JournalStep>): Partial<ExportPast> {
		const {
			gaps = this.#totals.gaps,
			merged = past.merged,
			mergedGapMs = past.mergedGapMs,
			sink,
			state = null,
			opened,
		} = rest;
		if (opened !== undefined) {
			this.#opened = opened;
			this.#entries = [];
		}
		for (const [index, lane] of (state?.lanes ?? []).entries()) {
			this.#entries[index] ??= [];
			for (const entry of lane.entries) this.#entries[index].push(entry);
		}
		const { fragmentNumber, status, code = null, name = '', message = '' } = fragment;
		if (fragmentNumber !== null) this.#known.add(fragmentNumber);
		if (status !== 'delivered' && this.#failures.length < MAX_NAMED_FAILURES) {
			this.#failures.push({ fragmentNumber, code, name, message });
		}
		this.#notices.push(...noticesOf(fragment).slice(0, MAX_NAMED_FAILURES - this.#notices.length));
		this.#totals[status]++;
		this.#totals.frames += fragment.frames;
		this.#totals.bytes += fragment.bytes;
		this.#totals.gaps = gaps;
		const file = this.#opened;
		return {
			last: fragmentNumber ?? past.last,
			sink,
			merged,
			mergedGapMs,
			open: file === null || state === null ? null : { file, state, entries: this.#entries },
			lastWritten: fragment.ranges.length > 0 ? fragment : past.lastWritten,
		};
	}
}
