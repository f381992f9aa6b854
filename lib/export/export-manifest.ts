import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { SinkError } from '../errors.js';
import type { GapKind } from '../model/media-event.js';
import type { RunTotals } from '../model/run-start.js';
import type { ExportRequest } from './export-request.js';

/** What a manifest begins with. */
export const MANIFEST_FORMAT = 'kvs-archive export 1';

/** A manifest larger than this is none of ours: a million fragments have 400 MB. */
const MAX_MANIFEST_BYTES = 500_000_000;

/** What is written of a manifest at a time. */
const WRITE_CHARS = 256 * 1024;

/** Part of a file: where it is, and what it is to hold. */
export interface FileSection {
	readonly bytes: number;
	/** Of these bytes, in hexadecimal. */
	readonly sha256: string;
}

/** Why an export went on in a new file. */
export interface FileCut {
	readonly reason: 'codec' | 'gap' | 'duration' | 'size';
	/** The first fragment of the new file. */
	readonly fragmentNumber: string | null;
	/** In words. */
	readonly detail: string;
}

/** One file of an export. */
export interface ExportedFile {
	/** Name, without its directory. */
	readonly file: string;
	readonly bytes: number;
	readonly durationMs: number;
	readonly frames: number;
	/** Why it was begun; null for the first. */
	readonly cut: FileCut | null;
	/** What comes before the first fragment, and behind the last; null where the index was moved to the front. */
	readonly head: FileSection | null;
	readonly tail: FileSection | null;
	/** Of the whole file, where the index was moved to the front; else null, for `head`, `tail` and the fragments cover it. */
	readonly sha256: string | null;
}

/** Where a fragment's bytes are in the files of an export. */
export interface FragmentRange {
	/** Index of the file. */
	readonly file: number;
	readonly offset: number;
	readonly bytes: number;
}

/** What became of one fragment of the range. */
export interface ExportedFragment {
	readonly fragmentNumber: string | null;
	readonly producerTimestamp: string | null;
	readonly serverTimestamp: string | null;
	/** `failed`: it broke off, and the file holds what came of it, or it could not be had. `missing`: it never came. */
	readonly status: 'delivered' | 'failed' | 'missing';
	/** Of a failure: the service's number and word for it, and what was said. */
	readonly code?: number | null;
	readonly name?: string;
	readonly message?: string;
	/** What is not as it should be in what was written of it, in words; left out where all is. */
	readonly notices?: readonly string[];
	/** Frames of it in the files. */
	readonly frames: number;
	/** Sum of the sizes of these frames. */
	readonly bytes: number;
	/** Of its bytes in the files, range by range, as they were written first; null where there are none. */
	readonly sha256: string | null;
	/** Empty where the index was moved to the front, which moves everything else. */
	readonly ranges: readonly FragmentRange[];
}

/** Places where fragments do not meet and that are in one file all the same, by their kind. */
export type MergedGaps = Record<GapKind, number>;

/** Counts over all fragments of an export. */
export type ExportTotals = RunTotals;

/** The file beside an export that proves what is in it. */
export interface ExportManifest {
	readonly format: typeof MANIFEST_FORMAT;
	readonly request: ExportRequest;
	readonly summary: ExportTotals & {
		readonly fragments: number;
		readonly merged: Readonly<MergedGaps>;
		/** Sum of the lengths of the gaps among these. */
		readonly mergedGapMs: number;
	};
	readonly files: readonly ExportedFile[];
	/** In archive order. */
	readonly fragments: readonly ExportedFragment[];
}

/** Where the manifest of an export is. */
export function manifestPath(file: string): string {
	return `${file}.json`;
}

