import { stat } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import {
	DATASET_FILE,
	type ExportDamage,
	type ExportManifest,
	RECORDINGS_FILE,
	readManifest,
	SinkError,
	verifyDataset,
	verifyExport,
	verifyRecordings,
} from '../../index.js';
import { counted } from '../../wording/counted.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { outputPlace } from './output-place.js';

/** Options of `verify`. */
export interface VerifyOptions {
	readonly json?: boolean;
	/** Of S3. */
	readonly region?: string;
	readonly profile?: string;
}

/** The lists by which a folder can be named, too. */
const LIST_IN_FOLDER = new RegExp(`/(?:${RECORDINGS_FILE}|${DATASET_FILE})$`);

/** Checks an export against its manifest, the files of a recorder against their list, or a folder of pictures against its manifest. */
export async function verify(path: string, options: VerifyOptions, context: CommandContext): Promise<number> {
	const place = await outputPlace('file', path.replace(LIST_IN_FOLDER, '/'), options);
	if (typeof place !== 'string') {
		if (!place.url.endsWith('/')) return verifyFile(path, options, context);
		const isRecorded = (await place.sizeOf(RECORDINGS_FILE)) !== null;
		return isRecorded
			? verifyDirectory(place.url, options, context)
			: verifyPictures(place.url, options, context);
	}
	if (basename(path) === RECORDINGS_FILE) return verifyDirectory(dirname(path), options, context);
	if (basename(path) === DATASET_FILE) return verifyPictures(dirname(path), options, context);
	const found = await stat(path).catch(() => null);
	if (found?.isDirectory() !== true) return verifyFile(path, options, context);
	const isRecorded = await stat(join(path, RECORDINGS_FILE)).catch(() => null);
	return isRecorded === null
		? verifyPictures(path, options, context)
		: verifyDirectory(path, options, context);
}

async function verifyPictures(
	directory: string,
	options: VerifyOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { json } = options;
	const { damage, ...counts } = await verifyDataset(await outputPlace('file', directory, options), signal);
	const { layout, pictures, files, bytesRead, failed, missing, pictureFailures } = counts;
	if (json) {
		await terminal.writeJson([
			...damage.map((found) => ({ type: 'damage', ...found })),
			{ type: 'summary', ...counts, intact: damage.length === 0 },
		]);
	}
	throwDamage(
		directory,
		damage.map((found) => ({ ...found, fragmentNumber: null })),
	);
	const lost = failed + missing;
	if (!json) {
		const parts = [
			`${layout}, ${counted(pictures, 'picture')}`,
			counted(files, 'file'),
			counted(bytesRead, 'byte'),
		];
		if (lost > 0) parts.push(`${counted(lost, 'fragment')} unavailable at the time of writing`);
		if (pictureFailures > 0) parts.push(`${counted(pictureFailures, 'frame')} could not be decoded`);
		terminal.say(`${directory} matches its ${DATASET_FILE}: ${parts.join(', ')}`);
	}
	return lost + pictureFailures > 0 ? EXIT.incomplete : EXIT.done;
}

async function verifyDirectory(
	directory: string,
	options: VerifyOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { json } = options;
	const { damage, bytes, ...counts } = await verifyRecordings(
		await outputPlace('file', directory, options),
		signal,
	);
	const { recordings, fragments, frames, failures } = counts;
	if (json) {
		await terminal.writeJson([
			...damage.map((found) => ({ type: 'damage', ...found })),
			{ type: 'summary', ...counts, bytesRead: bytes, intact: damage.length === 0 },
		]);
	}
	throwDamage(directory, damage);
	if (!json) {
		const lost =
			failures === 0 ? '' : `, ${counted(failures, 'fragment')} unavailable at the time of recording`;
		terminal.say(
			`${directory} matches its ${RECORDINGS_FILE}: ${counted(recordings, 'file')}, ${counted(fragments, 'fragment')}, ${counted(frames, 'frame')}, ${counted(bytes, 'byte')}${lost}`,
		);
	}
	return failures > 0 ? EXIT.incomplete : EXIT.done;
}

function throwDamage(target: string, damage: readonly ExportDamage[]): void {
	const [first] = damage;
	if (first === undefined) return;
	const of = first.fragmentNumber === null ? '' : `, fragment ${first.fragmentNumber}`;
	const more = damage.length === 1 ? '' : ` (and ${damage.length - 1} more)`;
	throw new SinkError('KVS_EXPORT_DAMAGED', target, `${first.file || target}${of}: ${first.detail}${more}`);
}

async function verifyFile(
	path: string,
	options: VerifyOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { json } = options;
	const { file, manifest } = await manifestFor(path.replace(/\.json$/, ''), options);
	const { damage, bytes } = await verifyExport(await outputPlace('file', file, options), manifest, signal);
	const { summary, files } = manifest;
	if (json) {
		await terminal.writeJson([
			...damage.map((found) => ({ type: 'damage', ...found })),
			{ type: 'summary', ...summary, files: files.length, bytesRead: bytes, intact: damage.length === 0 },
		]);
	}
	throwDamage(file, damage);
	if (!json) {
		const lost = summary.failed + summary.missing;
		const parts = [
			`${summary.delivered} of ${counted(summary.fragments, 'fragment')}`,
			counted(summary.frames, 'frame'),
			counted(bytes, 'byte'),
		];
		if (lost > 0) parts.push(`${lost} unavailable at export time`);
		terminal.say(`${file} matches its manifest: ${parts.join(', ')}`);
	}
	return summary.failed + summary.missing > 0 ? EXIT.incomplete : EXIT.done;
}

/** The manifest of an export, by the name that was asked for or by that of one of its files (`x-001.mp4`, `x-customer.wav`). */
async function manifestFor(
	path: string,
	options: VerifyOptions,
): Promise<{ file: string; manifest: ExportManifest }> {
	const { dir, name, ext, base } = parse(path);
	for (let stem = name; stem !== ''; stem = stem.replace(/-?[^-]*$/, '')) {
		const file = `${dir}${dir === '' ? '' : '/'}${stem}${ext}`;
		const manifest = await readManifest(await outputPlace('file', file, options));
		if (manifest !== null && (stem === name || manifest.files.some((exported) => exported.file === base))) {
			return { file, manifest };
		}
	}
	throw new SinkError(
		'KVS_MANIFEST_MISSING',
		path,
		`cannot check \`${path}\`: its manifest \`${path}.json\` is missing; export writes one, but not with --no-manifest`,
	);
}
