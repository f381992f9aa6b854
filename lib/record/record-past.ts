import { SinkError } from '../errors.js';
import type { ExportedFragment } from '../export/export-manifest.js';
import { ExportNames } from '../export/export-names.js';
import type { OpenState } from '../export/export-past.js';
import {
	isCount,
	isExportedFragment,
	isOpenedFile,
	isOpenState,
	isPlainRecord,
	isRecord,
	isSha256,
} from '../export/field-checks.js';
import { type JournalLine, journalLines } from '../export/journal/journal-lines.js';
import { isFileThere } from '../files/is-file-there.js';
import { CheckpointKeeper } from '../follow/checkpoint.js';
import { CONTAINERS, type Container } from '../muxing/container.js';
import type { FragmentSinkState } from '../sinks/fragment-sink.js';
import type { OpenRecording, Recording, RecordingCut } from './recording.js';
import { isPlainName } from './recording-name.js';

/** What the journal of a recorder begins with. */
export const RECORD_FORMAT = 'kvs-archive recorder 1';

/** What a recorder knows when no file is open: the first line of its journal. */
export interface RecordHead {
	readonly format: typeof RECORD_FORMAT;
	/** Name of the stream. */
	readonly stream: string;
	/** Whether any fragment is done: before, `fromMs` is what the first run was to begin with. */
	readonly hasDone: boolean;
	/** As a checkpoint has them. */
	readonly fromMs: number;
	readonly done: Readonly<Record<string, number>>;
	readonly sink: FragmentSinkState | null;
	/** Producer time of the latest end of a file, epoch milliseconds; null before the first. */
	readonly untilMs: number | null;
	/** Fragments without frames since the last file. */
	readonly fragments: readonly ExportedFragment[];
	/** Why the next file begins, where it begins with that fragment. */
	readonly cut: RecordingCut | null;
}

/** One step of a recorder: a fragment, and what was begun with it. */
export interface RecordStep {
	readonly fragment: ExportedFragment;
	/** Server time, epoch milliseconds; null where the fragment has no number. */
	readonly serverMs: number | null;
	readonly sink: FragmentSinkState;
	readonly untilMs: number | null;
	readonly opened?: OpenRecording;
	/** Of the open file, where something of the fragment was written. */
	readonly state?: OpenState;
}

/** A recording that is whole, and the part that it is in until it has its name. */
export interface SealedRecording {
	readonly part: string;
	readonly recording: Recording;
	/** Why it is whole: where the next file begins. */
	readonly cut: RecordingCut | null;
}

/** Where a recorder was stopped. */
export interface RecordPast {
	readonly head: RecordHead;
	/** What is done. */
	readonly keeper: CheckpointKeeper;
	readonly hasDone: boolean;
	readonly sink: FragmentSinkState | null;
	readonly untilMs: number | null;
	/** Fragments since the last file was finished. */
	readonly fragments: readonly ExportedFragment[];
	readonly cut: RecordingCut | null;
	readonly open: {
		readonly recording: OpenRecording;
		readonly state: OpenState;
		readonly entries: readonly (readonly unknown[])[];
	} | null;
	/** It waits for its name, or to be listed. */
	readonly sealed: SealedRecording | null;
	/** Where the last line ends that counts, and its checksum. */
	readonly validBytes: number;
	readonly checksum: string;
}

/**
 * Reads a recorder's journal up to `endBytes`; null where there is none that begins as one. Throws `SinkError`
 * (`KVS_SINK_FAILED`) where an intact line has what no recorder of this version writes, and the system's error.
 */
export async function readRecordPast(path: string, endBytes?: number): Promise<RecordPast | null> {
	if (!(await isFileThere(path))) return null;
	let past: RecordPast | null = null;
	let lines = 0;
	for await (const line of journalLines(path, endBytes)) {
		lines++;
		past = past === null ? firstOf(line) : nextOf(past, line);
		if (past !== null) continue;
		const message = `cannot resume the recordings: line ${lines} of \`${path}\` has an unknown format; use the version that wrote it, or record into another directory`;
		throw new SinkError('KVS_SINK_FAILED', path, message);
	}
	return past;
}

