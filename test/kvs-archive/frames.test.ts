import test from 'ava';
import type { Frame } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { fragmentDocument, fragmentNumber, frameBlock, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { deliveredNumbers, numbers } from './delivered.js';
import { videoAndAudio } from './made-recordings.js';

const all = between(-60_000, 3_600_000);

test('frames are the encoded frames alone, the selected ones', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const frames = await collect(openArchive(t, endpoint).frames(all, { select: 'keyframes' }));
	t.deepEqual(
		frames.map(({ timestampMs, keyframe, fragmentNumber: number }) => [timestampMs, keyframe, number]),
		numbers(10).map((number, index) => [startMs + index * 2000, true, number]),
	);
});

test('a frame knows its server time', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: fragmentDocument({
			number: fragmentNumber(1),
			producerMs: startMs,
			serverMs: startMs + 5250,
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1, { relativeTicks: 40 })],
		}),
	});
	const frames = await collect(openArchive(t, endpoint).frames(all));
	t.deepEqual(
		frames.map(({ serverTimestampMs }) => serverTimestampMs),
		[startMs + 5250, startMs + 5290],
	);
});

const sinceStart = (frames: readonly Frame[], type: string): number[] =>
	frames
		.filter(({ track }) => track.type === type)
		.map(({ timestampMs }) => (timestampMs as number) - startMs);

test('frames begin at `from`, inside the fragment that contains it', async (t) => {
	const { endpoint, requests } = await startArchive(t, { door: videoAndAudio() });
	const archive = openArchive(t, endpoint);
	for (const [range, options] of [
		[between(6500, 9000), {}],
		[between(6500, 9000), { order: 'arrival' }],
		[between(6500, 9000), { strict: true, maxBufferedBytes: 2000 }],
		[between(7500, 10_000, 'server'), {}],
	] as const) {
		const stream = archive.frames(range, options);
		const frames = await collect(stream);
		t.is(Math.min(...sinceStart(frames, 'video')), 6520);
		t.is(Math.min(...sinceStart(frames, 'audio')), 6500);
		t.is(Math.max(...sinceStart(frames, 'video')), 11_960);
		t.is(sinceStart(frames, 'video').length, 37 + 100);
		t.true(frames.every((frame) => frame.index === (frame.fragmentNumber === fragmentNumber(2) ? 0 : 1)));
		t.like(await stream.summary, { fragments: 2, delivered: 2, failed: 0, missing: 0, gaps: 0 });
		t.is((await stream.summary).frames, frames.length);
	}
	// Of all the padding, only the fragment that contains `from` was asked for.
	const asked = requests.flatMap(({ operation, fragments }) =>
		operation === 'GetMediaForFragmentList' ? [fragments] : [],
	);
	t.is(
		asked.reduce((sum, count) => sum + count, 0),
		8,
	);
	const without = await collect(archive.frames(between(6500, 9000), { padStart: false }));
	t.is(sinceStart(without, 'video')[0], 8000);
	const selected = await collect(archive.frames(between(6500, 9000), { select: 'keyframes' }));
	t.deepEqual(sinceStart(selected, 'video'), [7000, 8000, 9000, 10_000, 11_000]);
});

test('a range inside one fragment, and one that begins before everything', async (t) => {
	const { endpoint } = await startArchive(t, { door: videoAndAudio() });
	const archive = openArchive(t, endpoint);
	t.is(sinceStart(await collect(archive.frames(between(19_000, 19_001))), 'video').length, 25);
	t.is(sinceStart(await collect(archive.frames(between(-60_000, 0))), 'video').length, 100);
	const after = archive.frames(between(20_100, 30_000));
	t.deepEqual(await collect(after), []);
	t.like(await after.summary, { fragments: 0, delivered: 0, frames: 0 });
});

test('a range that begins with a fragment has nothing of the one before, on either clock', async (t) => {
	const { endpoint } = await startArchive(t, { door: videoAndAudio() });
	const archive = openArchive(t, endpoint);
	for (const range of [between(4000, 8000), between(5000, 9000, 'server')]) {
		for (const padStart of [true, false]) {
			const stream = archive.events(range, { padStart });
			const events = await collect(stream);
			t.deepEqual(deliveredNumbers(events), [2, 3].map(fragmentNumber));
			t.deepEqual(
				events.flatMap((event) => (event.type === 'fragment-end' ? [[event.index, event.frames]] : [])),
				[
					[0, 140],
					[1, 140],
				],
			);
			t.like(await stream.summary, { fragments: 2, delivered: 2, gaps: 0, frames: 280 });
		}
	}
});
