import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { readManifest, verifyExport } from 'kvs-archive';
import { asked, stopHalfWay } from '../helpers/files/stopped-export.js';
import { fragmentDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

test('an export that was stopped is resumed, and requests only what is missing', async (t) => {
	const served = await startArchive(t, { door: recording(300) });
	const directory = await temporaryDirectory(t);
	const whole = join(directory, 'whole.mkv');
	await openArchive(t, served.endpoint).export(range, whole);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, range, file);
	t.deepEqual(
		(await readdir(directory)).filter((name) => name.startsWith('.')),
		['.x-001.mkv.part', '.x.mkv.journal.part'],
	);
	const before = asked(served);
	const summary = await archive.export(range, file);
	t.true(summary.resumed > 15 && summary.resumed < 300, `${summary.resumed}`);
	t.is(asked(served) - before, 300 - summary.resumed);
	t.like(summary, { fragments: 300, delivered: 300, frames: 600, bytes: 6000, verified: false });
	t.deepEqual(await readFile(file), await readFile(whole));
	const {
		request: _,
		sha256: own,
		...manifest
	} = (await readManifest(file)) ?? { request: null, sha256: '' };
	const {
		request: __,
		sha256: others,
		...expected
	} = (await readManifest(whole)) ?? { request: null, sha256: '' };
	const text = JSON.stringify(expected).replaceAll('whole.mkv', 'x.mkv');
	t.true(JSON.stringify(manifest) === text);
	t.not(own, others);
});

test('a manifest with one changed bit is rejected, and the export is made again', async (t) => {
	const served = await startArchive(t, { door: recording(3) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await archive.export(range, file);
	t.true((await archive.export(range, file)).verified);
	const path = `${file}.json`;
	const right = await readFile(path);
	// A time, a count, the checksum itself, its name, and the line feed at the end.
	const places = ['"producerTimestamp":"2026', '"bytes":', '"sha256":"', '],"sha256"', '}\n'].map((text) => {
		return right.lastIndexOf(text) + text.length - 1;
	});
	for (const at of places) {
		const damaged = Buffer.from(right);
		damaged[at] = (damaged[at] as number) ^ 1;
		await writeFile(path, damaged);
		t.false((await archive.export(range, file)).verified, `byte ${at}`);
		t.true((await readFile(path)).equals(right), `byte ${at}`);
	}
});

test('a call with other options starts over, and reports what it discarded', async (t) => {
	const served = await startArchive(t, { door: recording(200) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, range, file);
	const { resumed, discarded, delivered } = await archive.export(range, file, { gaps: 'close' });
	t.true(discarded > 15 && discarded <= 200, `${discarded}`);
	t.deepEqual([resumed, delivered], [0, 200]);
	t.deepEqual((await readdir(dirname(file))).sort(), ['x.mkv', 'x.mkv.json']);
});

test('a fragment added before the written ones restarts the export', async (t) => {
	const served = await startArchive(t, { door: recording(200, { stepMs: 4000 }) });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, range, file);
	const late = join(directory, 'late.mkv');
	await writeFile(late, fragmentDocument({ number: fragmentNumber(900), producerMs: startMs + 2000 }));
	await served.server.archive.ingest('door', late);
	const summary = await archive.export(range, file);
	t.like(summary, { fragments: 201, delivered: 201, resumed: 0 });
	t.true(summary.discarded > 15, `${summary.discarded}`);
	await archive.export(range, join(directory, 'y.mkv'));
	t.deepEqual(await readFile(file), await readFile(join(directory, 'y.mkv')));
});

test('a finished export is left as it is, unless the range has grown', async (t) => {
	const served = await startArchive(t, { door: recording(5) });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const ingest = async (name: string, number: number, producerMs: number): Promise<void> => {
		const more = join(directory, name);
		await writeFile(more, fragmentDocument({ number: fragmentNumber(number), producerMs }));
		await served.server.archive.ingest('door', more);
	};
	for (const [index, by] of (['producer', 'server'] as const).entries()) {
		// Of a range that ended long ago, and of one that is open.
		for (const [turn, to] of [startMs + 800_000, Date.now() + 3_600_000].entries()) {
			const count = 5 + 2 * index + turn;
			const asked_ = { from: new Date(startMs), to: new Date(to), by };
			t.like(await archive.export(asked_, file), { fragments: count, verified: false });
			const before = asked(served);
			t.like(await archive.export(asked_, file), { fragments: count, verified: true, calls: 0 });
			t.is(asked(served), before);
			await ingest(`${count}.mkv`, 900 + count, startMs + 60_000 + 2000 * count);
			t.like(await archive.export(asked_, file), { fragments: count + 1, verified: false });
		}
	}
});

test('of duplicates, only the newest makes a finished export grow', async (t) => {
	const served = await startArchive(t, {
		door: Buffer.concat([recording(3), recording(3, { firstNumber: 11 })]),
	});
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const options = { duplicates: 'keep-newest' } as const;
	t.like(await archive.export(range, file, options), { fragments: 3, verified: false });
	t.like(await archive.export(range, file, options), { fragments: 3, verified: true });
	const again = join(directory, 'again.mkv');
	await writeFile(again, fragmentDocument({ number: fragmentNumber(21), producerMs: startMs + 2000 }));
	await served.server.archive.ingest('door', again);
	t.like(await archive.export(range, file, options), { fragments: 3, verified: false });
});

test('of two exports into one file at the same time, the second is refused', async (t) => {
	const served = await startArchive(t, { door: recording(5) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const outcomes = await Promise.allSettled([archive.export(range, file), archive.export(range, file)]);
	t.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
	const { reason } = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
	t.regex(reason.message, /cannot write .*x\.mkv`: process \d+ is writing it/);
	t.deepEqual((await verifyExport(file, (await readManifest(file)) as never)).damage, []);
});
