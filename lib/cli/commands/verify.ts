import { join, parse } from 'node:path';
import { type ExportManifest, readManifest, SinkError, verifyExport } from '../../index.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';

/** Options of `verify`. */
export interface VerifyOptions {
	readonly json?: boolean;
}

/** Checks an export against its manifest. */
export async function verify(
	path: string,
	{ json }: VerifyOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { file, manifest } = await manifestFor(path.replace(/\.json$/, ''));
	const { damage, bytes } = await verifyExport(file, manifest, signal);
	const { summary, files } = manifest;
	if (json) {
		await terminal.writeJson([
			...damage.map((found) => ({ type: 'damage', ...found })),
			{ type: 'summary', ...summary, files: files.length, bytesRead: bytes, intact: damage.length === 0 },
		]);
	}
	const [first] = damage;
	if (first !== undefined) {
		const of = first.fragmentNumber === null ? '' : `, fragment ${first.fragmentNumber}`;
		const more = damage.length === 1 ? '' : ` (and ${damage.length - 1} more)`;
		throw new SinkError('KVS_EXPORT_DAMAGED', file, `${first.file || file}${of}: ${first.detail}${more}`);
	}
	if (!json) {
		const lost = summary.failed + summary.missing;
		const parts = [
			`${summary.delivered} of ${summary.fragments} fragments`,
			`${summary.frames} frames`,
			`${bytes} bytes`,
		];
		if (lost > 0) parts.push(`${lost} unavailable at export time`);
		terminal.say(`${file} is what its manifest says: ${parts.join(', ')}`);
	}
	return summary.failed + summary.missing > 0 ? EXIT.incomplete : EXIT.done;
}

/** The manifest of an export, by the name that was asked for or by that of one of its files (`x-001.mp4`, `x-customer.wav`). */
async function manifestFor(path: string): Promise<{ file: string; manifest: ExportManifest }> {
	const { dir, name, ext, base } = parse(path);
	for (let stem = name; stem !== ''; stem = stem.replace(/-?[^-]*$/, '')) {
		const file = join(dir, `${stem}${ext}`);
		const manifest = await readManifest(file);
		if (manifest !== null && (stem === name || manifest.files.some((exported) => exported.file === base))) {
			return { file, manifest };
		}
	}
	throw new SinkError(
		'KVS_MANIFEST_MISSING',
		path,
		`cannot check \`${path}\`: there is no \`${path}.json\` beside it`,
	);
}
