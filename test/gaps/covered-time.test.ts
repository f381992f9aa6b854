import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { CoveredTime } from '#lib/gaps/covered-time.js';
import { GapEvent, type GapKind } from '#lib/model/media-event.js';

const gap = (fromMs: number, toMs: number, kind: GapKind = 'gap'): GapEvent =>
	new GapEvent(new Date(fromMs), new Date(toMs), kind);

const skipped = (startMs: number | null, endMs: number | null) => ({
	producerTimestamp: startMs === null ? null : new Date(startMs),
	endMs,
});

test('a gap is covered by one fragment or by several that meet, to the threshold', (t) => {
	const covered = new CoveredTime();
	t.false(covered.covers(gap(2000, 6000)));
	covered.add(skipped(4000, 6000));
	t.false(covered.covers(gap(2000, 6000)));
	covered.add(skipped(2000, 3960));
	t.true(covered.covers(gap(2000, 6000)));
	t.true(covered.covers(gap(1950, 6050)));
	t.false(covered.covers(gap(1949, 6000)));
	t.false(covered.covers(gap(2000, 6051)));
	for (const kind of ['overlap', 'regression', 'duplicate'] as const) {
		t.false(covered.covers(gap(2000, 6000, kind)), kind);
	}
	covered.keptFrom(6001);
	t.false(covered.covers(gap(2000, 6000)));
});

test('a fragment without a time covers nothing, and one without an end covers its start', (t) => {
	const covered = new CoveredTime();
	covered.add(skipped(null, 5000));
	t.deepEqual(covered.state(), []);
	covered.add(skipped(1000, null));
	covered.keptFrom(null);
	t.deepEqual(covered.state(), [[1000, 1000]]);
});

test('remembers the last hundred spans', (t) => {
	const covered = new CoveredTime();
	for (let index = 0; index < 150; index++) covered.add(skipped(index * 1000, index * 1000 + 100));
	t.is(covered.state().length, 100);
	t.true(covered.covers(gap(149_000, 149_100)));
	t.false(covered.covers(gap(49_000, 49_100)));
});

const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 10 })), {
	maxLength: 30,
});

testProp(
	'a gap is covered when no time of it is without a fragment, in whatever order they came, and after a stop',
	[spans, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 })],
	(t, added, from, length) => {
		let covered = new CoveredTime();
		for (const [start, lasts] of added) {
			covered.add(skipped(start * 1000, (start + lasts) * 1000));
			covered = new CoveredTime(JSON.parse(JSON.stringify(covered.state())));
		}
		const isCovered = Array.from({ length }, (_, index) => from + index + 0.5).every((second) =>
			added.some(([start, lasts]) => start <= second && second <= start + lasts),
		);
		t.is(covered.covers(gap(from * 1000, (from + length) * 1000)), isCovered);
	},
);
