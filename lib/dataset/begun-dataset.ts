import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../errors.js';
import { isPlainRecord, isRecord } from '../export/field-checks.js';
import { type OutputFolder, putFile, readWhole } from '../files/output-folder.js';
import type { DatasetForm } from './dataset-form.js';
import { type DatasetPast, NO_DATASET } from './dataset-writer.js';
import type { FragmentRecord } from './fragment-record.js';
import { isOwnName } from './sample-names.js';
import type { TrackProgress } from './section.js';
import { isSectionName, readSections } from './section.js';

/** The file that says what a folder that is not finished is to hold. */
export const REQUEST_FILE = '.pictures.request';

/** What it begins with. */
const REQUEST_FORMAT = 'kvs-archive pictures request 1';

/** A request larger than this is not one. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** What an earlier process has done of a folder. */
export interface BegunDataset {
	readonly past: DatasetPast;
	/** Fragments that need not be read again. */
	readonly fragments: readonly FragmentRecord[];
}

/** Nothing was begun. */
export const NOT_BEGUN: BegunDataset = { past: NO_DATASET, fragments: [] };

/** What is written down of a folder before its first picture. */
interface BegunRequest {
	readonly request: unknown;
	/** Whether nothing was in the folder that is named as its pictures are: then all that is there is the run's own. */
	readonly isAlone: boolean;
}

/** Begins a folder in which nothing is begun. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function beginDataset(folder: OutputFolder, form: DatasetForm, request: unknown): Promise<void> {
	const isAlone = (await ownNames(folder, form)).length === 0;
	const text = JSON.stringify({ format: REQUEST_FORMAT, request, isAlone });
	await putFile(folder, REQUEST_FILE, [Buffer.from(`${text}\n`)]);
}

/**
 * What an earlier process has done of the same request, as far as its files are there; null where none has begun. Fails with
 * `SinkError` (`KVS_SINK_FAILED`) where another request has been begun.
 */
export async function begunDataset(
	folder: OutputFolder,
	form: DatasetForm,
	request: unknown,
): Promise<BegunDataset | null> {
	const begun = await readRequest(folder);
	if (begun === null) return null;
	if (!isDeepStrictEqual(begun.request, request)) throw isOther(folder, 'has the unfinished pictures of');
	const tracks = new Map<number, TrackProgress>();
	const fragments: FragmentRecord[] = [];
	let sections = 0;
	let checksum = '';
	for await (const { section, checksum: next } of readSections(folder, form)) {
		if (!(await areThere(folder, section.files))) break;
		tracks.set(section.track, section.progress);
		for (const fragment of section.fragments) fragments.push(fragment);
		sections++;
		checksum = next;
	}
	return { past: { sections, checksum, tracks }, fragments };
}

/** Removes what was begun and is of no use, to start over. */
export async function discardDataset(folder: OutputFolder, form: DatasetForm): Promise<void> {
	const begun = await readRequest(folder);
	if (begun?.isAlone === true) {
		for (const name of await ownNames(folder, form)) await folder.remove(name);
	} else {
		for await (const { section } of readSections(folder, form)) {
			for (const { name } of section.files) await folder.remove(name);
		}
	}
	await folder.removeUnfinished((name) => isOwnName(name, form));
	await forgetProgress(folder);
}

/** Removes what only an unfinished folder needs. */
export async function forgetProgress(folder: OutputFolder): Promise<void> {
	const names: string[] = [];
	for await (const name of folder.list()) if (isSectionName(name)) names.push(name);
	// The last one first: those that a kill leaves still begin with the first.
	for (const name of names.sort().reverse()) await folder.remove(name);
	await folder.remove(REQUEST_FILE);
}

/** The error that says that a folder is of another request. */
export function isOther(folder: OutputFolder, what: string): SinkError {
	const message = `cannot write to \`${folder.name}\`: it ${what} another request; name another folder, or remove this one`;
	return new SinkError('KVS_SINK_FAILED', folder.name, message);
}

async function readRequest(folder: OutputFolder): Promise<BegunRequest | null> {
	const bytes = await readWhole(folder, REQUEST_FILE, MAX_REQUEST_BYTES);
	if (bytes === null) return null;
	let found: unknown;
	try {
		found = JSON.parse(bytes.toString('utf8'));
	} catch {
		found = null;
	}
	if (isRecord(found) && found['format'] === REQUEST_FORMAT) {
		const { request, isAlone } = found;
		const isValid = (request === null || isPlainRecord(request)) && typeof isAlone === 'boolean';
		if (isValid) return { request, isAlone };
	}
	const message = `cannot resume \`${folder.name}\`: \`${REQUEST_FILE}\` in it is damaged; remove the folder to start over`;
	throw new SinkError('KVS_SINK_FAILED', folder.name, message);
}

async function ownNames(folder: OutputFolder, form: DatasetForm): Promise<string[]> {
	const names: string[] = [];
	for await (const name of folder.list()) if (isOwnName(name, form)) names.push(name);
	return names;
}

async function areThere(
	folder: OutputFolder,
	files: readonly { readonly name: string; readonly bytes: number }[],
): Promise<boolean> {
	for (const { name, bytes } of files) if ((await folder.sizeOf(name)) !== bytes) return false;
	return true;
}
