import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { SinkError } from '../errors.js';
import { fileLines } from '../files/file-lines.js';
import { createTrouble, fileTrouble, isFileThere } from '../files/file-trouble.js';
import type { GapKind } from '../model/media-event.js';
import type { RunTotals } from '../model/run-start.js';
import { ExportNames } from './export-names.js';
import type { ExportRequest } from './export-request.js';
import {
	isCount,
	isExportedFragment,
	isFileFacts,
	isLength,
	isMergedGaps,
	isPlainRecord,
	isRecord,
} from './field-checks.js';
import type { FileTag } from './split-rule.js';

/** What a manifest begins with. */
export const MANIFEST_FORMAT = 'kvs-archive export 1';

/** A manifest larger than this is not read: a million fragments have 400 MB. */
const MAX_MANIFEST_BYTES = 500_000_000;

/** Up to this size any form of the JSON is read, larger ones only line by line, as they are written: nested brackets take 50 times their size of memory. */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024;
const MAX_LINE_BYTES = 1024 * 1024;

/** The lines before and after those of the fragments. */
const FRAGMENTS_LINE = '"fragments":[';
const LAST_LINE = /^\],"sha256":"([0-9a-f]{64})"\}$/;

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
	readonly reason: 'codec' | 'gap' | 'duration' | 'size' | 'tag';
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
	/** Where the export is split by a tag: what all fragments of the file have of it. Absent elsewhere. */
	readonly tag?: FileTag;
	/** The bytes before the first fragment, and after the last; null where the index was moved to the front. */
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
	/**
	 * `failed`: it was cut, and the file holds what arrived, or it had no media. `missing`: it never arrived. `skipped`: it is
	 * not wanted, as the request's `where` says.
	 */
	readonly status: 'delivered' | 'failed' | 'missing' | 'skipped';
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

/** How many fragments were counted in all. */
export function fragmentsOf({
	delivered,
	failed,
	missing,
	skipped,
}: Pick<ExportTotals, 'delivered' | 'failed' | 'missing' | 'skipped'>): number {
	return delivered + failed + missing + skipped;
}

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
	/** Of the manifest's own text before it. */
	readonly sha256?: string;
}

/** Where the manifest of an export is. */
export function manifestPath(file: string): string {
	return `${file}.json`;
}

/** Writes a manifest, a fragment (as JSON) a line, and renames it when it is whole. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function writeManifest(
	file: string,
	head: Omit<ExportManifest, 'format' | 'fragments' | 'sha256'>,
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
		let text = `{"format":${JSON.stringify(MANIFEST_FORMAT)},\n"request":${JSON.stringify(request)},\n"summary":${JSON.stringify(summary)},\n"files":[\n${lines}\n],\n${FRAGMENTS_LINE}`;
		const hash = createHash('sha256');
		let separator = '\n';
		for await (const fragment of fragments) {
			text += `${separator}${fragment}`;
			separator = ',\n';
			if (text.length < WRITE_CHARS) continue;
			hash.update(text);
			await handle.appendFile(text);
			text = '';
		}
		text += '\n';
		const sha256 = hash.update(text).digest('hex');
		await handle.appendFile(`${text}],"sha256":"${sha256}"}\n`);
		await handle.sync();
		await handle.close();
		await rename(part, path);
	} catch (error) {
		await handle?.close().catch(() => {});
		await rm(part, { force: true });
		throw new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(error)}`, error);
	}
}

/**
 * The manifest of an export; null where there is none. Throws `SinkError` (`KVS_MANIFEST_INVALID`) where there is something
 * that is not a valid one, and names the place.
 */
export async function readManifest(file: string): Promise<ExportManifest | null> {
	return (await readAndCheck(file))?.manifest ?? null;
}

/** The same where the manifest is, to the byte, what was written; null also where that cannot be told. Throws as `readManifest`. */
export async function readIntactManifest(file: string): Promise<ExportManifest | null> {
	const read = await readAndCheck(file);
	return read?.isIntact === true ? read.manifest : null;
}

/** A manifest, and whether it has its own checksum and is in the form in which it was written. */
interface CheckedManifest {
	readonly manifest: ExportManifest;
	readonly isIntact: boolean;
}

