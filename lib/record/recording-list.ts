import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { SinkError } from '../errors.js';
import { isCount, isRecord, isSha256, isTextOrNull } from '../export/field-checks.js';
import { fileLines } from '../files/file-lines.js';
import { isFileThere } from '../files/is-file-there.js';
import { syncDirectory } from '../files/private-directory.js';
import { readFully } from '../files/read-fully.js';
import { CheckpointKeeper } from '../follow/checkpoint.js';
import { createTrouble } from '../wording/system-trouble.js';
import { RECORDINGS_FILE, type Recording } from './recording.js';
import { isPlainName } from './recording-name.js';

/** A longer line is not one: a file of a whole day of fragments has 5 MB. */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024;

/** As the recordings have it, before the process's umask takes its part. */
const LIST_MODE = 0o666;

/** What is read of the end of the list at first; twice as much where the last line is longer. */
const TAIL_BYTES = 64 * 1024;

/** So much of the end of the list counts for where it ends: more than a listing looks back. */
const LIST_END_MS = 600_000;

/**
 * Adds a recording to the list of a directory; durable when it resolves. Does nothing where it is the last in the list. What
 * stands after the last line feed was being written when a process was killed: it is removed, unless it is a whole line.
 */
export async function listRecording(directory: string, recording: Recording): Promise<void> {
	const path = join(directory, RECORDINGS_FILE);
	try {
		const isNew = !(await isFileThere(path, { follows: true }));
		const handle = await open(path, isNew ? 'wx+' : 'r+', LIST_MODE);
		try {
			await append(handle, recording);
			await handle.sync();
		} finally {
			await handle.close();
		}
		if (isNew) await syncDirectory(directory);
	} catch (cause) {
		throw new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(cause)}`, cause);
	}
}

/**
 * Where in the stream the recordings in a directory end, as far as the list tells; null where there are none. Fails with the
 * system's error.
 */
export async function endOfList(directory: string): Promise<CheckpointKeeper | null> {
	const path = join(directory, RECORDINGS_FILE);
	if (!(await isFileThere(path, { follows: true }))) return null;
	let newestMs = Number.NEGATIVE_INFINITY;
	let last: { readonly serverMs: number; readonly fragments: readonly string[] }[] = [];
	for await (const { bytes } of fileLines(path, MAX_LINE_BYTES)) {
		const { fragments = [], serverTo = null } = readRecording(bytes.toString('utf8')) ?? {};
		const serverMs = Date.parse(serverTo ?? '');
		if (Number.isNaN(serverMs)) continue;
		newestMs = Math.max(newestMs, serverMs);
		last = [...last, { serverMs, fragments }].filter((line) => line.serverMs > newestMs - LIST_END_MS);
	}
	if (last.length === 0) return null;
	const keeper = new CheckpointKeeper('', { fromMs: newestMs - LIST_END_MS });
	for (const { serverMs, fragments } of last) {
		for (const number of fragments) keeper.finished(number, serverMs);
	}
	return keeper;
}

async function append(handle: FileHandle, recording: Recording): Promise<void> {
	const { size } = await handle.stat();
	const { last, rest, restStart } = await tailOf(handle, size);
	const isRestWhole = parsed(rest) !== null;
	const listed = parsed(isRestWhole ? rest : last);
	let at = isRestWhole ? await write(handle, '\n', size) : restStart;
	if (listed?.file !== recording.file || listed.sha256 !== recording.sha256) {
		at = await write(handle, `${JSON.stringify(recording)}\n`, at);
	}
	await handle.truncate(at);
}

/** Returns where it ends. */
async function write(handle: FileHandle, text: string, at: number): Promise<number> {
	const bytes = Buffer.from(text);
	for (let written = 0; written < bytes.byteLength; ) {
		const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, at + written);
		written += bytesWritten;
	}
	return at + bytes.byteLength;
}

/** The last line, and what stands after it. */
async function tailOf(
	handle: FileHandle,
	sizeBytes: number,
): Promise<{ last: string; rest: string; restStart: number }> {
	for (let length = TAIL_BYTES; ; length *= 2) {
		const start = Math.max(0, sizeBytes - length);
		const bytes = Buffer.alloc(sizeBytes - start);
		await readFully(handle, bytes, start);
		const end = bytes.lastIndexOf('\n');
		const before = end <= 0 ? -1 : bytes.lastIndexOf('\n', end - 1);
		if (start > 0 && before === -1) continue;
		const last = bytes.toString('utf8', before + 1, Math.max(0, end));
		return { last, rest: bytes.toString('utf8', end + 1), restStart: start + end + 1 };
	}
}

/** The recording of a line of the list; null where the line is not of one. */
export function readRecording(line: string): Recording | null {
	const value: unknown = parsed(line);
	if (!isRecord(value)) return null;
	const { file, bytes, sha256, serverTo, frames, fragments, failures } = value;
	const isOne =
		isPlainName(file) &&
		isCount(bytes) &&
		isSha256(sha256) &&
		isTextOrNull(serverTo) &&
		isCount(frames) &&
		Array.isArray(fragments) &&
		fragments.every((number) => typeof number === 'string') &&
		Array.isArray(failures);
	return isOne ? (value as unknown as Recording) : null;
}

/** A line; null for a text that is not one. */
function parsed(text: string): Partial<Recording> | null {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' ? value : null;
	} catch {
		return null;
	}
}
