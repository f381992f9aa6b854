import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ExportOptions, ExportSummary } from 'kvs-archive';
import { summaryLines } from '#lib/cli/commands/export.js';
import { type PcmFragment, pcmRecording, secondOfPcm } from '../helpers/media/pcm.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const HOUR_MS = 3_600_000;

/** Exports all that was recorded at these times, a second each; returns the summary and what stands in the directory. */
async function exported(
	t: ExecutionContext,
	name: string,
	fragments: readonly PcmFragment[],
	options: ExportOptions = {},
): Promise<{ summary: ExportSummary; names: string[]; bytes: number }> {
	const { endpoint } = await startArchive(t, { door: pcmRecording(fragments) });
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	const range = { from: new Date(0), to: new Date(startMs + 1000 * HOUR_MS), by: 'producer' } as const;
	const summary = await archive.export(range, join(directory, name), { manifest: false, ...options });
	const names = (await readdir(directory)).sort();
	const sizes = await Promise.all(names.map(async (file) => (await stat(join(directory, file))).size));
	return { summary, names, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

const jumps = { '80 hours': 80 * HOUR_MS, '56 years': startMs } as const;
for (const [title, jumpMs] of Object.entries(jumps)) {
	const fragments = [startMs - jumpMs, startMs, startMs + 1000].map((ms) => secondOfPcm(ms, 0));
	for (const [name, gaps] of [
		['x.wav', 'keep'],
		['x.wav', 'fill'],
		['x.mkv', 'fill'],
		['x.mp4', 'fill'],
		['x.mov', 'fill'],
	] as const) {
		test(`a clock that jumps by ${title} begins a new file where it would be filled: ${name}, ${gaps}`, async (t) => {
			const { summary, names, bytes } = await exported(t, name, fragments, { gaps });
			const [stem, ending] = name.split('.');
			t.deepEqual(names, [`${stem}-001.${ending}`, `${stem}-002.${ending}`]);
			t.deepEqual(
				summary.files.map(({ durationMs }) => durationMs),
				[1000, 2000],
			);
			t.is(summary.files[1]?.cut?.reason, 'gap');
			t.regex(summary.files[1]?.cut?.detail ?? '', /nothing was recorded for \d+\.\d hours after 1\.000 s/);
			t.true(bytes < 100_000, String(bytes));
		});
	}

	for (const [name, gaps, faststart] of [
		['x.wav', 'close', false],
		['x.mkv', 'close', false],
		['x.mp4', 'close', false],
		['x.mp4', 'close', true],
		['x.mkv', 'keep', false],
		['x.mp4', 'keep', false],
		['x.mov', 'keep', false],
	] as const) {
		test(`a clock that jumps by ${title} is one file where nothing is filled: ${name}, ${gaps}, faststart ${faststart}`, async (t) => {
			const { summary, names, bytes } = await exported(t, name, fragments, { gaps, faststart });
			t.deepEqual(names, [name]);
			t.is(summary.files[0]?.durationMs, gaps === 'close' ? 3000 : jumpMs + 2000);
			t.true(bytes < 100_000, String(bytes));
		});
	}
}

test('a gap of an hour is filled in one file', async (t) => {
	const fragments = [startMs, startMs + HOUR_MS].map((ms) => secondOfPcm(ms, 0));
	const { names, bytes } = await exported(t, 'x.wav', fragments);
	t.deepEqual(names, ['x.wav']);
	t.is(bytes, 80 + 16_000 * 3601);
});

test('gaps that are longer than the media are a reason to hint at --gaps close', async (t) => {
	const fragments = [startMs, startMs + 60_000].map((ms) => secondOfPcm(ms, 0));
	const { summary } = await exported(t, 'x.mkv', fragments);
	t.is(summary.mergedGapMs, 59_000);
	t.deepEqual(summaryLines(summary, 'keep').slice(1), [
		'  gaps are longer (59.0 s) than the media (2.0 s): --gaps close leaves them out',
	]);
	const closed = await exported(t, 'x.mkv', fragments, { gaps: 'close' });
	t.is(summaryLines(closed.summary, 'close').length, 1);
	const short = await exported(t, 'x.mkv', [secondOfPcm(startMs, 0), secondOfPcm(startMs + 1500, 0)]);
	t.is(summaryLines(short.summary).length, 1);
});

test('a frame with a wrong time is reported, also by a finished export', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: pcmRecording([
			secondOfPcm(startMs, 0),
			secondOfPcm(startMs + 1000, 0, { 25: 31_000 }),
			secondOfPcm(startMs + 2000, 0),
		]),
	});
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const range = between(0, HOUR_MS);
	const summary = await archive.export(range, file);
	t.is(summary.gaps, 0);
	t.is(summary.files[0]?.durationMs, 3000);
	t.deepEqual(
		summary.notices.map(({ message }) => message),
		[
			'a frame of track 1 has an implausible timestamp, 2026-01-31T00:00:32.000Z; it was written between its neighbours',
		],
	);
	const again = await archive.export(range, file);
	t.true(again.verified);
	t.deepEqual(again.notices, summary.notices);
});