async function readAndCheck(file: string): Promise<CheckedManifest | null> {
	const path = manifestPath(file);
	try {
		if (!(await isFileThere(path, { follows: true }))) return null;
		const { size } = await stat(path);
		if (size > MAX_MANIFEST_BYTES)
			throw new RangeError(`it has ${size} bytes, more than ${MAX_MANIFEST_BYTES}`);
		return size > MAX_WHOLE_BYTES ? await readLines(file, path) : await readWhole(file, path);
	} catch (cause) {
		const message = `\`${path}\` is not a valid manifest of an export: ${fileTrouble(cause)}`;
		throw new SinkError('KVS_MANIFEST_INVALID', path, message, cause);
	}
}

async function readWhole(file: string, path: string): Promise<CheckedManifest> {
	const bytes = await readFile(path);
	const manifest: unknown = JSON.parse(bytes.toString('utf8'));
	const trouble = manifestTrouble(manifest, new ExportNames(file));
	if (trouble !== null) throw new TypeError(trouble);
	const lastLineAt = bytes.lastIndexOf('\n', -2) + 1;
	const isIntact = isChecksum(
		bytes.toString('utf8', lastLineAt, bytes.byteLength - 1),
		createHash('sha256').update(bytes.subarray(0, lastLineAt)).digest('hex'),
	);
	return { manifest: completed(manifest as ExportManifest), isIntact };
}

/** Manifests of before `where` do not say that nothing was skipped. */
function completed(manifest: ExportManifest): ExportManifest {
	return { ...manifest, summary: { ...manifest.summary, skipped: manifest.summary.skipped ?? 0 } };
}

/** Whether the last line holds that checksum; false where it holds none. Throws where it holds another. */
function isChecksum(lastLine: string, sha256: string): boolean {
	const [, found] = LAST_LINE.exec(lastLine) ?? [];
	if (found !== undefined && found !== sha256) throw new TypeError('it was changed after it was written');
	return found !== undefined;
}

/** Reads a manifest as it is written, a fragment a line. */
async function readLines(file: string, path: string): Promise<CheckedManifest> {
	let head = '';
	const fragments: ExportedFragment[] = [];
	let manifest: ExportManifest | null = null;
	const hash = createHash('sha256');
	for await (const { bytes } of fileLines(path, MAX_LINE_BYTES)) {
		const line = bytes.toString('utf8');
		if (manifest !== null && line.startsWith(']')) {
			return { manifest, isIntact: isChecksum(line, hash.digest('hex')) };
		}
		hash.update(bytes).update('\n');
		if (manifest === null) {
			head += `${line}\n`;
			if (head.length > MAX_WHOLE_BYTES) break;
			if (line !== FRAGMENTS_LINE) continue;
			const found: unknown = JSON.parse(`${head}]}`);
			const trouble = manifestTrouble(found, new ExportNames(file));
			if (trouble !== null) throw new TypeError(trouble);
			manifest = { ...completed(found as ExportManifest), fragments };
		} else {
			const fragment: unknown = JSON.parse(line.replace(/,$/, ''));
			if (!isExportedFragment(fragment, manifest.files.length))
				throw new TypeError(`fragment ${fragments.length} is invalid`);
			fragments.push(fragment);
		}
	}
	throw new TypeError('it has more than 16 MiB and not one fragment per line, as export writes it');
}

/** What is wrong with a manifest, in words. */
function manifestTrouble(value: unknown, names: ExportNames): string | null {
	if (!isRecord(value) || value['format'] !== MANIFEST_FORMAT)
		return `its \`format\` is not \`${MANIFEST_FORMAT}\``;
	const { request, summary, files, fragments } = value;
	if (!isPlainRecord(request)) return '`request` is invalid';
	const totals = ['fragments', 'delivered', 'failed', 'missing', 'frames', 'bytes', 'gaps'];
	if (
		!isRecord(summary) ||
		!totals.every((key) => isCount(summary[key])) ||
		!isCount(summary['skipped'] ?? 0) ||
		!isMergedGaps(summary['merged']) ||
		!isLength(summary['mergedGapMs'])
	) {
		return '`summary` is invalid';
	}
	if (!Array.isArray(files) || files.length === 0) return '`files` is invalid';
	const badFile = files.findIndex((file) => !isFileFacts(file) || !names.isOwn(file['file']));
	if (badFile !== -1) return `file ${badFile} is invalid`;
	if (!Array.isArray(fragments)) return '`fragments` is invalid';
	const badFragment = fragments.findIndex((fragment) => !isExportedFragment(fragment, files.length));
	return badFragment === -1 ? null : `fragment ${badFragment} is invalid`;
}
