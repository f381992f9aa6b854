import { createHash } from 'node:crypto';
import { SinkError } from '../errors.js';
import { linesOf } from '../files/file-lines.js';
import { chunksOf, type OpenFile, openLocalFile, type ReadableFile } from '../files/readable-file.js';
import type { RemotePlace } from '../files/remote-place.js';
import { counted } from '../wording/counted.js';
import { systemTrouble } from '../wording/system-trouble.js';
import {
	type ExportedFragment,
	type ExportManifest,
	FRAGMENTS_LINE,
	MANIFEST_FORMAT,
	manifestPath,
} from './export-manifest.js';
import { ExportNames } from './export-names.js';
import {
	isCount,
	isExportedFragment,
	isFileFacts,
	isLength,
	isMergedGaps,
	isPlainRecord,
	isRecord,
} from './field-checks.js';

/** A manifest larger than this is not read: a million fragments have 400 MB. */
const MAX_MANIFEST_BYTES = 500_000_000;

/** Up to this size any form of the JSON is read, larger ones only line by line, as they are written: nested brackets take 50 times their size of memory. */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024;
const MAX_LINE_BYTES = 1024 * 1024;

/** The line after those of the fragments. */
const LAST_LINE = /^\],"sha256":"([0-9a-f]{64})"\}$/;

/**
 * The manifest of an export; null where there is none. Throws `SinkError` (`KVS_MANIFEST_INVALID`) where there is something
 * that is not a valid one, and names the place.
 *
 * @param file - what was given to `export`
 */
export async function readManifest(file: string | RemotePlace): Promise<ExportManifest | null> {
	if (typeof file === 'string') return (await readAndCheck(file, openLocalFile))?.manifest ?? null;
	const folder = await file.open('file');
	try {
		return (await readAndCheck(file.fileName, (name) => folder.get(name, undefined)))?.manifest ?? null;
	} finally {
		await folder.close();
	}
}

/** The same where the manifest is, to the byte, what was written; null also where that is not known. Throws as `readManifest`. */
export async function readIntactManifest(
	file: string,
	openFile: OpenFile = openLocalFile,
): Promise<ExportManifest | null> {
	const read = await readAndCheck(file, openFile);
	return read?.isIntact === true ? read.manifest : null;
}

/** A manifest, and whether it has its own checksum and is in the form in which it was written. */
interface CheckedManifest {
	readonly manifest: ExportManifest;
	readonly isIntact: boolean;
}

async function readAndCheck(file: string, openFile: OpenFile): Promise<CheckedManifest | null> {
	const path = manifestPath(file);
	let opened: ReadableFile | null = null;
	try {
		opened = await openFile(path);
		if (opened === null) return null;
		const { sizeBytes } = opened;
		if (sizeBytes > MAX_MANIFEST_BYTES)
			throw new RangeError(`it has ${counted(sizeBytes, 'byte')}, more than ${MAX_MANIFEST_BYTES}`);
		return sizeBytes > MAX_WHOLE_BYTES ? await readLines(file, opened) : await readWhole(file, opened);
	} catch (cause) {
		// Of a place that cannot be reached nothing is known.
		if (cause instanceof SinkError) throw cause;
		const message = `\`${path}\` is not a valid manifest of an export: ${systemTrouble(cause)}`;
		throw new SinkError('KVS_MANIFEST_INVALID', path, message, cause);
	} finally {
		await opened?.close();
	}
}

async function readWhole(file: string, opened: ReadableFile): Promise<CheckedManifest> {
	const chunks: Buffer[] = [];
	for await (const chunk of chunksOf(opened)) chunks.push(chunk);
	const bytes = Buffer.concat(chunks);
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
async function readLines(file: string, opened: ReadableFile): Promise<CheckedManifest> {
	let head = '';
	const fragments: ExportedFragment[] = [];
	let manifest: ExportManifest | null = null;
	const hash = createHash('sha256');
	for await (const { bytes } of linesOf(chunksOf(opened), MAX_LINE_BYTES)) {
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
