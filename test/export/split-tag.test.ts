import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { type ExportSummary, readManifest, type SplitRule, verifyExport } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { openSink, plainRequest } from '../helpers/files/export-run.js';
import { callsRecording } from '../helpers/media/calls.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 60_000);
const split: SplitRule = { tag: 'Call' };

/** Name, value of the tag, frames, and why it was begun. */
function filesOf({ files }: Pick<ExportSummary, 'files'>): string[] {
	return files.map(
		({ file, tag, frames, cut }) =>
			`${basename(file)} ${tag?.name}=${tag?.value} ${frames}${cut === null ? '' : ` ${cut.reason}: ${cut.detail}`}`,
	);
}

test('a file begins where the value of the tag changes, and fragments without the tag have their own', async (t) => {
	const { endpoint } = await startArchive(t, { door: callsRecording(['a', 'a', 'b', null, null, 'b', 'a']) });
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const summary = await archive.export(range, file, { split });
	t.deepEqual(filesOf(summary), [
		'x-001.mkv Call=a 4',
		'x-002.mkv Call=b 2 tag: Call is `b`, not `a`',
		'x-003.mkv Call=null 4 tag: Call is absent, not `b`',
		'x-004.mkv Call=b 2 tag: Call is `b`, not absent',
		'x-005.mkv Call=a 2 tag: Call is `a`, not `b`',
	]);
	t.like(summary, { delivered: 7, skipped: 0, gaps: 0 });
	const manifest = await readManifest(file);
	t.deepEqual(
		manifest?.files.map(({ tag }) => tag?.value),
		['a', 'b', null, 'b', 'a'],
	);
	if (manifest !== null) t.deepEqual((await verifyExport(file, manifest)).damage, []);
	t.like(await archive.export(range, file, { split }), { verified: true });
	t.deepEqual((await readdir(directory)).toSorted(), [
		'x-001.mkv',
		'x-002.mkv',
		'x-003.mkv',
		'x-004.mkv',
		'x-005.mkv',
		'x.mkv.json',
	]);
});

test('with other rules and `where`, a file begins for whichever comes first', async (t) => {
	const { endpoint } = await startArchive(t, { door: callsRecording(['a', 'a', 'b', 'a', 'a', 'a']) });
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	const both = await archive.export(range, join(directory, 'x.mkv'), { split: [split, { everyMs: 4000 }] });
	t.deepEqual(
		both.files.map(({ frames, tag, cut }) => [frames, tag?.value, cut?.reason ?? null]),
		[
			[4, 'a', null],
			[2, 'b', 'tag'],
			[4, 'a', 'tag'],
			[2, 'a', 'duration'],
		],
	);
	const one = await archive.export(range, join(directory, 'y.mkv'), { split, where: { Call: 'a' } });
	t.deepEqual(filesOf(one), ['y-001.mkv Call=a 10']);
});

test('an export stopped in any fragment resumes in the files of the same tags', async (t) => {
	const media = callsRecording(['a', 'b', 'b', null, 'a']);
	const request = { ...plainRequest, split: [split] };
	const directory = await temporaryDirectory(t);
	const { endpoint } = await startArchive(t, { door: media });
	const archive = openArchive(t, endpoint);
	const { from, to, by } = request;
	const events = await collect(archive.events({ from, to, by }, { where: {} }));
	const ends = events.flatMap((event, index) => (event.type === 'fragment-end' ? [index + 1] : []));
	const whole = await archive.export({ from, to, by }, join(directory, 'whole.mkv'), { split });
	for (const [count, end] of ends.entries()) {
		const file = join(directory, `stopped-${count}.mkv`);
		const { sink } = await openSink(file, request);
		for (const event of events.slice(0, end)) await new Promise((resolve) => sink.write(event, resolve));
		sink.destroy(new Error('stopped'));
		sink.on('error', () => {});
		await new Promise((resolve) => sink.once('close', resolve));
		const summary = await archive.export({ from, to, by }, file, { split });
		t.is(summary.resumed, count + 1);
		t.deepEqual(
			filesOf(summary).map((line) => line.replace(`stopped-${count}`, 'whole')),
			filesOf(whole),
		);
		for (const [index, { file: part }] of summary.files.entries()) {
			t.deepEqual(await readFile(part), await readFile(whole.files[index]?.file ?? ''));
		}
	}
});

test('rules that name no tag, or two, are refused', async (t) => {
	const archive = openArchive(t, 'http://127.0.0.1:9');
	for (const wrong of [
		[{ tag: '' }],
		[{ tag: 1 }],
		[split, { tag: 'Other' }],
		[{ tag: 'a', everyMs: 1 }],
		[null],
	]) {
		await t.throwsAsync(archive.export(range, 'never-written.mkv', { split: wrong as SplitRule[] }), {
			code: 'KVS_INVALID_OPTION',
			message: /^expected `split` to be .* or one \{ tag \} with a name, got /,
		});
	}
});
