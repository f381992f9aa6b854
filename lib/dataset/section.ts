import { createHash } from 'node:crypto';
import { SinkError } from '../errors.js';
import { isCount, isPlainRecord, isRecord, isSha256, isTextOrNull } from '../export/field-checks.js';
import { type OutputFolder, putFile, readWhole } from '../files/output-folder.js';
import type { DatasetForm } from './dataset-form.js';
import { type FragmentRecord, isFragmentRecord } from './fragment-record.js';
import { isOwnName, type NamesState } from './sample-names.js';
import type { WrittenFile } from './written-file.js';

/** What a section begins with. */
const SECTION_FORMAT = 'kvs-archive pictures section 1';

/** A section larger than this is not one. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024;

/** Which picture of its track it is. */
export interface PictureMark {
	readonly fragmentNumber: string | null;
	readonly timecodeNs: string;
	/** Pictures of the same group of pictures before it with the same time. */
	readonly twins: number;
}

/** Where another process can begin to decode a track so that the same pictures come, and what must be known of what was before. */
export interface Restart {
	/** The key frame. */
	readonly fragmentNumber: string | null;
	readonly timecodeNs: string;
	/** How many fragments of the range are before its fragment. */
	readonly fragmentsBefore: number;
	/** Of the selection, in JSON. */
	readonly state: unknown;
}

/** How far a track has come. */
export interface TrackProgress {
	/** Pictures that are written, and the last of them. */
	readonly pictures: number;
	readonly last: PictureMark;
	/** Sections that are finished, this one included. */
	readonly sections: number;
	readonly names: NamesState;
	/** Null: at the beginning of the range. */
	readonly restart: Restart | null;
	/** Frames before it that could not be decoded. */
	readonly failures: number;
}

/**
 * Pictures of one track that are finished, and what another process needs to go on after them: a file of its own, until
 * the whole folder is finished.
 */
export interface Section {
	/** Counted from 0, over all tracks, in the order in which they were finished. */
	readonly number: number;
	readonly track: number;
	readonly files: readonly WrittenFile[];
	/** What the list says of the pictures, in JSON; empty where there is no list. */
	readonly lines: readonly string[];
	readonly progress: TrackProgress;
	/** Fragments that are done since the section before: no track begins at one of them again. */
	readonly fragments: readonly FragmentRecord[];
}

/** Writes sections, one after the other. Fails with `SinkError`. */
export class SectionWriter {
	readonly #folder: OutputFolder;
	#before: string;

	/** `before`: checksum of the section that the next one comes after. */
	constructor(folder: OutputFolder, before: string) {
		this.#folder = folder;
		this.#before = before;
	}

	/** Writes a section, which is finished then. */
	async add(section: Section): Promise<void> {
		const body = `${JSON.stringify({ format: SECTION_FORMAT, before: this.#before, ...section })}\n`;
		this.#before = checksumOf(body);
		await putFile(this.#folder, sectionName(section.number), [Buffer.from(body + this.#before)]);
	}
}

/** A section that was read. */
export interface FoundSection {
	readonly section: Section;
	readonly checksum: string;
}

/** The sections of a folder, in order, up to the first that is not there or has changed. Fails with `SinkError`. */
export async function* readSections(folder: OutputFolder, form: DatasetForm): AsyncGenerator<FoundSection> {
	for (let number = 0, before = ''; ; number++) {
		const bytes = await readWhole(folder, sectionName(number), MAX_SECTION_BYTES);
		const found = bytes === null ? null : parse(bytes.toString('utf8'), number, before);
		if (found === null) return;
		if (!found.section.files.every(({ name }) => isOwnName(name, form))) return;
		yield found;
		before = found.checksum;
	}
}

/** The same where there must be `count`. Fails with `SinkError` (`KVS_SINK_FAILED`) where there are fewer. */
export async function* readAllSections(
	folder: OutputFolder,
	form: DatasetForm,
	count: number,
): AsyncGenerator<Section> {
	let read = 0;
	for await (const { section } of readSections(folder, form)) {
		if (read === count) return;
		read++;
		yield section;
	}
	if (read === count) return;
	const message = `cannot finish \`${folder.name}\`: \`${sectionName(read)}\` in it is missing, or was changed after it was written; run the same export again to resume it from the section before`;
	throw new SinkError('KVS_SINK_FAILED', folder.name, message);
}

function sectionName(number: number): string {
	return `.pictures-${String(number).padStart(6, '0')}.section`;
}

/** Whether a file is named as a section. */
export function isSectionName(name: string): boolean {
	return /^\.pictures-\d{6,9}\.section$/.test(name);
}

function parse(text: string, number: number, before: string): FoundSection | null {
	const body = text.slice(0, text.lastIndexOf('\n') + 1);
	const checksum = checksumOf(body);
	if (body === '' || text.slice(body.length) !== checksum) return null;
	const found: unknown = JSON.parse(body);
	if (!isRecord(found) || found['format'] !== SECTION_FORMAT || found['before'] !== before) return null;
	if (found['number'] !== number || !isSection(found)) return null;
	return { section: found as unknown as Section, checksum };
}

function isSection({ track, files, lines, progress, fragments }: Record<string, unknown>): boolean {
	return (
		isCount(track) &&
		Array.isArray(files) &&
		files.every(isWrittenFile) &&
		Array.isArray(lines) &&
		lines.every((line) => typeof line === 'string') &&
		isProgress(progress) &&
		Array.isArray(fragments) &&
		fragments.every(isFragmentRecord)
	);
}

/** What a section and a manifest say of a file. */
export function isWrittenFile(value: unknown): value is WrittenFile {
	return (
		isRecord(value) &&
		typeof value['name'] === 'string' &&
		isCount(value['bytes']) &&
		isSha256(value['sha256'])
	);
}

function isProgress(value: unknown): boolean {
	if (!isRecord(value)) return false;
	const { pictures, last, sections, names, restart, failures } = value;
	return (
		[pictures, sections, failures].every(isCount) &&
		isMark(last) &&
		isRecord(last) &&
		isCount(last['twins']) &&
		isRecord(names) &&
		(names['latestUs'] === null || Number.isSafeInteger(names['latestUs'])) &&
		isCount(names['repeats']) &&
		(restart === null || isRestart(restart))
	);
}

function isRestart(value: unknown): boolean {
	return isMark(value) && isPlainRecord(value) && isCount(value['fragmentsBefore']);
}

function isMark(value: unknown): boolean {
	if (!isRecord(value)) return false;
	const { fragmentNumber, timecodeNs } = value;
	return isTextOrNull(fragmentNumber) && typeof timecodeNs === 'string' && /^-?\d{1,20}$/.test(timecodeNs);
}

function checksumOf(text: string): string {
	return createHash('sha256').update(text).digest('hex');
}
