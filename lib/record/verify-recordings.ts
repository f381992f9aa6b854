import { join } from 'node:path';
import { SinkError } from '../errors.js';
import { ExportBytes } from '../export/export-bytes.js';
import type { ExportDamage } from '../export/verify-export.js';
import { linesOf } from '../files/file-lines.js';
import { chunksOf, type OpenFile, openLocalFile, type ReadableFile } from '../files/readable-file.js';
import type { RemotePlace } from '../files/remote-place.js';
import { counted } from '../wording/counted.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { RECORDINGS_FILE, type Recording } from './recording.js';
import { MAX_LINE_BYTES, readRecording } from './recording-list.js';

/** What a check of the recordings in a directory found. */
export interface RecordingsReport {
	/** Files in the list. */
	readonly recordings: number;
	/** Fragments in these files, and the frames of them. */
	readonly fragments: number;
	readonly frames: number;
	/** Fragments that failed or were missing when they were recorded. */
	readonly failures: number;
	/** Bytes that were read. */
	readonly bytes: number;
	/** Empty where every file is what it was, and no fragment is in two. */
	readonly damage: readonly ExportDamage[];
}

/**
 * Checks the files of a recorder against its list: their sizes and SHA-256, and that each fragment is in one of them only.
 * Fails with `SinkError`: `KVS_MANIFEST_MISSING` where there is no list, `KVS_SINK_FAILED` where it cannot be read. Aborts
 * reject with the signal's reason.
 *
 * @param directory - what was given to `record`
 */
export async function verifyRecordings(
	directory: string | RemotePlace,
	signal?: AbortSignal,
): Promise<RecordingsReport> {
	if (typeof directory === 'string') {
		const openFile: OpenFile = (name) => openLocalFile(join(directory, name));
		return check(directory, join(directory, RECORDINGS_FILE), openFile, signal);
	}
	const folder = await directory.open('folder');
	try {
		const openFile: OpenFile = (name) => folder.get(name, signal);
		return await check(folder.url, `${folder.url}${RECORDINGS_FILE}`, openFile, signal);
	} finally {
		await folder.close();
	}
}

async function check(
	directory: string,
	path: string,
	openFile: OpenFile,
	signal: AbortSignal | undefined,
): Promise<RecordingsReport> {
	let list: ReadableFile | null = null;
	try {
		list = await openFile(RECORDINGS_FILE);
		if (list === null) {
			const message = `cannot check \`${directory}\`: there is no \`${RECORDINGS_FILE}\` in it`;
			throw new SinkError('KVS_MANIFEST_MISSING', path, message);
		}
		return await new RecordingsCheck(openFile, signal).run(list);
	} catch (cause) {
		signal?.throwIfAborted();
		if (cause instanceof SinkError) throw cause;
		throw new SinkError('KVS_SINK_FAILED', path, `cannot read \`${path}\`: ${systemTrouble(cause)}`, cause);
	} finally {
		await list?.close();
	}
}

class RecordingsCheck {
	readonly #openFile: OpenFile;
	readonly #signal: AbortSignal | undefined;
	readonly #damage: ExportDamage[] = [];
	/** Which file has a fragment, by number; and which files there were. */
	readonly #fileOf = new Map<string, string>();
	readonly #files = new Set<string>();
	readonly #counts = { recordings: 0, frames: 0, failures: 0, bytes: 0 };

	constructor(openFile: OpenFile, signal: AbortSignal | undefined) {
		this.#openFile = openFile;
		this.#signal = signal;
	}

	async run(list: ReadableFile): Promise<RecordingsReport> {
		let lines = 0;
		let endBytes = 0;
		for await (const { bytes, end } of linesOf(chunksOf(list), MAX_LINE_BYTES)) {
			lines++;
			endBytes = end;
			const recording = readRecording(bytes.toString('utf8'));
			if (recording === null) this.#found(RECORDINGS_FILE, `line ${lines} is not a recording`);
			else await this.#recording(recording);
		}
		if (endBytes < list.sizeBytes) {
			const detail = `line ${lines + 1} is incomplete; the next run of the recorder repairs it`;
			this.#found(RECORDINGS_FILE, detail);
		}
		return { ...this.#counts, fragments: this.#fileOf.size, damage: this.#damage };
	}

	async #recording({ file, bytes, sha256, frames, fragments, failures }: Recording): Promise<void> {
		this.#counts.recordings++;
		this.#counts.frames += frames;
		this.#counts.failures += failures.length;
		if (this.#files.has(file)) this.#found(file, `it is in \`${RECORDINGS_FILE}\` twice`);
		this.#files.add(file);
		for (const number of fragments) {
			const other = this.#fileOf.get(number);
			if (other !== undefined) this.#found(file, `it is in ${other} too`, number);
			this.#fileOf.set(number, file);
		}
		const found = new ExportBytes([file], this.#signal, this.#openFile);
		try {
			const size = await found.sizeOf(0);
			if (size !== bytes) this.#found(file, `it has ${counted(size, 'byte')}, not ${bytes}`);
			else if ((await found.sha256([{ file: 0, offset: 0, bytes }])) !== sha256) {
				this.#found(file, 'its bytes have changed');
			}
		} catch (error) {
			this.#signal?.throwIfAborted();
			// Of a place that cannot be reached nothing is known.
			if (error instanceof SinkError) throw error;
			this.#found(file, `it cannot be read: ${systemTrouble(error)}`);
		} finally {
			this.#counts.bytes += found.bytes;
			await found.close();
		}
	}

	#found(file: string, detail: string, fragmentNumber: string | null = null): void {
		this.#damage.push({ file, fragmentNumber, detail });
	}
}
