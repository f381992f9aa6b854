import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import type { ExportManifest } from '#lib/export/export-manifest.js';
import { readManifest } from '#lib/export/read-manifest.js';
import { verifyExport } from '#lib/export/verify-export.js';
import { eventsOf, openSink, plainRequest } from '../helpers/files/export-run.js';
import { recording } from '../helpers/media/payload.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** An export, and what its manifest says. */
async function exported(
	t: ExecutionContext,
): Promise<{ file: string; path: string; manifest: ExportManifest }> {
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { sink } = await openSink(file, plainRequest);
	await pipeline(Readable.from(await eventsOf(t, recording(5))), sink);
	return { file, path: `${file}.json`, manifest: (await readManifest(file)) as ExportManifest };
}

test('a manifest whose fields are not what they should be is refused by the field', async (t) => {
	const { file, path, manifest } = await exported(t);
	const [first] = manifest.files;
	const [fragment] = manifest.fragments;
	const withFile = (changes: object): object => ({ ...manifest, files: [{ ...first, ...changes }] });
	const withFragment = (changes: object): object => ({
		...manifest,
		fragments: [...manifest.fragments.slice(0, 2), { ...fragment, ...changes }],
	});
	const changed: readonly [object | string, RegExp][] = [
		['nonsense', /JSON/],
		['[]', /`format` is not `kvs-archive export 1`/],
		[{ ...manifest, format: 'kvs-archive export 2' }, /`format` is not `kvs-archive export 1`/],
		[{ ...manifest, request: [] }, /`request` is invalid/],
		[
			`{"format":"kvs-archive export 1","request":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
			/`request` is invalid/,
		],
		[{ ...manifest, summary: { ...manifest.summary, frames: -1 } }, /`summary` is invalid/],
		[{ ...manifest, summary: { ...manifest.summary, merged: null } }, /`summary` is invalid/],
		[{ ...manifest, files: [] }, /`files` is invalid/],
		[withFile({ file: '../x.mkv' }), /file 0 is invalid/],
		[withFile({ file: 'y.mkv' }), /file 0 is invalid/],
		[withFile({ file: 'x-001/../x.mkv' }), /file 0 is invalid/],
		[withFile({ bytes: 1e300 }), /file 0 is invalid/],
		[withFile({ durationMs: '10' }), /file 0 is invalid/],
		[withFile({ cut: { reason: 'whim', fragmentNumber: null, detail: '' } }), /file 0 is invalid/],
		[withFile({ head: null, tail: null }), /file 0 is invalid/],
		[withFile({ head: { bytes: 1e9, sha256: first?.head?.sha256 } }), /file 0 is invalid/],
		[withFragment({ status: 'constructor' }), /fragment 2 is invalid/],
		[withFragment({ ranges: [{ file: 1, offset: 0, bytes: 1 }] }), /fragment 2 is invalid/],
		[withFragment({ ranges: [{ file: 0, offset: -1, bytes: 1 }] }), /fragment 2 is invalid/],
		[withFragment({ sha256: null }), /fragment 2 is invalid/],
		[withFragment({ fragmentNumber: 7 }), /fragment 2 is invalid/],
	];
	for (const [manifest_, message] of changed) {
		const text = typeof manifest_ === 'string' ? manifest_ : JSON.stringify(manifest_);
		await writeFile(path, text);
		await t.throwsAsync(readManifest(file), { code: 'KVS_MANIFEST_INVALID', message }, text.slice(-200));
	}
});

test('a manifest of any form is read up to 16 MiB, a larger one as it was written', async (t) => {
	const { file, path, manifest } = await exported(t);
	await writeFile(path, JSON.stringify(manifest, null, '\t'));
	t.deepEqual(await readManifest(file), manifest);
	const lines = manifest.fragments.map((fragment) => JSON.stringify(fragment));
	const many = Array.from(
		{ length: Math.ceil((17 * 2 ** 20) / Math.min(...lines.map(({ length }) => length))) },
		(_, index) => lines[index % lines.length],
	);
	const start = `{"format":"kvs-archive export 1",\n"request":${JSON.stringify(manifest.request)},\n"summary":${JSON.stringify(manifest.summary)},\n"files":[\n${JSON.stringify(manifest.files[0])}\n],\n"fragments":[\n`;
	await writeFile(path, `${start}${many.join(',\n')}\n]}\n`);
	t.is((await readManifest(file))?.fragments.length, many.length);
	for (const wrong of [
		`${start}${many.join(',')}\n]}\n`,
		`${start}${many.join(',\n')}\n`,
		`${start}${many.join(',\n')},\n{}\n]}\n`,
		`${'['.repeat(20 * 2 ** 20)}`,
		`${start}${'['.repeat(20 * 2 ** 20)}`,
	]) {
		await writeFile(path, wrong);
		await t.throwsAsync(readManifest(file), { code: 'KVS_MANIFEST_INVALID' }, wrong.slice(-50));
	}
});

test('a path that is not a file is neither waited for nor verified', async (t) => {
	const { file, manifest } = await exported(t);
	const directory = join(dirname(file), 'other');
	await mkdir(directory);
	const fifo = async (name: string): Promise<string> => {
		t.is((await run('mkfifo', [join(directory, name)])).code, 0);
		return join(directory, name);
	};
	await fifo('x.mkv.json');
	await t.throwsAsync(readManifest(join(directory, 'x.mkv')), {
		code: 'KVS_MANIFEST_INVALID',
		message: /x\.mkv\.json` is a FIFO, not a file$/,
	});
	const { damage } = await verifyExport(await fifo('x.mkv'), manifest);
	t.deepEqual(
		damage.map(({ detail }) => detail),
		[`it cannot be read: \`${join(directory, 'x.mkv')}\` is a FIFO, not a file`],
	);
	// A link to an export is that export.
	const links = join(directory, 'links');
	await mkdir(links);
	for (const name of ['x.mkv', 'x.mkv.json']) await symlink(join(dirname(file), name), join(links, name));
	t.deepEqual(
		(await verifyExport(join(links, 'x.mkv'), (await readManifest(join(links, 'x.mkv'))) as never)).damage,
		[],
	);
});

test('every changed byte of an export is found, and those of a fragment by its number', async (t) => {
	const { file, manifest } = await exported(t);
	const whole = await readFile(file);
	for (let at = 0; at < whole.length; at += 29) {
		const changed = Buffer.from(whole);
		changed[at] = (changed[at] ?? 0) ^ 1;
		await writeFile(file, changed);
		const { damage } = await verifyExport(file, manifest);
		const holder = manifest.fragments.find(({ ranges }) =>
			ranges.some(({ offset, bytes }) => at >= offset && at < offset + bytes),
		);
		t.deepEqual(
			damage.map(({ file: name, fragmentNumber }) => [name, fragmentNumber]),
			[['x.mkv', holder?.fragmentNumber ?? null]],
			`${at}`,
		);
	}
	await t.throwsAsync(verifyExport(file, manifest, AbortSignal.abort(new Error('enough'))), {
		message: 'enough',
	});
});
