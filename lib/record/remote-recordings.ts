import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../errors.js';
import { linesOf } from '../files/file-lines.js';
import { chunksOf, openLocalFile } from '../files/readable-file.js';
import type { RemoteFolder } from '../files/remote-place.js';
import type { Clock } from '../pace/clock.js';
import { RETRY_FOR_EVER, retry } from '../pace/retry.js';
import { type OpenRecording, RECORDINGS_FILE, type Recording } from './recording.js';
import { RecordingDirectory } from './recording-directory.js';
import { listRecording, MAX_LINE_BYTES, readRecording } from './recording-list.js';
import { recordingName } from './recording-name.js';

/** What a {@link RemoteRecordings} needs. */
export interface RemoteRecordingsOptions {
	readonly folder: RemoteFolder;
	readonly clock: Clock;
	/** After its abort a place that is unreachable is not waited for. */
	readonly signal: AbortSignal | undefined;
}

/**
 * A folder elsewhere that a recorder writes to, by way of its staging directory. A recording is put there before it is listed, and the list
 * before the recorder goes on. A place that is unreachable is waited for.
 */
export class RemoteRecordings extends RecordingDirectory {
	readonly #options: RemoteRecordingsOptions;
	/** Names that are in the list. An object that has the name of none was put there by a recorder that ended before it was listed. */
	readonly #names: Set<string>;

	private constructor(options: RemoteRecordingsOptions, names: Set<string>) {
		super(options.folder.stagingDirectory);
		this.#options = options;
		this.#names = names;
	}

	/** Opens a folder. What is staged is removed where another recorder has written there since: its list is the one that counts. */
	static async open(options: RemoteRecordingsOptions): Promise<RemoteRecordings> {
		const { folder, signal } = options;
		const list = join(folder.stagingDirectory, RECORDINGS_FILE);
		await folder.removeUnfinished(signal);
		if (!(await isStagedFurther(folder, list, signal))) {
			for (const name of await readdir(folder.stagingDirectory)) {
				if (!name.endsWith('.in-use-by')) await rm(join(folder.stagingDirectory, name), { recursive: true });
			}
			await download(folder, RECORDINGS_FILE, list, signal);
		}
		return new RemoteRecordings(options, await namesIn(list));
	}

	override async freeName(stream: string, { startMs, container }: OpenRecording): Promise<string> {
		for (let turn = 1; ; turn++) {
			const name = recordingName(stream, startMs, container, turn);
			if (!this.#names.has(name)) return name;
		}
	}

	override async publish(part: string, recording: Recording, ended: AbortSignal): Promise<void> {
		const { folder } = this.#options;
		await this.#patiently(() => folder.put(recording.file, join(this.path, part), ended), ended);
		await listRecording(this.path, recording);
		const list = join(this.path, RECORDINGS_FILE);
		await this.#patiently(() => folder.putGrown(RECORDINGS_FILE, list, ended), ended);
		this.#names.add(recording.file);
	}

	override async settled(part: string): Promise<void> {
		await rm(join(this.path, part), { force: true });
	}

	/** Waits for a place that is unreachable until the recorder is to end; then it is tried once more. */
	async #patiently(put: () => Promise<void>, ended: AbortSignal): Promise<void> {
		const { clock, signal } = this.#options;
		const waits = signal === undefined ? ended : AbortSignal.any([signal, ended]);
		if (waits.aborted) return put();
		try {
			const isRetryable = (error: unknown): boolean => error instanceof ArchiveError && error.retryable;
			await retry(put, { isRetryable, policy: RETRY_FOR_EVER, signal: waits, clock });
		} catch (error) {
			if (!waits.aborted || ended.aborted) throw error;
			await put();
		}
	}
}

/** Whether the staged list is what the other one is, and at most one recording more, with which a recorder was killed. */
async function isStagedFurther(
	folder: RemoteFolder,
	list: string,
	signal: AbortSignal | undefined,
): Promise<boolean> {
	const remote = await folder.get(RECORDINGS_FILE, signal);
	const staged = await openLocalFile(list);
	try {
		let position = 0;
		if (remote !== null) {
			if (staged === null || remote.sizeBytes > staged.sizeBytes) return false;
			for await (const chunk of chunksOf(remote)) {
				const same = Buffer.alloc(chunk.byteLength);
				await staged.read(same, position);
				if (!same.equals(chunk)) return false;
				position += chunk.byteLength;
			}
		}
		if (staged === null) return true;
		let more = 0;
		for await (const _ of linesOf(chunksOf(staged, position), MAX_LINE_BYTES)) more++;
		return more <= 1;
	} finally {
		await remote?.close();
		await staged?.close();
	}
}

async function download(
	folder: RemoteFolder,
	name: string,
	path: string,
	signal: AbortSignal | undefined,
): Promise<void> {
	const remote = await folder.get(name, signal);
	if (remote === null) return;
	try {
		const handle = await open(path, 'wx', 0o600);
		try {
			for await (const chunk of chunksOf(remote)) await handle.appendFile(chunk);
			await handle.sync();
		} finally {
			await handle.close();
		}
	} finally {
		await remote.close();
	}
}

async function namesIn(list: string): Promise<Set<string>> {
	const names = new Set<string>();
	const file = await openLocalFile(list);
	if (file === null) return names;
	try {
		for await (const { bytes } of linesOf(chunksOf(file), MAX_LINE_BYTES)) {
			const recording = readRecording(bytes.toString('utf8'));
			if (recording !== null) names.add(recording.file);
		}
	} finally {
		await file.close();
	}
	return names;
}
