import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { readAddress, writeAddress } from '../../lib/view/page/address.js';
import { lengthText, markText, parseTime, timeText } from '../../lib/view/page/clock-text.js';
import { ShownFrames } from '../../lib/view/page/player/shown-frames.js';
import { ratesOf, spansOf } from '../../lib/view/page/timeline/stored-spans.js';
import {
	BUCKETS,
	type PlacedFragment,
	startingIn,
	type Tile,
	tileLengthMs,
} from '../../lib/view/page/timeline/tile.js';
import { marksOf, TimeAxis } from '../../lib/view/page/timeline/time-axis.js';

const NEVER_MS = Number.MAX_SAFE_INTEGER;

function fragment(startMs: number, lengthMs: number, sizeBytes = 1000): PlacedFragment {
	return { startMs, lengthMs, sizeBytes, producerMs: startMs, serverMs: startMs, number: String(startMs) };
}

function tile(fromMs: number, toMs: number, more: Partial<Tile>): Tile {
	return { fromMs, toMs, state: 'whole', fragments: [], buckets: [], isGrowing: false, askedMs: 0, ...more };
}

test('consecutive fragments are one span; a gap between them is a span of nothing', (t) => {
	const fragments = [fragment(0, 1960), fragment(2000, 1960), fragment(10_000, 1960)];
	t.deepEqual(spansOf([tile(0, 16_384, { fragments })], 1, NEVER_MS), [
		{ kind: 'recorded', fromMs: 0, toMs: 3960 },
		{ kind: 'nothing', fromMs: 3960, toMs: 10_000 },
		{ kind: 'recorded', fromMs: 10_000, toMs: 11_960 },
		{ kind: 'nothing', fromMs: 11_960, toMs: 16_384 },
	]);
});

test('a fragment reaches into the next tile, and a gap shorter than a pixel is not drawn', (t) => {
	const tiles = [
		tile(0, 1000, { fragments: [fragment(500, 800)] }),
		tile(1000, 2000, { fragments: [fragment(1560, 440)] }),
	];
	t.deepEqual(spansOf(tiles, 300, NEVER_MS), [
		{ kind: 'nothing', fromMs: 0, toMs: 500 },
		{ kind: 'recorded', fromMs: 500, toMs: 2000 },
	]);
	t.is(spansOf(tiles, 1, NEVER_MS).length, 4);
	// What a fragment's last frame lasts reaches to the next one in another tile, too, however close one looks.
	const joined = [
		tile(0, 1000, { fragments: [fragment(0, 960)] }),
		tile(1000, 2000, { fragments: [fragment(1000, 1000)] }),
	];
	t.deepEqual(spansOf(joined, 1, NEVER_MS), [{ kind: 'recorded', fromMs: 0, toMs: 2000 }]);
	// Nor is a gap drawn at the edge of a tile.
	const edges = [
		tile(0, 1000, { fragments: [fragment(0, 970)] }),
		tile(1000, 2000, { fragments: [fragment(1020, 980)] }),
	];
	t.deepEqual(spansOf(edges, 50, NEVER_MS), [{ kind: 'recorded', fromMs: 0, toMs: 2000 }]);
});

test('sampled and unknown spans are distinct, and the future is left out', (t) => {
	const buckets = [fragment(0, 10), null];
	const tiles = [tile(0, 3200, { state: 'sampled', buckets }), tile(3200, 6400, { state: 'loading' })];
	t.deepEqual(spansOf(tiles, 1, 4000), [
		{ kind: 'sampled', fromMs: 0, toMs: 100 },
		{ kind: 'nothing', fromMs: 100, toMs: 200 },
		{ kind: 'unknown', fromMs: 200, toMs: 4000 },
	]);
	t.is(BUCKETS, 32);
});

testProp(
	'spans cover the time of their tiles without holes, in order',
	[
		fc.array(fc.tuple(fc.nat(20_000), fc.nat(3000)), { maxLength: 40 }),
		fc.double({ min: 0.01, max: 500, noNaN: true }),
	],
	(t, given, resolutionMs) => {
		const all = given
			.map(([startMs, lengthMs]) => fragment(startMs, lengthMs))
			.sort((a, b) => a.startMs - b.startMs);
		const tiles = [0, 1, 2].map((index) => {
			const [fromMs, toMs] = [index * 8192, (index + 1) * 8192];
			return tile(fromMs, toMs, { fragments: startingIn(all, fromMs, toMs) });
		});
		const spans = spansOf(tiles, resolutionMs, NEVER_MS);
		t.is(spans[0]?.fromMs, 0);
		t.is(spans.at(-1)?.toMs, 3 * 8192);
		for (const [index, span] of spans.entries()) {
			t.true(span.toMs > span.fromMs);
			t.is(spans[index - 1]?.toMs ?? span.fromMs, span.fromMs);
		}
		for (const { startMs } of all) {
			const span = spans.find(({ fromMs, toMs }) => startMs >= fromMs && startMs < toMs);
			t.is(span?.kind, 'recorded');
		}
		t.true(ratesOf(tiles, resolutionMs).length <= all.length);
	},
);

