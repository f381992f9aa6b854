import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Fragment } from 'kvs-archive';
import { GapEvent } from '#lib/model/media-event.js';
import { NEIGHBOURS } from '#lib/timeline/frame-steps.js';
import { SpanCutter } from '#lib/timeline/span-cutter.js';
import type { StoredSpan } from '#lib/timeline/stored-span.js';
import type { TimelineSpan } from '#lib/timeline/timeline-event.js';
import { startMs } from '../helpers/media/range.js';
import { cadence, listed } from './listed.js';

function cut(fragments: readonly Fragment[]): (TimelineSpan | GapEvent)[] {
	const cutter = new SpanCutter();
	const items: (StoredSpan | GapEvent)[] = [];
	for (const fragment of fragments) cutter.push(fragment, items);
	cutter.end(items);
	return items.map((item, index) => (item instanceof GapEvent ? item : item.toEvent(index / 2, null)));
}

/** Fragments of each span, and between them what is there and from when to when. */
function inShort(fragments: readonly Fragment[]): unknown[] {
	return cut(fragments).map((item) =>
		item.type === 'span'
			? item.fragments
			: `${item.kind} ${item.from.getTime() - startMs} ${item.to.getTime() - startMs}`,
	);
}

/** Fragments one after the other, of the given lengths, each so late after the last frame of the one before. */
function after(lengthsMs: readonly number[], lateMs: readonly number[]): Fragment[] {
	let startMs = 0;
	return lengthsMs.map((lengthMs, index) => {
		const fragment = listed(index + 1, startMs, lengthMs);
		startMs += lengthMs + (lateMs[index % lateMs.length] as number);
		return fragment;
	});
}

test('a fragment that one wrong time makes look longer meets the next all the same', (t) => {
	const fragments = cadence(6, { stepMs: 1000, lengthMs: 960 });
	for (const index of [0, 2, 4]) {
		const wrong = fragments.with(index, listed(index + 1, index * 1000, 30_000));
		t.deepEqual(inShort(wrong), [6], String(index));
	}
	// Not where it would not meet the next either.
	t.deepEqual(inShort([...fragments.slice(0, 2), listed(3, 2000, 30_000), listed(4, 5000, 960)]).length, 3);
});

test('two producers at a time overlap, however regular they are', (t) => {
	const [one, two] = [0, 500].map((fromMs) => cadence(4, { stepMs: 1000, lengthMs: 960, fromMs }));
	const both = [...(one ?? []), ...(two ?? [])].sort(
		(a, b) => a.producerTimestamp.getTime() - b.producerTimestamp.getTime(),
	);
	t.is(inShort(both).filter((item) => String(item).startsWith('overlap')).length, 7);
});

test('nothing is listed: there is no span', (t) => {
	t.deepEqual(cut([]), []);
});

test('a span reports its range, fragments, bytes and bitrate', (t) => {
	const fragments = cadence(5, { stepMs: 2000, lengthMs: 1960 });
	t.deepEqual(cut(fragments), [
		{
			type: 'span',
			index: 0,
			from: new Date(startMs),
			to: new Date(startMs + 10_000),
			fragments: 5,
			bytes: 5000,
			bitsPerSecond: 4000,
			firstFragmentNumber: fragments[0]?.fragmentNumber as string,
			lastFragmentNumber: fragments[4]?.fragmentNumber as string,
			serverFrom: new Date(startMs + 1000),
			serverTo: new Date(startMs + 9000),
			tracks: null,
		},
	]);
});

test('a single frame has no known duration', (t) => {
	const [span] = cut([listed(1, 0, 0)]);
	t.like(span, { from: new Date(startMs), to: new Date(startMs), bitsPerSecond: null });
});

test('a steady camera has no gap, whatever its rate and the length of its fragments', (t) => {
	for (const frameMs of [16, 33, 40, 100, 200, 500, 1000, 2000, 5000]) {
		for (const frames of [1, 2, 3, 7, 60]) {
			for (const count of [1, 2, 3, 40]) {
				const fragments = cadence(count, { stepMs: frames * frameMs, lengthMs: (frames - 1) * frameMs });
				t.deepEqual(inShort(fragments), [count], `${frames} frames of ${frameMs} ms`);
			}
		}
	}
});

test('fragments of any number of frames meet', (t) => {
	const frames = [30, 3, 61, 2, 12, 1, 300, 5, 5, 44, 2, 9];
	for (const frameMs of [33, 250, 1000]) {
		t.deepEqual(
			inShort(
				after(
					frames.map((count) => (count - 1) * frameMs),
					[frameMs],
				),
			),
			[12],
		);
	}
});

test('a slow camera may jitter by more than the threshold', (t) => {
	const lateMs = [1000, 900, 1150, 1010, 850, 1000, 1220, 990];
	t.deepEqual(inShort(after(Array(40).fill(9000), lateMs)), [40]);
});

test('a camera may change its rate', (t) => {
	const slow = cadence(20, { stepMs: 2000, lengthMs: 1000 });
	const fast = cadence(20, { stepMs: 2000, lengthMs: 1960, fromMs: 40_000, firstIndex: 21 });
	const slowAgain = cadence(20, { stepMs: 2000, lengthMs: 1000, fromMs: 80_000, firstIndex: 41 });
	t.deepEqual(inShort([...slow, ...fast, ...slowAgain]), [60]);
});

