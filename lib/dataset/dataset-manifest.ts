import { createHash } from 'node:crypto';
import { SinkError } from '../errors.js';
import { isCount, isPlainRecord, isRecord, isSha256 } from '../export/field-checks.js';
import { type FileLine, linesOf } from '../files/file-lines.js';
import type { OutputFolder } from '../files/output-folder.js';
import type { DatasetForm, PictureLayout } from './dataset-form.js';
import { type FragmentRecord, isFragmentRecord } from './fragment-record.js';
import { isOwnName } from './sample-names.js';
import { isWrittenFile } from './section.js';
import type { WrittenFile } from './written-file.js';

/** The file that says that a folder of pictures is finished, and proves what is in it. */
export const DATASET_FILE = 'manifest.jsonl';

/** What it begins with. */
const MANIFEST_FORMAT = 'kvs-archive pictures 1';

/** A line longer than this is not one. */
const MAX_LINE_BYTES = 1024 * 1024;

/** What is written of it at a time. */
const WRITE_CHARS = 256 * 1024;

/** What is counted of a run that is finished. */
export interface DatasetTotals {
	/** Written. */
	readonly pictures: number;
	/** Frames that were wanted and could not be decoded. */
	readonly pictureFailures: number;
	readonly fragments: number;
	readonly delivered: number;
	readonly failed: number;
	readonly missing: number;
	readonly skipped: number;
	readonly frames: number;
	readonly bytes: number;
	readonly gaps: number;
}

/** The first line. */
export interface DatasetHead {
	readonly layout: PictureLayout;
	/** What the names of shards begin with. */
	readonly name: string;
	/** What was asked for, as plain JSON; null where the pictures are of a pipeline of the caller's own. */
	readonly request: unknown;
	readonly totals: DatasetTotals;
}

/** A line after the first: a fragment of the range, a file with pictures, or the list of the pictures. */
export type DatasetLine =
	| { readonly type: 'fragment'; readonly fragment: FragmentRecord }
	| { readonly type: 'file'; readonly file: WrittenFile }
	| { readonly type: 'list'; readonly file: WrittenFile };

/** Writes a manifest, which finishes the folder. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function writeDatasetManifest(
	folder: OutputFolder,
	head: DatasetHead,
	lines: AsyncIterable<DatasetLine>,
): Promise<void> {
	const file = await folder.create(DATASET_FILE);
	try {
		const hash = createHash('sha256');
		let text = `${JSON.stringify({ format: MANIFEST_FORMAT, ...head })}\n`;
		const flush = async (): Promise<void> => {
			hash.update(text);
			await file.append([Buffer.from(text)]);
			text = '';
		};
		for await (const line of lines) {
			text += `${JSON.stringify(line)}\n`;
			if (text.length >= WRITE_CHARS) await flush();
		}
		await flush();
		await file.append([Buffer.from(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`)]);
		await file.commit();
	} catch (error) {
		await file.discard();
		throw error;
	}
}

/** A manifest that is read line by line; all of it has to be, for its own checksum comes last. */
export interface ReadManifest {
	readonly head: DatasetHead;
	/** Fails with `SinkError` (`KVS_MANIFEST_INVALID`), at its end where it was changed after it was written. */
	readonly lines: AsyncIterable<DatasetLine>;
}

/**
 * Reads the manifest of a folder; null where there is none. Fails with `SinkError`: `KVS_MANIFEST_INVALID`, which names the
 * place, and `KVS_SINK_FAILED` where it cannot be read.
 */
export async function readDatasetManifest(folder: OutputFolder): Promise<ReadManifest | null> {
	const bytes = await folder.read(DATASET_FILE);
	if (bytes === null) return null;
	const lines = linesOf(bytes, MAX_LINE_BYTES);
	const first = await lines.next();
	const head: unknown = first.done === true ? null : parse(folder, first.value.bytes, 1);
	if (!isHead(head)) throw invalid(folder, `its first line is not that of a \`${MANIFEST_FORMAT}\``);
	return { head, lines: checkedLines(folder, head, first.value.bytes, lines) };
}

async function* checkedLines(
	folder: OutputFolder,
	head: DatasetHead,
	first: Uint8Array,
	lines: AsyncIterable<FileLine>,
): AsyncGenerator<DatasetLine> {
	const hash = createHash('sha256').update(first).update('\n');
	let number = 1;
	for await (const { bytes, end } of lines) {
		number++;
		const line = parse(folder, bytes, number);
		if (isRecord(line) && isSha256(line['sha256'])) {
			const isWhole = (await folder.sizeOf(DATASET_FILE)) === end;
			if (isWhole && line['sha256'] === hash.digest('hex')) return;
			throw invalid(folder, 'it was changed after it was written');
		}
		if (!isLine(line, head)) throw invalid(folder, `its line ${number} is invalid`);
		hash.update(bytes).update('\n');
		yield line;
	}
	throw invalid(folder, 'its last line is missing');
}

function parse(folder: OutputFolder, bytes: Buffer, number: number): unknown {
	try {
		return JSON.parse(bytes.toString('utf8'));
	} catch (error) {
		throw invalid(folder, `its line ${number} is not JSON: ${(error as Error).message}`, error);
	}
}

function isHead(value: unknown): value is DatasetHead {
	if (!isRecord(value) || value['format'] !== MANIFEST_FORMAT) return false;
	const { layout, name, request, totals } = value;
	return (
		(layout === 'files' || layout === 'imagefolder' || layout === 'webdataset') &&
		typeof name === 'string' &&
		(request === null || isPlainRecord(request)) &&
		isTotals(totals)
	);
}

function isTotals(value: unknown): boolean {
	const names: readonly (keyof DatasetTotals)[] = [
		'pictures',
		'pictureFailures',
		'fragments',
		'delivered',
		'failed',
		'missing',
		'skipped',
		'frames',
		'bytes',
		'gaps',
	];
	return isRecord(value) && names.every((name) => isCount(value[name]));
}

function isLine(value: unknown, form: Pick<DatasetForm, 'layout' | 'name'>): value is DatasetLine {
	if (!isRecord(value)) return false;
	const { type, fragment, file } = value;
	if (type === 'fragment') return isFragmentRecord(fragment);
	if (!isWrittenFile(file)) return false;
	return type === 'list' ? /^[a-z]+\.jsonl$/.test(file.name) : type === 'file' && isOwnName(file.name, form);
}

function invalid(folder: OutputFolder, why: string, cause?: unknown): SinkError {
	const message = `\`${DATASET_FILE}\` of \`${folder.name}\` is not a valid manifest of pictures: ${why}`;
	return new SinkError('KVS_MANIFEST_INVALID', folder.name, message, cause);
}
