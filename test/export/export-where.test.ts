import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { readManifest, verifyExport } from 'kvs-archive';
import { WhereFilter } from '#lib/frames/where-filter.js';
import type { RunEvent } from '#lib/model/media-event.js';
import { collect } from '../helpers/collect.js';
import { openSink, plainRequest } from '../helpers/files/export-run.js';
import { asked, stopHalfWay } from '../helpers/files/stopped-export.js';
import { callsRecording } from '../helpers/media/calls.js';
import { fragmentNumber } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 1_200_000);
const where = { Call: 'a' };

/** Calls in turns: of each four fragments three are of another one. */
const interleaved = callsRecording(Array.from({ length: 300 }, (_, index) => (index % 4 === 0 ? 'a' : 'b')));

test('an export of one call has only its fragments, and its manifest lists those left out', async (t) => {
	const { endpoint } = await startArchive(t, { door: callsRecording(['b', 'a', 'b', 'a', null, 'b']) });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const summary = await archive.export(range, file, { where });
	t.like(summary, { fragments: 6, delivered: 2, skipped: 4, frames: 4, gaps: 0, isComplete: true });
	// From the first frame of the call to the end of its last one; what another call fills stays as long as it was.
	t.deepEqual(
		summary.files.map(({ durationMs }) => durationMs),
		[6000],
	);
	t.like(summary.merged, { gap: 0 });
	const manifest = await readManifest(file);
	t.deepEqual(manifest?.request.where, where);
	t.deepEqual(
		manifest?.fragments.map(({ status, frames }) => `${status} ${frames}`),
		['skipped 0', 'delivered 2', 'skipped 0', 'delivered 2', 'skipped 0', 'skipped 0'],
	);
	t.is(manifest?.fragments[0]?.fragmentNumber, fragmentNumber(1));
	if (manifest !== null) t.deepEqual((await verifyExport(file, manifest)).damage, []);
	// The same export is finished, and one of another call is another export.
	t.like(await archive.export(range, file, { where: { ...where } }), {
		verified: true,
		skipped: 4,
		fragments: 6,
	});
	t.like(await archive.export(range, file, { where: { Call: 'b' } }), {
		verified: false,
		delivered: 3,
		skipped: 3,
	});
	t.like(await archive.export(range, file), { verified: false, delivered: 6, skipped: 0 });
});

test('a stopped export of one call is resumed without requesting again what it has read', async (t) => {
	const served = await startArchive(t, { door: interleaved });
	const archive = openArchive(t, served.endpoint);
	const directory = await temporaryDirectory(t);
	const whole = join(directory, 'whole.mkv');
	await archive.export(range, whole, { where });
	const file = join(directory, 'x.mkv');
	await stopHalfWay(t, archive, range, file, { where });
	const before = asked(served);
	const summary = await archive.export(range, file, { where });
	t.true(summary.resumed > 15 && summary.resumed < 300, `${summary.resumed}`);
	t.is(asked(served) - before, 300 - summary.resumed);
	t.like(summary, { fragments: 300, delivered: 75, skipped: 225, frames: 150, gaps: 0, failures: [] });
	t.deepEqual(await readFile(file), await readFile(whole));
	const [resumed, atOnce] = await Promise.all([readManifest(file), readManifest(whole)]);
	t.deepEqual(resumed?.fragments, atOnce?.fragments);
	t.deepEqual(resumed?.summary, atOnce?.summary);
});

test('an export stopped after any fragment, left out or not, resumes with the same bytes', async (t) => {
	const media = callsRecording(['a', 'b', 'b', 'a', 'b', 'a', 'b']);
	const { endpoint } = await startArchive(t, { door: media });
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	const { from, to, by } = plainRequest;
	const request = { ...plainRequest, where };
	const whole = join(directory, 'whole.mkv');
	await archive.export({ from, to, by }, whole, { where });
	const all = await collect(archive.events({ from, to, by }));
	const filter = new WhereFilter(where);
	const events = (await Readable.from([all]).compose(filter).toArray()).flat() as RunEvent[];
	const ends = events.flatMap(({ type }, index) =>
		type === 'fragment-end' || type === 'fragment-skipped' ? [index + 1] : [],
	);
	t.is(ends.length, 7);
	for (const [count, end] of ends.entries()) {
		const file = join(directory, `stopped-${count}.mkv`);
		const { sink } = await openSink(file, request);
		for (const event of events.slice(0, end)) await new Promise((resolve) => sink.write(event, resolve));
		sink.on('error', () => {});
		sink.destroy(new Error('stopped'));
		await new Promise((resolve) => sink.once('close', resolve));
		const summary = await archive.export({ from, to, by }, file, { where });
		t.like(summary, { resumed: count + 1, delivered: 3, skipped: 4, frames: 6, gaps: 0 });
		t.deepEqual(await readFile(file), await readFile(whole), String(count));
	}
});

test('an export with a function as `where` is neither resumed nor taken for finished', async (t) => {
	const served = await startArchive(t, { door: interleaved });
	const archive = openArchive(t, served.endpoint);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const isOfCall = { where: (fragment: { tag(name: string): unknown }) => fragment.tag('Call') === 'a' };
	await stopHalfWay(t, archive, range, file, isOfCall);
	t.deepEqual(await readdir(directory), []);
	for (const _ of ['first', 'second']) {
		const summary = await archive.export(range, file, isOfCall);
		t.like(summary, { verified: false, resumed: 0, discarded: 0, delivered: 75, skipped: 225 });
	}
	t.is((await readManifest(file))?.request.where, 'function');
});

test('an export that leaves out every fragment is an error that says why', async (t) => {
	const { endpoint } = await startArchive(t, { door: callsRecording(['a', 'b', null]) });
	const directory = await temporaryDirectory(t);
	await t.throwsAsync(
		openArchive(t, endpoint).export(range, join(directory, 'x.mkv'), { where: { Call: 'c' } }),
		{
			code: 'KVS_EMPTY_RANGE',
			message:
				'nothing to write to `x.mkv`: there are no frames in the range, but for 3 fragments that the option `where` leaves out',
		},
	);
	t.deepEqual(await readdir(directory), []);
});

test('time that no fragment covers is a gap of the call, at which files are split or closed up', async (t) => {
	const pause = callsRecording(['a', 'b'], { stepMs: 2000 });
	const { endpoint } = await startArchive(t, {
		door: pause,
		far: callsRecording(['a', 'b', 'a'], { stepMs: 5000 }),
	});
	const archive = openArchive(t, endpoint, { streamName: 'far' });
	const directory = await temporaryDirectory(t);
	const split = await archive.export(range, join(directory, 's.mkv'), { where, split: 'gap' });
	t.deepEqual(
		split.files.map(({ durationMs }) => durationMs),
		[2000, 2000],
	);
	const closed = await archive.export(range, join(directory, 'c.mkv'), { where, gaps: 'close' });
	t.deepEqual([closed.files[0]?.durationMs, closed.merged.gap, closed.mergedGapMs], [4000, 1, 8000]);
	const kept = await archive.export(range, join(directory, 'k.mkv'), { where });
	t.is(kept.files[0]?.durationMs, 12_000);
});