/** Writes a manifest, a fragment (as JSON) a line, and renames it when it is whole. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function writeManifest(
	file: string,
	head: Omit<ExportManifest, 'format' | 'fragments'>,
	fragments: AsyncIterable<string>,
): Promise<void> {
	const path = manifestPath(file);
	const part = `${path}.part`;
	let handle: FileHandle | null = null;
	try {
		await rm(part, { force: true });
		handle = await open(part, 'wx');
		const { request, summary, files } = head;
		const lines = files.map((line) => JSON.stringify(line)).join(',\n');
		let text = `{"format":${JSON.stringify(MANIFEST_FORMAT)},\n"request":${JSON.stringify(request)},\n"summary":${JSON.stringify(summary)},\n"files":[\n${lines}\n],\n"fragments":[`;
		let separator = '\n';
		for await (const fragment of fragments) {
			text += `${separator}${fragment}`;
			separator = ',\n';
			if (text.length < WRITE_CHARS) continue;
			await handle.appendFile(text);
			text = '';
		}
		await handle.appendFile(`${text}\n]}\n`);
		await handle.sync();
		await handle.close();
		await rename(part, path);
	} catch (error) {
		await handle?.close().catch(() => {});
		await rm(part, { force: true });
		throw new SinkError(
			'KVS_SINK_FAILED',
			path,
			`cannot write \`${path}\`: ${(error as Error).message}`,
			error,
		);
	}
}

/**
 * The manifest of an export; null where there is none. Throws `SinkError` (`KVS_MANIFEST_INVALID`) where there is something
 * that is no manifest.
 */
export async function readManifest(file: string): Promise<ExportManifest | null> {
	const path = manifestPath(file);
	let handle: FileHandle;
	try {
		handle = await open(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw invalid(path, (error as Error).message, error);
	}
	try {
		const { size } = await handle.stat();
		if (size > MAX_MANIFEST_BYTES) throw invalid(path, `it has ${size} bytes`);
	} finally {
		await handle.close();
	}
	let manifest: unknown;
	try {
		manifest = JSON.parse(await readFile(path, 'utf8'));
	} catch (error) {
		throw invalid(path, (error as Error).message, error);
	}
	if (!isManifest(manifest))
		throw invalid(path, `it does not say \`${MANIFEST_FORMAT}\`, or lacks what one has`);
	return manifest;
}

function invalid(path: string, why: string, cause?: unknown): SinkError {
	return new SinkError(
		'KVS_MANIFEST_INVALID',
		path,
		`\`${path}\` is no manifest of an export: ${why}`,
		cause,
	);
}

function isManifest(value: unknown): value is ExportManifest {
	if (!isRecord(value)) return false;
	const { format, request, summary, files, fragments } = value;
	return (
		format === MANIFEST_FORMAT &&
		isRecord(request) &&
		isRecord(summary) &&
		Array.isArray(files) &&
		files.length > 0 &&
		files.every(isFile) &&
		Array.isArray(fragments) &&
		fragments.every((fragment) => isFragment(fragment, files.length))
	);
}

/** Whether something of the file is known by which all of it can be checked. */
function isFile(value: unknown): boolean {
	if (!isRecord(value) || !isPlainName(value['file']) || !isCount(value['bytes'])) return false;
	const { head, tail, sha256 } = value;
	if (typeof sha256 === 'string') return head === null && tail === null;
	return sha256 === null && isSection(head) && isSection(tail);
}

function isSection(value: unknown): boolean {
	return isRecord(value) && isCount(value['bytes']) && typeof value['sha256'] === 'string';
}

function isFragment(value: unknown, fileCount: number): boolean {
	if (!isRecord(value) || !Array.isArray(value['ranges'])) return false;
	const { sha256, ranges } = value;
	return (
		(sha256 === null || typeof sha256 === 'string') &&
		ranges.every(
			(range) =>
				isRecord(range) &&
				isCount(range['file']) &&
				range['file'] < fileCount &&
				isCount(range['offset']) &&
				isCount(range['bytes']),
		)
	);
}

function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether it names something in the manifest's own directory. */
function isPlainName(name: unknown): boolean {
	return typeof name === 'string' && name !== '' && name !== '.' && name !== '..' && !/[/\\]/.test(name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