test('audio that reaches over the end of its fragment is not an overlap', (t) => {
	// As ListFragments tells of examples/media/clock.mkv.
	t.deepEqual(
		inShort(
			[1954, 2056, 2050, 2066, 2061, 2056, 2050, 2112].map((lengthMs, index) =>
				listed(index + 1, index * 2000, lengthMs),
			),
		),
		[8],
	);
});

test('a gap ends a span where its last frame ends', (t) => {
	const rest = cadence(5, { stepMs: 2000, lengthMs: 1960, fromMs: 70_000, firstIndex: 6 });
	t.deepEqual(inShort([...cadence(5, { stepMs: 2000, lengthMs: 1960 }), ...rest]), [5, 'gap 10000 70000', 5]);
});

test('a gap is found at the beginning, at the end, and where frames are slow', (t) => {
	const steady = cadence(12, { stepMs: 2000, lengthMs: 1960, fromMs: 10_000, firstIndex: 2 });
	t.deepEqual(inShort([listed(1, 0, 1960), ...steady]), [1, 'gap 2000 10000', 12]);
	t.deepEqual(inShort([...steady, listed(14, 34_700, 1960)]), [12, 'gap 34000 34700', 1]);
	const slow = cadence(12, { stepMs: 10_000, lengthMs: 9000 });
	t.deepEqual(inShort([...slow, listed(13, 121_000, 9000)]), [12, 'gap 120000 121000', 1]);
	const singles = cadence(12, { stepMs: 1000, lengthMs: 0 });
	t.deepEqual(inShort([...singles, listed(13, 13_000, 0)]), [12, 'gap 12000 13000', 1]);
});

test('50 ms meet, 51 do not', (t) => {
	const steady = cadence(12, { stepMs: 2000, lengthMs: 1960 });
	t.deepEqual(inShort([...steady, listed(13, 24_050, 1960)]), [13]);
	t.deepEqual(inShort([...steady, listed(13, 24_051, 1960)]), [12, 'gap 24000 24051', 1]);
	t.deepEqual(inShort([...steady, listed(13, 23_950, 1960)]), [13]);
	t.deepEqual(inShort([...steady, listed(13, 23_949, 1960)]), [12, 'overlap 24000 23949', 1]);
});

test('what begins before the last frame overlaps', (t) => {
	const again = cadence(5, { stepMs: 2000, lengthMs: 1960, fromMs: 9000, firstIndex: 6 });
	t.deepEqual(inShort([...cadence(5, { stepMs: 2000, lengthMs: 1960 }), ...again]), [
		5,
		'overlap 10000 9000',
		5,
	]);
});

test('pauses around every fragment are gaps', (t) => {
	t.deepEqual(inShort(cadence(3, { stepMs: 60_000, lengthMs: 5000 })), [
		1,
		'gap 5000 60000',
		1,
		'gap 65000 120000',
		1,
	]);
	t.deepEqual(inShort(cadence(2, { stepMs: 60_000, lengthMs: 0 })), [1, 'gap 0 60000', 1]);
});

test('a repeated start is a duplicate, and a start that goes back is a regression', (t) => {
	const fragments = cadence(4, { stepMs: 2000, lengthMs: 1960 });
	const twice = listed(5, 6000, 1960);
	const back = cadence(3, { stepMs: 2000, lengthMs: 1960, fromMs: 1000, firstIndex: 6 });
	t.deepEqual(inShort([...fragments, twice, ...back]), [
		4,
		'duplicate 6000 6000',
		1,
		'regression 6000 1000',
		3,
	]);
});

testProp(
	'every fragment is in one span, with its bytes',
	[fc.array(fc.record({ startMs: fc.nat(100_000), lengthMs: fc.nat(20_000), bytes: fc.nat(1e6) }))],
	(t, records) => {
		const fragments = records
			.toSorted((a, b) => a.startMs - b.startMs)
			.map(({ startMs, lengthMs, bytes }, index) => listed(index + 1, startMs, lengthMs, bytes));
		const cutter = new SpanCutter();
		const items: (StoredSpan | GapEvent)[] = [];
		for (const fragment of fragments) cutter.push(fragment, items);
		cutter.end(items);
		const spans = items
			.filter((item): item is StoredSpan => !(item instanceof GapEvent))
			.map((item) => item.toEvent(0, null));
		t.is(
			spans.reduce((sum, span) => sum + span.fragments, 0),
			fragments.length,
		);
		t.is(
			spans.reduce((sum, span) => sum + span.bytes, 0),
			records.reduce((sum, { bytes }) => sum + bytes, 0),
		);
		t.is(items.length, Math.max(0, spans.length * 2 - 1));
		for (const [index, item] of items.entries()) {
			t.is(item instanceof GapEvent, index % 2 === 1);
			if (item instanceof GapEvent && item.kind === 'gap') t.true(item.to > item.from);
			if (item instanceof GapEvent && item.kind === 'overlap') t.true(item.to < item.from);
		}
	},
);

test('a span is known soon after its end', (t) => {
	const cutter = new SpanCutter();
	const items: (StoredSpan | GapEvent)[] = [];
	cutter.push(listed(1, 0, 1960), items);
	for (const fragment of cadence(NEIGHBOURS + 2, {
		stepMs: 2000,
		lengthMs: 1960,
		fromMs: 60_000,
		firstIndex: 2,
	}))
		cutter.push(fragment, items);
	t.is(items.length, 2);
});
