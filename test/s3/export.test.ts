import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readManifest, verifyExport } from 'kvs-archive';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { startS3 } from '../helpers/store/s3.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

test('an export into S3 has the same bytes as a local one, in parts, with its manifest, and the next call only verifies it', async (t) => {
	const served = await startArchive(t, { door: recording(10, { frameBytes: 450_000 }) });
	const s3 = await startS3(t);
	const archive = openArchive(t, served.endpoint);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	await archive.export(range, file);
	const place = s3.place('s3://media/a/b/x.mkv');
	const summary = await archive.export(range, place);
	t.like(summary, { file: 's3://media/a/b/x.mkv', manifest: 's3://media/a/b/x.mkv.json', verified: false });
	t.deepEqual(
		summary.files.map((one) => one.file),
		['s3://media/a/b/x.mkv'],
	);
	t.deepEqual(await s3.keys(), ['a/b/x.mkv', 'a/b/x.mkv.json']);
	const { bytes, type } = await s3.object('a/b/x.mkv');
	t.is(type, 'video/x-matroska');
	t.true(bytes.byteLength > 8 * 1024 * 1024, 'it has two parts');
	t.is(
		createHash('sha256').update(bytes).digest('hex'),
		createHash('sha256')
			.update(await readFile(file))
			.digest('hex'),
	);
	t.is((await s3.object('a/b/x.mkv.json')).type, 'application/json');
	t.deepEqual(await readdir(s3.staging), []);

	const before = served.count('GetMediaForFragmentList');
	t.like(await archive.export(range, place), { file: 's3://media/a/b/x.mkv', verified: true, calls: 0 });
	t.is(served.count('GetMediaForFragmentList'), before);
	t.deepEqual(await readdir(s3.staging), []);

	const manifest = await readManifest(place);
	t.deepEqual((await verifyExport(place, manifest as never)).damage, []);
	const changed = Buffer.from(bytes);
	changed[bytes.byteLength - 1_000_000] = (changed[bytes.byteLength - 1_000_000] as number) ^ 1;
	await writeFile(file, changed);
	const folder = await place.open('file');
	await folder.put('x.mkv', file, undefined);
	await folder.close();
	const { damage } = await verifyExport(place, manifest as never);
	t.is(damage.length, 1);
	t.like(damage[0], { file: 'x.mkv', detail: 'its bytes have changed' });
	t.like(await archive.export(range, place), { verified: false, delivered: 10 });
	t.true((await s3.object('a/b/x.mkv')).bytes.equals(bytes));
});

test('several files are objects beside each other, and what the service sent is one', async (t) => {
	const served = await startArchive(t, { door: recording(4) });
	const s3 = await startS3(t);
	const archive = openArchive(t, served.endpoint);
	const directory = await temporaryDirectory(t);
	const split = await archive.export(range, s3.place('s3://media/x.mkv'), { split: { everyMs: 4000 } });
	t.deepEqual(
		split.files.map(({ file }) => file),
		['s3://media/x-001.mkv', 's3://media/x-002.mkv'],
	);
	// The manifest of what is replaced goes with it.
	await archive.export(range, s3.place('s3://media/x.mkv'), { manifest: false });
	const raw = await archive.exportRaw(range, s3.place('s3://media/raw.mkv'));
	await archive.exportRaw(range, join(directory, 'raw.mkv'));
	t.like(raw, { file: 's3://media/raw.mkv', delivered: 4 });
	t.deepEqual((await s3.object('raw.mkv')).bytes, await readFile(join(directory, 'raw.mkv')));
	t.deepEqual(await s3.keys(), ['raw.mkv', 'x-001.mkv', 'x-002.mkv', 'x.mkv']);
	t.deepEqual(await readdir(s3.staging), []);
});