function firstOf({ restText, end, checksum }: JournalLine): RecordPast | null {
	const head: unknown = JSON.parse(restText);
	if (!isHead(head)) return null;
	const { fromMs, done, hasDone, sink, untilMs, cut } = head;
	return {
		head,
		keeper: new CheckpointKeeper('', { version: 1, key: '', fromMs, done }),
		hasDone,
		sink,
		untilMs,
		fragments: [...head.fragments],
		cut,
		open: null,
		sealed: null,
		validBytes: end,
		checksum,
	};
}

function nextOf(past: RecordPast, { fragmentText, restText, end, checksum }: JournalLine): RecordPast | null {
	const rest: unknown = JSON.parse(restText);
	const next = { ...past, validBytes: end, checksum };
	if (!isRecord(rest)) return null;
	if (fragmentText === '') return isSealed(rest) ? { ...next, sealed: rest } : null;
	const step: unknown = { fragment: JSON.parse(fragmentText), ...rest };
	if (!isStep(step, past)) return null;
	const { fragment, serverMs, sink, untilMs, opened, state } = step;
	// One list for all lines: a file may have many thousands.
	if (fragment.status !== 'skipped') (past.fragments as ExportedFragment[]).push(fragment);
	if (fragment.fragmentNumber !== null && serverMs !== null) {
		past.keeper.finished(fragment.fragmentNumber, serverMs);
	}
	const recording = opened ?? past.open?.recording;
	const written = { ...next, hasDone: true, sink, untilMs };
	if (recording === undefined || state === undefined) return written;
	const entries = (opened === undefined ? past.open?.entries : undefined) ?? [[]];
	for (const entry of state.lanes[0]?.entries ?? []) (entries[0] as unknown[]).push(entry);
	return { ...written, open: { recording, state, entries } };
}

function isHead(value: unknown): value is RecordHead {
	if (!isPlainRecord(value)) return false;
	const { format, stream, hasDone, fromMs, done, sink, untilMs, fragments, cut } = value;
	return (
		format === RECORD_FORMAT &&
		typeof stream === 'string' &&
		typeof hasDone === 'boolean' &&
		isCount(fromMs) &&
		isRecord(done) &&
		Object.values(done).every((ms) => Number.isFinite(ms)) &&
		(sink === null || isRecord(sink)) &&
		isTimeOrNull(untilMs) &&
		Array.isArray(fragments) &&
		fragments.every((fragment) => isExportedFragment(fragment, 1)) &&
		isCutOrNull(cut)
	);
}

function isStep(value: unknown, past: RecordPast): value is RecordStep {
	if (!isRecord(value)) return false;
	const { fragment, serverMs, sink, untilMs, opened, state } = value;
	return (
		isExportedFragment(fragment, 1) &&
		isTimeOrNull(serverMs) &&
		isPlainRecord(sink) &&
		isTimeOrNull(untilMs) &&
		(opened === undefined || isOpenRecording(opened)) &&
		(state === undefined || ((opened !== undefined || past.open !== null) && isOpenState(state, 1)))
	);
}

function isOpenRecording(value: unknown): value is OpenRecording {
	if (!isRecord(value)) return false;
	const { name, container, startMs, cut, isLate, file } = value;
	return (
		isPlainName(name) &&
		CONTAINERS.includes(container as Container) &&
		Number.isFinite(startMs) &&
		isCutOrNull(cut) &&
		typeof isLate === 'boolean' &&
		isOpenedFile(file, new ExportNames(name))
	);
}

function isSealed(value: Record<string, unknown>): value is Record<string, unknown> & SealedRecording {
	const { part, recording, cut } = value;
	return (
		typeof part === 'string' &&
		isPlainName(part.replace(/^\./, '')) &&
		isRecord(recording) &&
		isPlainName(recording['file']) &&
		isSha256(recording['sha256']) &&
		isCutOrNull(cut)
	);
}

function isCutOrNull(value: unknown): value is RecordingCut | null {
	return value === null || (isRecord(value) && 'fragmentNumber' in value);
}

function isTimeOrNull(value: unknown): value is number | null {
	return value === null || Number.isFinite(value);
}
