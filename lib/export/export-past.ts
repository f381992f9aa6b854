import { SinkError } from '../errors.js';
import { isFileThere } from '../files/is-file-there.js';
import { FRESH_START, type RunStart } from '../model/run-start.js';
import { type FailedFragment, MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { OutputTimelineState } from '../muxing/output-timeline.js';
import type { FragmentSinkState } from '../sinks/fragment-sink.js';
import type { ExportedFile, ExportedFragment, ExportTotals, FileCut, MergedGaps } from './export-manifest.js';
import { ExportNames } from './export-names.js';
import {
	isCount,
	isExportedFragment,
	isLength,
	isMergedGaps,
	isOpenedFile,
	isOpenState,
	isPlainRecord,
	isRecord,
	isSealedFile,
} from './field-checks.js';
import { type FragmentNotice, noticesOf } from './fragment-notice.js';
import { type JournalLine, journalLines } from './journal/journal-lines.js';
import type { FileTag } from './split-rule.js';

/** A file that was begun: everything else about it follows from its fragments. */
export interface OpenedFile {
	/** Counted from 0. */
	readonly number: number;
	readonly cut: FileCut | null;
	/** See {@link ExportedFile}. */
	readonly tag?: FileTag;
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

/** What the open file needs to continue after a fragment. */
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
	/** Absent where nothing was written since the step before. */
	readonly state?: OpenState | null;
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
	isOver: false,
};

/** What a journal says of an export that was stopped. */
export interface FoundPast {
	readonly request: unknown;
	readonly past: ExportPast;
	/** Names of the parts of the file that was open. */
	readonly parts: readonly string[];
	/** Where the last line ends that counts, and its checksum. */
	readonly validBytes: number;
	readonly checksum: string;
}

/**
 * Reads the journal of `file` up to `endBytes`; null where there is none, or not even the request is in it. Throws `SinkError`
 * (`KVS_SINK_FAILED`) where a line that is intact has what no export writes, and the system's error.
 */
export async function readPast(file: string, path: string, endBytes?: number): Promise<FoundPast | null> {
	if (!(await isFileThere(path))) return null;
	const reader = new PastReader(new ExportNames(file));
	let lines = 0;
	for await (const line of journalLines(path, endBytes)) {
		lines++;
		const trouble = reader.line(line);
		if (trouble === null) continue;
		const message = `cannot resume \`${file}\`: line ${lines} of \`${path}\` ${trouble}; remove \`${path}\` to start over`;
		throw new SinkError('KVS_SINK_FAILED', file, message);
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
	readonly #names: ExportNames;
	#entries: unknown[][] = [];
	#opened: OpenedFile | null = null;
	#found: FoundPast | null = null;

	constructor(names: ExportNames) {
		this.#names = names;
	}

	/** Null where not even the request is there. */
	get found(): FoundPast | null {
		return this.#found;
	}

	/** Takes the next line; says what is wrong with one that cannot be of an export. */
	line({ fragmentText, restText, checksum, end }: JournalLine): string | null {
		let fragment: ExportedFragment | null;
		let rest: Partial<JournalStep> & { request?: unknown };
		try {
			fragment = fragmentText === '' ? null : JSON.parse(fragmentText);
			rest = JSON.parse(restText);
		} catch (error) {
			return `is not JSON: ${(error as Error).message}`;
		}
		const trouble = this.#troubleOf(fragment, rest);
		if (trouble !== null) return trouble;
		if (this.#found === null) {
			const past = {
				...NO_PAST,
				known: this.#known,
				sealed: this.#sealed,
				totals: this.#totals,
				failures: this.#failures,
				notices: this.#notices,
			};
			this.#found = { request: rest.request, past, parts: [], validBytes: end, checksum };
			return null;
		}
		this.#sealed.push(...(rest.sealed ?? []));
		const { past } = this.#found;
		const next = fragment === null ? { open: null, isOver: true } : this.#step(past, fragment, rest);
		const parts = this.#opened?.parts ?? [];
		this.#found = { ...this.#found, past: { ...past, ...next }, parts, validBytes: end, checksum };
		return null;
	}

	#troubleOf(fragment: unknown, rest: unknown): string | null {
		if (!isRecord(rest)) return 'is not an object';
		if (this.#found === null) return isPlainRecord(rest['request']) ? null : 'has no valid `request`';
		const { sealed = [], opened, state = null, gaps, merged, mergedGapMs, sink } = rest;
		if (!Array.isArray(sealed) || !sealed.every((file) => isSealedFile(file, this.#names))) {
			return 'has invalid `sealed` files';
		}
		if (fragment === null) return null;
		if (opened !== undefined && !isOpenedFile(opened, this.#names)) return 'has an invalid `opened` file';
		const parts = ((opened as OpenedFile | undefined) ?? this.#opened)?.parts ?? [];
		if (state !== null && !isOpenState(state, parts.length)) return 'has an invalid `state`';
		const fileCount = this.#sealed.length + sealed.length + parts.length;
		if (!isExportedFragment(fragment, fileCount)) return 'has an invalid fragment';
		if (!isCount(gaps) || !isMergedGaps(merged) || !isLength(mergedGapMs)) return 'has invalid `gaps`';
		return isPlainRecord(sink) ? null : 'has an invalid `sink`';
	}

	#step(past: ExportPast, fragment: ExportedFragment, rest: Partial<JournalStep>): Partial<ExportPast> {
		const { gaps = 0, merged = past.merged, mergedGapMs = past.mergedGapMs, sink, state, opened } = rest;
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
		if ((status === 'failed' || status === 'missing') && this.#failures.length < MAX_NAMED_FAILURES) {
			this.#failures.push({ fragmentNumber, code, name, message });
		}
		this.#notices.push(...noticesOf(fragment).slice(0, MAX_NAMED_FAILURES - this.#notices.length));
		this.#totals[status]++;
		this.#totals.frames += fragment.frames;
		this.#totals.bytes += fragment.bytes;
		this.#totals.gaps = gaps;
		return {
			last: fragmentNumber ?? past.last,
			sink,
			merged,
			mergedGapMs,
			open: state === undefined ? past.open : this.#openFile(state),
		};
	}
	#openFile(state: OpenState | null): ExportPast['open'] {
		const file = this.#opened;
		return file === null || state === null ? null : { file, state, entries: this.#entries };
	}
}
