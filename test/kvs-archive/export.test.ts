import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Frame } from 'kvs-archive';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import { between } from '../helpers/media/range.js';
import { sample, testWith } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { twice, videoAndAudio } from './made-recordings.js';

const all = between(-60_000, 3_600_000);

async function payloadsOf(file: string): Promise<{ digest: string; frames: Frame[] }> {
	const frames = await matroskaFrames(file);
	const hash = createHash('sha256');
	for (const { data } of frames) hash.update(data);
	return { digest: hash.digest('hex'), frames };
}

testWith('output_get_media.mkv')(
	'a real capture goes in and comes out as one file, every frame byte for byte',
	async (t) => {
		const path = sample('output_get_media.mkv');
		const { endpoint } = await startArchive(t, { door: path });
		const archive = openArchive(t, endpoint);
		const range = { from: new Date('2017-11-28T00:00:00Z'), to: new Date('2017-11-29T00:00:00Z') };
		const file = join(await temporaryDirectory(t), 'out.mkv');
		const summary = await archive.export(range, file);
		t.like(summary, {
			fragments: 5,
			delivered: 5,
			failed: 0,
			missing: 0,
			frames: 300,
			bytes: 2_494_505,
			gaps: 0,
			file,
		});
		const { digest, frames } = await payloadsOf(file);
		t.is(digest, 'e9fbb6b8f8b697d1a2e961992408151af50b7f22893b7c7a3ad5089a25283472');
		t.is(frames.length, 300);
		const again = join(await temporaryDirectory(t), 'again.mkv');
		await archive.export(range, again);
		t.true((await readFile(again)).equals(await readFile(file)));
	},
);

testWith('vogels_480.mkv')('video and audio survive ingest and export whole, with their times', async (t) => {
	const path = sample('vogels_480.mkv');
	const { endpoint } = await startArchive(t, { door: path });
	const file = join(await temporaryDirectory(t), 'out.mkv');
	await openArchive(t, endpoint).export(all, file);
	const [before, after] = await Promise.all([payloadsOf(path), payloadsOf(file)]);
	t.is(after.digest, before.digest);
	t.is(after.frames.filter(({ track }) => track.type === 'video').length, 909);
	t.is(after.frames.filter(({ track }) => track.type === 'audio').length, 1425);
	for (const [index, frame] of after.frames.entries()) {
		const expected = before.frames[index] as Frame;
		t.is(frame.track.number, expected.track.number);
		t.is(frame.keyframe, expected.keyframe);
		t.true(Math.abs(Number(frame.timecodeNs - expected.timecodeNs)) <= 1e6);
	}
});

test('an export begins at the last key frame at or before `from`, its audio at the same time', async (t) => {
	const { endpoint } = await startArchive(t, { door: videoAndAudio() });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const summary = await archive.export(between(6500, 9000), file);
	t.like(summary, { fragments: 2, delivered: 2, failed: 0, missing: 0, frames: 150 + 60 });
	const { frames } = await payloadsOf(file);
	const times = (type: string): number[] =>
		frames
			.filter(({ track }) => track.type === type)
			.map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));
	t.true(frames[0]?.keyframe);
	t.is(frames[0]?.track.type, 'video');
	t.is(times('video')[0], 0);
	t.is(times('video').length, 50 + 100);
	t.is(times('audio')[0], 0);
	t.is(times('video').at(-1), 5960);
	const without = await archive.export(between(6500, 9000), file, { padStart: false });
	t.like(without, { fragments: 1, delivered: 1, frames: 140 });
});

test('an export has duplicates one after the other, or the newest alone', async (t) => {
	const { endpoint } = await startArchive(t, { door: twice() });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const written = async (options = {}): Promise<[string, number][]> => {
		await archive.export(all, file, options);
		return (await payloadsOf(file)).frames.map(({ data, timecodeNs }) => [
			Buffer.from(data).toString(),
			Number(timecodeNs / 1_000_000n),
		]);
	};
	t.deepEqual(await written({ duplicates: 'keep-newest' }), [
		['frame-0002', 0],
		['frame-0012', 1000],
		['frame-0003', 2000],
		['frame-0013', 3000],
	]);
	t.deepEqual(
		(await written()).map(([name]) => name),
		[
			'frame-0000',
			'frame-0010',
			'frame-0002',
			'frame-0012',
			'frame-0001',
			'frame-0011',
			'frame-0003',
			'frame-0013',
		],
	);
});