test('zooming keeps the moment under the pointer, and stays between milliseconds and years', (t) => {
	const axis = new TimeAxis();
	axis.width = 1000;
	axis.fromMs = 1_000_000;
	const ms = axis.msAt(250);
	for (const span of [10_000, 1e12, 1, 5000]) {
		axis.zoomTo(span, ms);
		t.true(Math.abs(axis.xOf(ms) - 250) < 1e-6);
	}
	axis.zoomTo(0, ms);
	t.is(axis.spanMs, 20);
	axis.zoomTo(Number.MAX_VALUE, ms);
	t.true(axis.spanMs > 9 * 365 * 86_400_000);
	for (const spanMs of [20, 1000, 60_000, 86_400_000, 3e11]) {
		axis.zoomTo(spanMs, axis.msAt(500));
		const { timesMs } = marksOf(axis, 80, 0);
		t.true(timesMs.length <= 13 && (spanMs > 1e11 || timesMs.length >= 2), `${spanMs}: ${timesMs.length}`);
	}
	t.is(tileLengthMs(0.001), 16_384);
	t.is(tileLengthMs(1000) % tileLengthMs(500), 0);
});

test('times are read as people write them, and written so that they can be read again', (t) => {
	const ms = Date.UTC(2026, 0, 31, 14, 3, 7, 250);
	for (const text of [
		'2026-01-31T14:03:07.250Z',
		'2026-01-31 14:03:07.250 UTC',
		'2026-01-31T15:03:07.25+01:00',
		timeText(ms, 'utc'),
	]) {
		t.is(parseTime(text, 0, 'utc'), ms, text);
	}
	t.is(parseTime('1769868187', 0, 'utc'), 1769868187000);
	t.is(parseTime('-15m', 1_000_000, 'utc'), 100_000);
	t.is(parseTime('now', 5, 'local'), 5);
	t.is(parseTime('2026-01-31', 0, 'utc'), Date.UTC(2026, 0, 31));
	for (const text of ['', 'soon', '2026-13-01', '14:03', '-m']) t.is(parseTime(text, 0, 'utc'), null, text);
	t.is(markText(ms, 1000, 'utc'), '14:03:07');
	t.is(markText(ms, 86_400_000, 'utc'), '2026-01-31');
	t.deepEqual([12_000, 340, 3_723_000, 90_061_000, 889_960].map(lengthText), [
		'12 s',
		'340 ms',
		'1 h 2 min',
		'1 d 1 h',
		'14 min 50 s',
	]);
});

testProp(
	'an address is read back as it was written',
	[
		fc.option(fc.nat(4e12)),
		fc.option(fc.integer({ min: 1, max: 1e12 })),
		fc.boolean(),
		fc.array(fc.stringMatching(/^[\w.-]{1,20}$/)),
	],
	(t, atMs, spanMs, isServer, streams) => {
		const place = {
			atMs,
			spanMs,
			clock: isServer ? 'server' : 'producer',
			zone: isServer ? 'local' : 'utc',
			streams,
		} as const;
		t.deepEqual(readAddress(writeAddress(place)), place);
	},
);

test('a malformed address is an empty one', (t) => {
	t.deepEqual(readAddress('#t=soon&z=-5&clock=moon&s='), {
		atMs: null,
		spanMs: null,
		clock: 'producer',
		zone: 'utc',
		streams: [],
	});
});

test('a jump of the clock between consecutive frames is a gap; a seek is not', (t) => {
	const frames = new ShownFrames();
	// Fragments of a second; what was recorded begins at the second 0 and at the second 13.
	const at = (ms: number) => {
		const fragmentStartMs = Math.floor(ms / 1000) * 1000;
		return { ms, fragmentStartMs, fragmentEndMs: fragmentStartMs + 1000 };
	};
	t.is(frames.show(0.92, at(920)), 0);
	t.is(frames.show(0.96, at(960)), 0);
	t.is(Math.round(frames.show(1, at(13_000))), 12_000);
	t.is(Math.round(frames.frameSeconds * 1000), 40);
	frames.jump();
	t.is(frames.show(100, at(500_800)), 0);
	// Of the session before, five frames are left out, and of the next one two.
	frames.jump({ isJoined: true });
	t.is(frames.show(0.08, at(561_080)), 60_000);
	t.is(frames.ms, 561_080);
});
