import { Readable } from 'node:stream';
import test from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import type { StartAt } from '#lib/frames/fragment-start.js';
import { RangeTrimmer } from '#lib/frames/range-trimmer.js';
import { FragmentFailureEvent, type Frame, type MediaEvent } from '#lib/model/media-event.js';
import {
	audioTrack,
	type FragmentFixture,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** 25 frames of video a second for 4 s, a key frame each second; beside each fifth an audio frame, which the file has 100 ms ahead. */
const blocks = Array.from({ length: 100 }, (_, index) => [
	frameBlock(index, { keyframe: index % 25 === 0 }),
	...(index % 5 === 0
		? [frameBlock(index, { keyframe: true, trackNumber: 2, relativeTicks: index * 40 + 100 })]
		: []),
]).flat();

/** Fragment 1, 2 … of 4 s each, 4 s apart. */
function media(number: number, fields: Partial<FragmentFixture> = {}): FragmentFixture {
	return {
		number: fragmentNumber(number),
		producerMs: startMs + (number - 1) * 4000,
		tracks: [videoTrack, audioTrack],
		blocks,
		...fields,
	};
}

interface Trimming {
	readonly fromMs: number;
	readonly startAt?: StartAt;
	readonly by?: 'producer' | 'server';
	/** Number of each padded fragment, and whether it is known to reach the range. @default { 1: true } */
	readonly padding?: Readonly<Record<number, boolean>>;
}

async function eventsOf(fragments: readonly FragmentFixture[]): Promise<MediaEvent[]> {
	const payload = Buffer.concat(fragments.map(fragmentDocument));
	return (await Readable.from([payload]).compose(new MkvReader()).toArray()) as MediaEvent[];
}

async function trim(
	events: readonly MediaEvent[],
	{ fromMs, startAt = 'time', by = 'producer', padding = { 1: true } }: Trimming,
): Promise<{ events: MediaEvent[]; dropped: number }> {
	let dropped = 0;
	const trimmer = new RangeTrimmer({
		range: { fromMs: startMs + fromMs, toMs: startMs + 3_600_000, by },
		startAt,
		padding: new Map(
			Object.entries(padding).map(([number, reaches]) => [fragmentNumber(Number(number)), reaches]),
		),
		onDropped: () => {
			dropped++;
		},
	});
	// In batches of any length: what belongs together need not come together.
	const batches: MediaEvent[][] = [];
	for (let start = 0; start < events.length; start += 7) batches.push(events.slice(start, start + 7));
	const out = (await Readable.from(batches).compose(trimmer).toArray()) as MediaEvent[][];
	return { events: out.flat(), dropped };
}

const framesOf = (events: readonly MediaEvent[]): Frame[] =>
	events.filter((event): event is Frame => event.type === 'frame');
const timesOf = (events: readonly MediaEvent[], track: number): number[] =>
	framesOf(events)
		.filter((frame) => frame.track.number === track)
		.map(({ timestampMs }) => (timestampMs as number) - startMs);
/** `fragment`s with their index, and what is in them, in short. */
const grammarOf = (events: readonly MediaEvent[]): string =>
	events
		.map((event) => {
			if (event.type === 'frame') return '.';
			if (event.type === 'gap') return ` ${event.kind} `;
			return ` ${event.type}:${event.index} `;
		})
		.join('')
		.replaceAll(/\.+/g, ' frames ')
		.replaceAll(/ +/g, ' ')
		.trim();

test('by time: frames from `from` on, of every track', async (t) => {
	const { events, dropped } = await trim(await eventsOf([media(1), media(2)]), { fromMs: 2500 });
	t.is(grammarOf(events), 'fragment:0 frames fragment-end:0 fragment:1 frames fragment-end:1');
	t.is(timesOf(events, 1)[0], 2520);
	t.is(timesOf(events, 2)[0], 2500);
	t.is(timesOf(events, 1).length, 37 + 100);
	t.is(dropped, 0);
	const end = events.find(({ type }) => type === 'fragment-end');
	const first = framesOf(events).filter(({ index }) => index === 0);
	t.like(end, { frames: first.length, bytes: first.length * 10, complete: true });
});

test('by key frame: from the last key frame at or before `from`, the other tracks at that time', async (t) => {
	const { events } = await trim(await eventsOf([media(1), media(2)]), { fromMs: 2500, startAt: 'key-frame' });
	t.is(grammarOf(events), 'fragment:0 frames fragment-end:0 fragment:1 frames fragment-end:1');
	t.is(timesOf(events, 1)[0], 2000);
	t.is(timesOf(events, 2)[0], 2100);
	const ahead = await trim(await eventsOf([media(1)]), { fromMs: 2040, startAt: 'key-frame' });
	t.is(framesOf(ahead.events)[0]?.timestampMs, startMs + 2000);
});

test('keeps audio stored before the key frame if its time is not earlier', async (t) => {
	const early = [
		frameBlock(0, { keyframe: true, relativeTicks: 0 }),
		frameBlock(1, { keyframe: true, trackNumber: 2, relativeTicks: 900 }),
		frameBlock(2, { keyframe: true, trackNumber: 2, relativeTicks: 1000 }),
		frameBlock(3, { relativeTicks: 500 }),
		frameBlock(4, { keyframe: true, relativeTicks: 1000 }),
		frameBlock(5, { keyframe: true, trackNumber: 2, relativeTicks: 950 }),
		// Shown before the key frame it comes after, and made from what was cut off.
		frameBlock(6, { relativeTicks: 960 }),
		frameBlock(7, { relativeTicks: 1500 }),
	];
	const { events } = await trim(await eventsOf([media(1, { blocks: early })]), {
		fromMs: 1200,
		startAt: 'key-frame',
	});
	t.deepEqual(
		framesOf(events).map(({ data }) => Buffer.from(data).toString()),
		['frame-0002', 'frame-0004', 'frame-0007'],
	);
});

test('`from` on a key frame begins there', async (t) => {
	for (const startAt of ['time', 'key-frame'] as const) {
		const { events } = await trim(await eventsOf([media(1)]), { fromMs: 2000, startAt });
		t.is(timesOf(events, 1)[0], 2000);
		t.is(timesOf(events, 1).length, 50);
	}
});

test('without video, or without a key frame early enough, it begins at `from`', async (t) => {
	const audio = Array.from({ length: 20 }, (_, index) =>
		frameBlock(index, { keyframe: true, trackNumber: 2, relativeTicks: index * 100 }),
	);
	const late = [frameBlock(0), frameBlock(1), frameBlock(2), frameBlock(3, { keyframe: true })];
	const cases = [
		{ fields: { tracks: [audioTrack], blocks: audio }, fromMs: 1050, expected: [1100, 1200] },
		{ fields: { blocks: audio }, fromMs: 1050, expected: [1100, 1200] },
		{ fields: { blocks: late }, fromMs: 50, expected: [80, 120] },
	];
	for (const { fields, fromMs, expected } of cases) {
		const { events } = await trim(await eventsOf([media(1, fields)]), { fromMs, startAt: 'key-frame' });
		const times = framesOf(events).map(({ timestampMs }) => (timestampMs as number) - startMs);
		t.deepEqual(times.slice(0, 2), expected);
	}
});

test('video that ends before `from` goes with the audio that does not', async (t) => {
	const short = [
		frameBlock(0, { keyframe: true, relativeTicks: 0 }),
		frameBlock(1, { keyframe: true, trackNumber: 2, relativeTicks: 50 }),
		frameBlock(2, { keyframe: true, trackNumber: 2, relativeTicks: 150 }),
	];
	const { events } = await trim(await eventsOf([media(1, { blocks: short })]), {
		fromMs: 100,
		startAt: 'key-frame',
	});
	t.deepEqual([timesOf(events, 1), timesOf(events, 2)], [[0], [50, 150]]);
});

test("on the server's clock the frames' server times are compared", async (t) => {
	const { events } = await trim(await eventsOf([media(1, { serverMs: startMs + 60_000 })]), {
		fromMs: 62_500,
		by: 'server',
	});
	t.is(timesOf(events, 1)[0], 2520);
});

test('a fragment with no frame in the range leaves no events or gaps, and indexes stay consecutive', async (t) => {
	for (const startAt of ['time', 'key-frame'] as const) {
		const fragments = [media(1), media(3), media(4), media(6)];
		const { events, dropped } = await trim(await eventsOf(fragments), { fromMs: 5000, startAt });
		t.is(
			grammarOf(events),
			'fragment:0 frames fragment-end:0 fragment:1 frames fragment-end:1 gap fragment:2 frames fragment-end:2',
		);
		t.is(dropped, 1);
		t.true(framesOf(events).every((frame) => frame.index === frame.fragment.index));
	}
});

test('two padded fragments are trimmed each by itself, the gap between them stays', async (t) => {
	const fragments = [media(1), media(2, { producerMs: startMs + 1000 }), media(3)];
	const { events } = await trim(await eventsOf(fragments), {
		fromMs: 3000,
		startAt: 'key-frame',
		padding: { 1: true, 2: true },
	});
	t.is(
		grammarOf(events),
		'fragment:0 frames fragment-end:0 overlap fragment:1 frames fragment-end:1 gap fragment:2 frames fragment-end:2',
	);
});

function failure(event: MediaEvent | undefined, index: number | null): FragmentFailureEvent {
	return new FragmentFailureEvent({
		index,
		fragmentNumber: (event as { fragmentNumber: string }).fragmentNumber,
		code: null,
		name: index === null ? 'MISSING' : 'TRUNCATED',
		message: 'a test',
		offset: null,
		retryable: true,
		error: null,
	});
}

/** The events of two fragments, the first cut after so many of its frames. */
async function cutAfter(frames: number): Promise<MediaEvent[]> {
	const events = await eventsOf([media(1), media(2)]);
	const end = events.findIndex(({ type }) => type === 'fragment-end');
	return [...events.slice(0, 1 + frames), failure(events[0], 0), ...events.slice(end)];
}

test('a fragment that breaks off inside the range fails where it breaks off', async (t) => {
	for (const startAt of ['time', 'key-frame'] as const) {
		const { events, dropped } = await trim(await cutAfter(110), { fromMs: 2500, startAt });
		t.is(
			grammarOf(events),
			'fragment:0 frames fragment-failure:0 fragment-end:0 fragment:1 frames fragment-end:1',
		);
		t.is(dropped, 0);
	}
});

test('a fragment that breaks off before the range is a failure without a fragment', async (t) => {
	const { events, dropped } = await trim(await cutAfter(20), { fromMs: 2500, startAt: 'key-frame' });
	t.is(grammarOf(events), 'fragment-failure:null fragment:0 frames fragment-end:0');
	t.like(events[0], { fragmentNumber: fragmentNumber(1), name: 'TRUNCATED', retryable: true });
	t.is(dropped, 0);
});

test('the failure of a fragment that may not reach the range does not count', async (t) => {
	const padding = { 1: false };
	const cut = await trim(await cutAfter(20), { fromMs: 3990, padding });
	t.is(grammarOf(cut.events), 'fragment:0 frames fragment-end:0');
	t.is(cut.dropped, 1);
	const events = await eventsOf([media(1), media(2)]);
	const end = events.findIndex(({ type }) => type === 'fragment-end');
	const withoutMedia = [failure(events[0], null), ...events.slice(end + 1)];
	const missing = await trim(withoutMedia, { fromMs: 3990, padding });
	t.is(grammarOf(missing.events), 'fragment:0 frames fragment-end:0');
	t.is(missing.dropped, 1);
	const known = await trim(withoutMedia, { fromMs: 3500 });
	t.is(grammarOf(known.events), 'fragment-failure:null fragment:0 frames fragment-end:0');
	t.is(known.dropped, 0);
});
