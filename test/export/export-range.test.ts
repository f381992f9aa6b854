import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type ExportOptions, KvsArchive, readManifest, verifyExport } from 'kvs-archive';
import { recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

/** How many fragments were asked for so far. */
function asked({ requests }: TestArchive): number {
	return requests.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
}

test('a summary names files that exist, of one file and of several', async (t) => {
	const served = await startArchive(t, { door: recording(10) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	for (const options of [{}, { split: { everyMs: 4000 } }, { manifest: false }] as ExportOptions[]) {
		for (const verified of [false, options.manifest !== false]) {
			const asked_ = join(directory, `x${Object.keys(options).join()}.mkv`);
			const summary = await archive.export(range, asked_, options);
			t.is(summary.verified, verified);
			t.is(summary.files[0]?.file, summary.file);
			t.is(summary.files.length > 1, 'split' in options);
			for (const { file: path, bytes } of summary.files) t.is((await stat(path)).size, bytes);
			t.is(summary.manifest, options.manifest === false ? null : `${asked_}.json`);
			if (summary.manifest !== null) t.true((await stat(summary.manifest)).isFile());
		}
	}
});

test('files are cut by length, size and gap, and nothing is lost at a cut', async (t) => {
	const media = Buffer.concat([
		recording(30),
		recording(10, { startMs: startMs + 300_000, firstNumber: 31 }),
	]);
	const served = await startArchive(t, { door: media });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const cuts = async (name: string, split: ExportOptions['split']): Promise<(string | undefined)[]> => {
		const { files, frames } = await archive.export(range, join(directory, name), { split });
		t.is(frames, 80);
		t.is(
			files.reduce((sum, file) => sum + file.frames, 0),
			80,
		);
		t.deepEqual(
			files.map(({ file }) => file),
			files.map((_, index) => join(directory, name.replace('.', `-${String(index + 1).padStart(3, '0')}.`))),
		);
		const manifest = await readManifest(join(directory, name));
		t.deepEqual((await verifyExport(join(directory, name), manifest as never)).damage, []);
		for (const rule of [split].flat()) {
			if (typeof rule !== 'object') continue;
			for (const { bytes, durationMs } of files) {
				if ('maxBytes' in rule) t.true(bytes <= rule.maxBytes, `${bytes}`);
				if ('everyMs' in rule) t.true(durationMs <= rule.everyMs + 1000, `${durationMs}`);
			}
		}
		return files.map(({ cut }) => cut?.reason);
	};
	t.deepEqual(await cuts('gap.mkv', 'gap'), [undefined, 'gap']);
	const time = Array.from({ length: 3 }, () => 'duration');
	t.deepEqual(await cuts('time.mkv', { everyMs: 20_000 }), [undefined, ...time]);
	t.deepEqual(new Set((await cuts('size.mkv', { maxBytes: 2500 })).slice(1)), new Set(['size']));
	const both = await cuts('both.mkv', ['gap', { everyMs: 40_000 }]);
	t.deepEqual(both, [undefined, 'duration', 'gap']);
});

test('without a manifest, that of an earlier export is removed, and a file that is not a manifest stays', async (t) => {
	const served = await startArchive(t, { door: recording(3) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	await archive.export(range, join(directory, 'x.mkv'));
	await writeFile(join(directory, 'y.mkv.json'), '{"mine":true}');
	for (const name of ['x.mkv', 'y.mkv'])
		await archive.export(range, join(directory, name), { manifest: false });
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'y.mkv', 'y.mkv.json']);
});

test('refuses a directory or a FIFO in place of a file before any request', async (t) => {
	const served = await startArchive(t, { door: recording(3) });
	const directory = await temporaryDirectory(t);
	await mkdir(join(directory, 'x.mkv'));
	await t.throwsAsync(openArchive(t, served.endpoint).export(range, join(directory, 'x.mkv')), {
		code: 'KVS_SINK_FAILED',
		message: /x\.mkv` is a directory, not a file$/,
	});
	t.is(asked(served), 0);
	t.deepEqual(await readdir(directory), ['x.mkv']);
	for (const name of ['y.mkv', 'z.mkv.json']) {
		t.is((await run('mkfifo', [join(directory, name)])).code, 0);
		const file = join(directory, name.replace('.json', ''));
		await t.throwsAsync(openArchive(t, served.endpoint).export(range, file), {
			code: 'KVS_SINK_FAILED',
			message: new RegExp(`${name}\` is a FIFO, not a file$`),
		});
	}
	t.is(asked(served), 0);
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'y.mkv', 'z.mkv.json']);
});

test('invalid options are refused before any request', async (t) => {
	const archive = new KvsArchive({ streamName: 'door', endpoint: 'http://127.0.0.1:9' });
	const wrong: [string, ExportOptions, RegExp][] = [
		['x.avi', {}, /\.mkv/],
		['x.mp4', { gaps: 'stretch' as never }, /gaps/],
		['x.mp4', { channels: 'split' }, /channels/],
		['x.mkv', { faststart: true }, /faststart/],
		['x.mp4', { tracks: [0] }, /tracks/],
		['x.mp4', { tracks: [] }, /tracks/],
		['x.mp4', { split: { everyMs: 0 } }, /split/],
		['x.mp4', { split: 'often' as never }, /split/],
	];
	for (const [file, options, message] of wrong) {
		await t.throwsAsync(archive.export(range, file, options), { code: 'KVS_INVALID_OPTION', message });
	}
	await archive.close();
});
