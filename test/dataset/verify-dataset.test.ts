import { appendFile, copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetDamage, type PictureLayout, verifyDataset } from 'kvs-archive';
import { withFfmpeg } from '../helpers/needs.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { all, filmArchive } from './dataset-archive.js';

/** The files of each layout: a picture or a shard, one that is not there, and the list where there is one. */
const LAYOUTS: readonly [PictureLayout, string, string, string | null][] = [
	['files', '2026-01-31T00.00.01.000Z.jpg', '2026-01-31T00.00.01.001Z_track2_3.jpg', 'frames.jsonl'],
	['imagefolder', '20260131T000001000000Z-t1.jpg', '20260131T000001000001Z-t2-3.jpg', 'metadata.jsonl'],
	['webdataset', 'door-000000.tar', 'door-track2-000007.tar', null],
];

for (const [layout, name, extra, list] of LAYOUTS) {
	withFfmpeg(`every change of ${layout} is found, and where`, async (t) => {
		const { archive } = await filmArchive(t, 3);
		const folder = join(await temporaryDirectory(t), layout);
		const summary = await archive.exportPictures(all, folder, { layout, select: 'keyframes' });
		const report = await verifyDataset(folder);
		const { pictures, fragments, delivered, frames, bytes } = summary;
		t.like(report, { layout, pictures, fragments, delivered, frames, bytes, damage: [] });
		t.is(report.files, (await readdir(folder)).length - 1);
		const path = join(folder, name);
		const whole = await readFile(path);

		const damaged = async (expected: readonly DatasetDamage[]): Promise<void> => {
			t.deepEqual((await verifyDataset(folder)).damage, expected);
			await writeFile(path, whole);
			t.deepEqual((await verifyDataset(folder)).damage, []);
		};
		const flipped = Buffer.from(whole);
		flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 1;
		await writeFile(path, flipped);
		await damaged([{ file: name, detail: 'its bytes have changed' }]);
		await writeFile(path, whole.subarray(1));
		await damaged([{ file: name, detail: `it has ${whole.length - 1} bytes, not ${whole.length}` }]);
		await rm(path);
		await damaged([{ file: name, detail: 'it is missing' }]);
		await copyFile(path, join(folder, extra));
		t.deepEqual((await verifyDataset(folder)).damage, [
			{ file: extra, detail: 'it is not in `manifest.jsonl`' },
		]);
		await rm(join(folder, extra));
		await writeFile(join(folder, 'notes.txt'), 'of the caller');
		if (list !== null) {
			const text = await readFile(join(folder, list), 'utf8');
			await appendFile(join(folder, list), text.slice(0, text.indexOf('\n') + 1));
			const [found, ...more] = (await verifyDataset(folder)).damage;
			t.is(found?.file, list);
			t.regex(found?.detail ?? '', /^it has \d+ bytes, not \d+$/);
			t.deepEqual(more, []);
			await writeFile(join(folder, list), text);
		}
		t.deepEqual((await verifyDataset(folder)).damage, []);
	});
}

withFfmpeg('a manifest that was changed is not believed, whatever was changed', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const folder = join(await temporaryDirectory(t), 'shards');
	await archive.exportPictures(all, folder, { layout: 'webdataset', select: 'keyframes' });
	const path = join(folder, 'manifest.jsonl');
	const text = await readFile(path, 'utf8');
	const lines = text.split('\n');
	for (const [changed, message] of [
		[text.replace('"pictures":6', '"pictures":7'), /it was changed after it was written$/],
		[`${text}${lines[1]}\n`, /it was changed after it was written$/],
		[`${text}{`, /it was changed after it was written$/],
		[lines.toSpliced(2, 1).join('\n'), /it was changed after it was written$/],
		[lines.slice(0, -2).join('\n'), /its last line is missing$/],
		[lines.slice(1).join('\n'), /its first line is not that of a `kvs-archive pictures 1`$/],
		[text.replace('door-000000.tar', '../000000.tar'), /its line \d+ is invalid$/],
		[text.replace('"status":"delivered"', '"status":"lost"'), /its line 2 is invalid$/],
		[lines.toSpliced(1, 0, '{"type":').join('\n'), /its line 2 is not JSON: /],
		['', /its first line/],
	] as const) {
		t.not(changed, text);
		await writeFile(path, changed);
		await t.throwsAsync(verifyDataset(folder), { code: 'KVS_MANIFEST_INVALID', message });
	}
	await rm(path);
	await t.throwsAsync(verifyDataset(folder), {
		code: 'KVS_MANIFEST_MISSING',
		message: `cannot check \`${folder}\`: there is no \`manifest.jsonl\` in it, nor a list of recordings`,
	});
	await writeFile(join(folder, '.pictures.request'), '{}');
	await t.throwsAsync(verifyDataset(folder), {
		code: 'KVS_MANIFEST_MISSING',
		message: /its export is not finished; /,
	});
});
