import { type FileHandle, open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { SinkError } from '../errors.js';
import { ExportBytes } from '../export/export-bytes.js';
import type { ExportedFragment } from '../export/export-manifest.js';
import { formatJournalLine, JOURNAL_START, journalLines } from '../export/journal/journal-lines.js';
import { isFileThere } from '../files/is-file-there.js';
import { replaceFile, syncDirectory } from '../files/private-directory.js';
import { type Checkpoint, CheckpointKeeper } from '../follow/checkpoint.js';
import { createTrouble } from '../wording/system-trouble.js';
import {
	RECORD_FORMAT,
	type RecordHead,
	type RecordPast,
	type RecordStep,
	readRecordPast,
	type SealedRecording,
} from './record-past.js';
import type { Recording } from './recording.js';
import { endOfList } from './recording-list.js';
import { isRecordingPart } from './recording-name.js';

/** What a recorder knows after a file was finished, besides its place in the stream. */
export type RecordState = Pick<RecordHead, 'sink' | 'untilMs' | 'fragments' | 'cut'>;

/**
 * What a recorder has done since the last file was finished, and where it is in the stream: a line a fragment, durable when
 * `step` resolves. It begins anew with each file, so it does not grow with time.
 */
export class RecordJournal {
	readonly #directory: string;
	readonly #stream: string;
	#handle: FileHandle;
	/** Of the last line. */
	#checksum: string;
	#keeper: CheckpointKeeper;
	#hasDone: boolean;

	private constructor(directory: string, handle: FileHandle, past: RecordPast) {
		this.#directory = directory;
		this.#handle = handle;
		this.#stream = past.head.stream;
		this.#checksum = past.checksum;
		this.#keeper = past.keeper;
		this.#hasDone = past.hasDone;
	}

	/**
	 * Opens the journal of a directory and reads where the recorder was stopped, as far as the part that it wrote is what it wrote;
	 * makes one where there is none, which begins after what is in the list, or at `fromMs`. `lost`: fragments after that. Fails with `SinkError`
	 * (`KVS_SINK_FAILED`), also where the directory is another stream's.
	 */
	static async open(
		directory: string,
		{ stream, fromMs, signal }: { stream: string; fromMs: number; signal?: AbortSignal | undefined },
	): Promise<{ journal: RecordJournal; past: RecordPast; lost: readonly string[] }> {
		const path = pathIn(directory);
		try {
			const there = await readRecordPast(path);
			const isOther = there !== null && there.head.stream !== stream;
			// Of a stream that nothing came of there is nothing to go on with.
			const found = isOther && !there.hasDone ? null : there;
			if (found === null) await writeHead(directory, await newHead(directory, { stream, fromMs }));
			else if (isOther) {
				const message = `\`${directory}\` holds recordings of the stream \`${found.head.stream}\`: choose another directory for \`${stream}\``;
				throw new SinkError('KVS_SINK_FAILED', directory, message);
			}
			const intact = found === null ? undefined : await intactBytes(directory, found, signal);
			const past = (await readRecordPast(path, intact)) as RecordPast;
			// What comes after it was being written when the process was killed, or is about bytes that have changed.
			await truncate(path, past.validBytes);
			const kept = new Set(past.fragments.map(({ fragmentNumber }) => fragmentNumber));
			const lost = (found?.fragments ?? []).flatMap(({ fragmentNumber: number }) =>
				number === null || kept.has(number) ? [] : [number],
			);
			return { journal: new RecordJournal(directory, await open(path, 'a'), past), past, lost };
		} catch (error) {
			signal?.throwIfAborted();
			throw failure(path, error);
		}
	}

	/** Reads again where it is. */
	async read(): Promise<RecordPast> {
		return (await readRecordPast(pathIn(this.#directory))) as RecordPast;
	}

	/**
	 * The checkpoint to follow the stream from: its own, or one from elsewhere where that is further on. With `lost` fragments, that
	 * are to be got again, its own.
	 */
	resume(key: string, other: Checkpoint | null, lost: readonly string[]): Checkpoint {
		const { fromMs, done } = this.#keeper;
		const isOther = other !== null && lost.length === 0 && (!this.#hasDone || other.fromMs > fromMs);
		const all = { ...other?.done, ...Object.fromEntries(done) };
		for (const number of lost) delete all[number];
		const checkpoint: Checkpoint = { version: 1, key, fromMs: isOther ? other.fromMs : fromMs, done: all };
		this.#keeper = new CheckpointKeeper(key, checkpoint);
		return checkpoint;
	}

	/** Writes down a step; what it says of the part must be on the disk. */
	async step({ fragment, ...rest }: RecordStep): Promise<void> {
		await this.#append(JSON.stringify(fragment), rest);
		this.#hasDone = true;
		const { fragmentNumber } = fragment;
		if (fragmentNumber === null || rest.serverMs === null) return;
		this.#keeper.finished(fragmentNumber, rest.serverMs);
	}

	/** Writes down a recording that is whole and on the disk. */
	async seal(sealed: SealedRecording): Promise<void> {
		await this.#append('', sealed);
	}

	/** Begins anew, with a file finished and listed. */
	async restart(state: RecordState): Promise<void> {
		const { fromMs, done } = this.#keeper;
		const path = pathIn(this.#directory);
		try {
			this.#checksum = await writeHead(this.#directory, {
				...NEW_HEAD,
				...state,
				stream: this.#stream,
				hasDone: this.#hasDone,
				fromMs,
				done: Object.fromEntries(done),
			});
			await this.#handle.close();
			this.#handle = await open(path, 'a');
		} catch (error) {
			throw failure(path, error);
		}
	}

	/** Leaves it for the next process. */
	async leave(): Promise<void> {
		await this.#handle.close();
	}

	async #append(fragmentText: string, rest: object): Promise<void> {
		const { text, checksum } = formatJournalLine(this.#checksum, fragmentText, JSON.stringify(rest));
		try {
			await this.#handle.appendFile(text);
			await this.#handle.sync();
		} catch (error) {
			throw failure(pathIn(this.#directory), error);
		}
		this.#checksum = checksum;
	}
}

const NEW_HEAD: Omit<RecordHead, 'stream' | 'fromMs'> = {
	format: RECORD_FORMAT,
	hasDone: false,
	done: {},
	sink: null,
	untilMs: null,
	fragments: [],
	cut: null,
};

/** Of a directory without a journal: it goes on after what is in its list, where its journal was lost. */
async function newHead(directory: string, start: Pick<RecordHead, 'stream' | 'fromMs'>): Promise<RecordHead> {
	const part = (await readdir(directory)).find(isRecordingPart);
	if (part !== undefined) {
		// It may be all that there is of its fragments.
		const message = `\`${directory}\` has the unfinished recording \`${part}\`, and its journal is missing or damaged: move that file away, and what is stored of it is read again`;
		throw new SinkError('KVS_SINK_FAILED', directory, message);
	}
	const end = await endOfList(directory);
	if (end === null) return { ...NEW_HEAD, ...start };
	return { ...NEW_HEAD, ...start, hasDone: true, fromMs: end.fromMs, done: Object.fromEntries(end.done) };
}

function pathIn(directory: string): string {
	return join(directory, '.recorder.journal');
}

/** Makes a journal of one line, in place of one that is there. Returns the line's checksum. */
async function writeHead(directory: string, head: RecordHead): Promise<string> {
	const { text, checksum } = formatJournalLine(JOURNAL_START, '', JSON.stringify(head));
	const path = pathIn(directory);
	const temporary = `${path}.new`;
	await rm(temporary, { force: true });
	await replaceFile(path, temporary, [text]);
	await syncDirectory(directory);
	return checksum;
}

/** Up to where the journal is true of the part that is open, in bytes: to its end, or to the last fragment before one that has changed. */
async function intactBytes(
	directory: string,
	{ open: opened, sealed, validBytes }: RecordPast,
	signal: AbortSignal | undefined,
): Promise<number> {
	if (opened === null) return validBytes;
	const part = join(directory, opened.recording.file.parts[0] as string);
	const isThere = await isFileThere(part);
	// With its name it is out of our hands.
	if (sealed !== null && !isThere && (await isFileThere(join(directory, sealed.recording.file)))) {
		return validBytes;
	}
	const bytes = new ExportBytes([part], signal);
	try {
		let intact = 0;
		for await (const { fragmentText, end } of journalLines(pathIn(directory))) {
			if (sealed !== null && end === validBytes) {
				if (!(isThere && (await isWhole(bytes, sealed.recording)))) return intact;
			} else if (fragmentText !== '') {
				const { ranges, sha256 } = JSON.parse(fragmentText) as ExportedFragment;
				if (ranges.length > 0 && !(isThere && (await bytes.sha256(ranges)) === sha256)) return intact;
			}
			intact = end;
		}
		return intact;
	} finally {
		await bytes.close();
	}
}

async function isWhole(file: ExportBytes, { bytes, sha256 }: Recording): Promise<boolean> {
	if ((await file.sizeOf(0)) !== bytes) return false;
	return (await file.sha256([{ file: 0, offset: 0, bytes }])) === sha256;
}

function failure(path: string, cause: unknown): SinkError {
	if (cause instanceof SinkError) return cause;
	return new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(cause)}`, cause);
}
