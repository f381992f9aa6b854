import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { FIRST_WINDOW_MS, Windows } from '#lib/list/windows.js';

const YEAR_MS = 365 * 24 * 3_600_000;

test('a short range is one window', (t) => {
	const windows = new Windows({ fromMs: 1000, toMs: 2000, by: 'server' });
	t.deepEqual(windows.current, { fromMs: 1000, toMs: 2000, by: 'server' });
	windows.listed(0);
	t.is(windows.current, null);
});

test('a range of one millisecond is one window, which cannot be halved', (t) => {
	const windows = new Windows({ fromMs: 5, toMs: 5, by: 'producer' });
	t.deepEqual(windows.current, { fromMs: 5, toMs: 5, by: 'producer' });
	t.false(windows.halve());
});

test('fifty empty years take seven windows', (t) => {
	const windows = new Windows({ fromMs: 0, toMs: 50 * YEAR_MS, by: 'server' });
	let count = 0;
	for (; windows.current !== null; count++) windows.listed(0);
	t.is(count, 7);
});

testProp(
	'windows cover the range without gaps or overlaps, whatever their fragments',
	[fc.nat(1e9), fc.nat(3e8), fc.infiniteStream(fc.oneof(fc.constant(-1), fc.nat(6000)))],
	(t, fromMs, lengthMs, counts) => {
		const windows = new Windows({ fromMs, toMs: fromMs + lengthMs, by: 'server' });
		let expectedMs = fromMs;
		let steps = 0;
		for (let window = windows.current; window !== null && steps < 2000; window = windows.current, steps++) {
			t.is(window.fromMs, expectedMs);
			t.true(window.toMs >= window.fromMs && window.toMs <= fromMs + lengthMs);
			const count = counts.next().value as number;
			if (count < 0 && windows.halve()) continue;
			expectedMs = window.toMs + 1;
			windows.listed(Math.max(0, count));
		}
		if (windows.current === null) t.is(expectedMs, fromMs + lengthMs + 1);
	},
	{ numRuns: 100 },
);

test('what is recorded without a pause after fifty empty years is soon listed by windows that fit', (t) => {
	const windows = new Windows({ fromMs: 0, toMs: 50 * YEAR_MS, by: 'server' });
	const beginsMs = 50 * YEAR_MS - 24 * 3_600_000;
	let count = 0;
	for (let window = windows.current; window !== null; window = windows.current, count++) {
		const fragments = Math.max(0, window.toMs - Math.max(beginsMs, window.fromMs)) / 2000;
		if (fragments <= 5000) windows.listed(fragments);
		else t.true(windows.halve());
	}
	t.true(count < 80, `${count} windows`);
});

test('a full window is halved until it fits', (t) => {
	const windows = new Windows({ fromMs: 0, toMs: YEAR_MS, by: 'server' });
	const lengths: number[] = [];
	while (windows.halve()) lengths.push((windows.current?.toMs ?? 0) + 1);
	t.is(lengths[0], FIRST_WINDOW_MS / 2);
	t.is(lengths.at(-1), 1);
});
