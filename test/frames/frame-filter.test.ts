import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { Frame, FrameSelection, MediaEvent } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { FrameFilter } from '#lib/frames/frame-filter.js';
import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** 25 frames of video a second for 4 s, a key frame each second, and an audio frame every 100 ms. */
const payload = fragmentDocument({
	number: fragmentNumber(1),
	producerMs: startMs,
	tracks: [videoTrack, audioTrack],
	blocks: Array.from({ length: 100 }, (_, index) => [
		frameBlock(index, { keyframe: index % 25 === 0 }),
		...(index % 5 === 0
			? [frameBlock(index, { keyframe: true, trackNumber: 2, relativeTicks: index * 20 })]
			: []),
	]).flat(),
});

async function select(selection: FrameSelection): Promise<{ frames: Frame[]; types: string[] }> {
	const frames: Frame[] = [];
	const types: string[] = [];
	const events = async (source: AsyncIterable<MediaEvent>): Promise<void> => {
		for await (const event of source) {
			if (event.type === 'frame') frames.push(event);
			else types.push(event.type);
		}
	};
	await pipeline(Readable.from([payload]), new MkvReader(), new FrameFilter({ select: selection }), events);
	return { frames, types };
}

const videoTimes = (frames: readonly Frame[]): number[] =>
	frames.filter(({ track }) => track.number === 1).map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));

test('keeps all frames', async (t) => {
	t.is((await select('all')).frames.length, 120);
});

test('keeps key frames', async (t) => {
	const { frames, types } = await select('keyframes');
	t.deepEqual(videoTimes(frames), [0, 1000, 2000, 3000]);
	t.deepEqual(types, ['fragment', 'fragment-end']);
});

test('keeps every nth frame of each track', async (t) => {
	const { frames } = await select({ everyNth: 10 });
	t.deepEqual(videoTimes(frames), [0, 400, 800, 1200, 1600, 2000, 2400, 2800, 3200, 3600]);
	t.is(frames.filter(({ track }) => track.number === 2).length, 2);
});

test('keeps a frame every so many milliseconds, on a grid', async (t) => {
	const { frames } = await select({ everyMs: 500 });
	t.deepEqual(videoTimes(frames), [0, 520, 1000, 1520, 2000, 2520, 3000, 3520]);
});

test('an interval shorter than the frames are apart keeps them all', async (t) => {
	t.is(videoTimes((await select({ everyMs: 10 })).frames).length, 100);
});

/** Two frames a second for half a minute, but for those whose times are given. */
async function everyTenSeconds(timesMs: Readonly<Record<number, number>>): Promise<number[]> {
	const blocks = Array.from({ length: 60 }, (_, index) =>
		frameBlock(index, { keyframe: index === 0, relativeTicks: timesMs[index] ?? index * 500 }),
	);
	const document = fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, blocks });
	const kept: number[] = [];
	await pipeline(
		Readable.from([document]),
		new MkvReader(),
		new FrameFilter({ select: { everyMs: 10_000 } }),
		async (events: AsyncIterable<MediaEvent>) => {
			for await (const event of events) {
				if (event.type === 'frame') kept.push(Number(event.timecodeNs / 1_000_000n));
			}
		},
	);
	return kept;
}

test('a few wrong times do not move the grid of everyMs', async (t) => {
	const right = [0, 10_000, 20_000];
	t.deepEqual(await everyTenSeconds({}), right);
	// Those that are due are kept themselves.
	t.deepEqual(await everyTenSeconds({ 2: 31_000 }), [0, 31_000, 10_000, 20_000]);
	t.deepEqual(await everyTenSeconds({ 2: 31_000, 3: 31_500 }), [0, 31_000, 10_000, 20_000]);
	t.deepEqual(await everyTenSeconds({ 30: 5000 }), right);
	t.deepEqual(await everyTenSeconds({ 30: -10_000 }), [0, 10_000, -10_000, 20_000]);
});

test('everyMs begins anew where the clock was set', async (t) => {
	const set = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [at + 30, at * 500 - 30_000]));
	t.deepEqual(await everyTenSeconds(set), [0, 10_000, -30_000, -20_000]);
});

for (const selection of ['some', { everyMs: 0 }, { everyNth: 1.5 }, {}, null]) {
	test(`refuses the invalid selection ${JSON.stringify(selection)}`, (t) => {
		t.throws(() => new FrameFilter({ select: selection as FrameSelection }), { code: 'KVS_INVALID_OPTION' });
	});
}
