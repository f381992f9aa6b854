import test from 'ava';
import type { Clock, Frame } from 'kvs-archive';
import { master, unsigned } from '#lib/ebml/ebml-writer.js';
import { fragmentDocument, fragmentNumber, frameBlock, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import {
	clockAt,
	deliver,
	demux,
	exception,
	FRAMES,
	failures,
	frameTexts,
	media,
	reset,
	whole,
} from './scripted-batch.js';

test('an unsupported fragment fails at once, and the others are delivered', async (t) => {
	const encoding = master('ContentEncoding', [
		master('ContentCompression', [unsigned('ContentCompAlgo', 1)]),
	]);
	const track = trackEntry(1, 'video', 'V_TEST', [master('ContentEncodings', [encoding])]);
	const deliverOne = (index: number): Buffer =>
		index === 2
			? fragmentDocument({ number: fragmentNumber(2), producerMs: startMs + 4000, tracks: [track] })
			: media(index);
	const { events, asked } = await demux(3, (indexes) => whole(...indexes.map(deliverOne)));
	t.deepEqual(asked, [[1, 2, 3], [3]]);
	const ends = events.filter((event) => event.type === 'fragment-end');
	t.deepEqual(
		ends.map(({ complete }) => complete),
		[true, false, true],
	);
	const failure = events.find((event) => event.type === 'fragment-failure');
	t.like(failure, { fragmentNumber: fragmentNumber(2), name: 'UNSUPPORTED', retryable: false });
	t.regex(failure?.message ?? '', /track 1 is compressed with bzlib/);
});

test('a fragment that the service fails does not cost those after it their attempts', async (t) => {
	const run = await demux(
		3,
		(asked, nth) => {
			if (nth === 1 || nth === 3 || nth === 4) return reset();
			return asked.includes(1) ? whole(exception(1, 5000)) : deliver(asked);
		},
		{ resume: { attempts: 3 } },
	);
	t.deepEqual(
		failures(run.events).map(({ fragmentNumber: number, code }) => [number, code]),
		[[fragmentNumber(1), 5000]],
	);
	t.deepEqual(run.asked, [...Array(3).fill([1, 2, 3]), ...Array(3).fill([2, 3])]);
});

test('a fragment that fails has the exception that an earlier response gave for it', async (t) => {
	const run = await demux(2, (_, nth) => (nth === 0 ? whole(media(1), exception(2, 4503)) : reset()), {
		resume: { attempts: 3 },
	});
	t.deepEqual(
		failures(run.events).map(({ fragmentNumber: number, code }) => [number, code]),
		[[fragmentNumber(2), 4503]],
	);
});

test('an old fragment that the service does not find fails at once', async (t) => {
	const clock = clockAt(startMs + 86_400_000);
	const { events, asked } = await demux(
		3,
		(indexes) => (indexes[0] === 1 ? whole(media(1), exception(2, 3000), media(3)) : deliver(indexes)),
		{ clock },
	);
	t.like(failures(events)[0], { fragmentNumber: fragmentNumber(2), code: 3000, index: null });
	t.is(failures(events).length, 1);
	t.deepEqual(
		events.filter(({ type }) => type === 'fragment').map((event) => (event as { index: number }).index),
		[0, 1],
	);
	t.is(asked.length, 1);
});

test('an exception that cannot be retried is a failure in its place, and the rest is delivered', async (t) => {
	const { events, asked } = await demux(3, (indexes) =>
		indexes.includes(2) ? whole(media(1), exception(2, 4500)) : deliver(indexes),
	);
	t.is(
		events
			.map(({ type }) => type)
			.filter((type) => type !== 'frame')
			.join(' '),
		'fragment fragment-end fragment-failure gap fragment fragment-end',
	);
	t.deepEqual(asked, [[1, 2, 3], [3]]);
});

test('attempts are counted for each fragment, not for its batch', async (t) => {
	const { events } = await demux(
		3,
		(indexes) =>
			indexes.includes(2)
				? whole(...(indexes.includes(1) ? [media(1)] : []), exception(2, 5000))
				: deliver(indexes),
		{
			resume: { attempts: 3 },
		},
	);
	t.deepEqual(
		failures(events).map(({ code, fragmentNumber: number }) => [code, number]),
		[[5000, fragmentNumber(2)]],
	);
	t.is(frameTexts(events).length, 2 * FRAMES);
});

test('a fragment that never arrives whole fails after the frames that arrived, and its neighbours are delivered', async (t) => {
	const cut = media(2).subarray(0, -5);
	const { events, asked } = await demux(
		3,
		(indexes) =>
			indexes.includes(2) ? reset(...indexes.filter((index) => index < 2).map(media), cut) : deliver(indexes),
		{ resume: { attempts: 3 } },
	);
	t.is(asked.length, 5);
	const [failure] = failures(events);
	t.like(failure, { fragmentNumber: fragmentNumber(2), index: 1, name: 'TRUNCATED', retryable: true });
	t.true(failure?.message.includes('ECONNRESET'), failure?.message);
	const end = events.find((event) => event.type === 'fragment-end' && event.index === 1);
	t.like(end, { complete: false, frames: FRAMES - 1, bytes: (FRAMES - 1) * 10 });
	t.is(frameTexts(events).length, 3 * FRAMES - 1);
	t.is(events.at(-1)?.type, 'fragment-end');
});

test('fragments that never come are missing, each in its place', async (t) => {
	const { events } = await demux(4, (indexes) => deliver(indexes.filter((index) => index % 2 === 0)), {
		resume: { attempts: 2 },
	});
	t.deepEqual(
		events
			.filter(({ type }) => type === 'fragment-failure' || type === 'fragment')
			.map((event) => (event as Frame).fragmentNumber),
		[1, 2, 3, 4].map(fragmentNumber),
	);
	t.deepEqual(
		failures(events).map(({ name }) => name),
		['MISSING', 'MISSING'],
	);
});

test('malformed media costs its fragment, once the tries are spent', async (t) => {
	const broken = Buffer.concat([media(2), Buffer.alloc(20)]);
	const { events } = await demux(
		3,
		(indexes) => whole(...indexes.map((index) => (index === 2 ? broken : media(index)))),
		{ resume: { attempts: 2 } },
	);
	t.is(frameTexts(events).length >= 2 * FRAMES, true);
	t.true(events.some((event) => event.type === 'fragment' && event.fragmentNumber === fragmentNumber(3)));
});

test('media that changed between two readings is a failure', async (t) => {
	const other = fragmentDocument({
		number: fragmentNumber(1),
		producerMs: startMs + 2000,
		blocks: [
			frameBlock(7, { keyframe: true }),
			{ ...frameBlock(8), data: Buffer.from('longer than before') },
		],
	});
	const { events } = await demux(
		1,
		(_, nth) => (nth === 0 ? reset(media(1).subarray(0, -5)) : whole(other)),
		{ resume: { attempts: 2 } },
	);
	t.like(failures(events)[0], { index: 0, name: 'CHANGED' });
	t.is(events.at(-1)?.type, 'fragment-end');
	t.false((events.at(-1) as { complete: boolean }).complete);
});

test('a batch that brings nothing for too long times out as a whole', async (t) => {
	let nowMs = startMs;
	const clock: Clock = {
		now: () => nowMs,
		sleep: async (ms) => {
			nowMs += ms;
		},
	};
	const { events, asked } = await demux(50, () => whole(), {
		clock,
		random: () => 1,
		resume: { attempts: 1000, totalMs: 1000, baseDelayMs: 400, maxDelayMs: 400 },
	});
	t.is(failures(events).length, 50);
	t.is(asked.length, 4);
});
