import test from 'ava';
import fc from 'fast-check';
import { imageWindows } from '#lib/images/image-windows.js';

test('windows have every time of a range once, within the limits of a call, and none begins inside a fragment', (t) => {
	const ranges = fc.record({
		fromMs: fc.integer({ min: 0, max: 2 ** 41 }),
		lengthMs: fc.integer({ min: 0, max: 2_000_000 }),
		everyMs: fc.oneof(fc.integer({ min: 200, max: 30_000 }), fc.integer({ min: 200, max: 1_000_000 })),
		padStart: fc.boolean(),
	});
	fc.assert(
		fc.property(ranges, ({ fromMs, lengthMs, everyMs, padStart }) => {
			const toMs = fromMs + lengthMs;
			const times: number[] = [];
			for (const window of imageWindows({ fromMs, toMs, by: 'server' }, everyMs, padStart)) {
				const { startMs, endMs, intervalMs, firstMs, lastMs } = window;
				const isFirst = times.length === 0;
				for (let timeMs = firstMs; timeMs <= lastMs; timeMs += everyMs) times.push(timeMs);
				t.is(times.at(-1), lastMs);
				t.true(endMs - startMs <= 300_000 && intervalMs >= 200);
				t.true(endMs >= lastMs && endMs <= toMs && endMs < lastMs + intervalMs);
				t.is((firstMs - startMs) % intervalMs, 0);
				t.true(intervalMs === everyMs || firstMs === lastMs);
				t.true(isFirst && !padStart ? startMs === firstMs : firstMs - startMs >= 20_000);
			}
			const expected = Array.from(
				{ length: Math.floor(lengthMs / everyMs) + 1 },
				(_, n) => fromMs + n * everyMs,
			);
			t.deepEqual(times, expected);
		}),
	);
});
