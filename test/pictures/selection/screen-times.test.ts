import { fc, testProp } from '@fast-check/ava';
import { ScreenTimes } from '#lib/pictures/selection/screen-times.js';

testProp(
	'each time has the last frame at or before it, whatever the frames are divided into',
	[
		fc.array(fc.nat(1000)),
		fc.array(fc.nat(1000), { minLength: 1 }),
		fc.array(fc.nat(1000), { maxLength: 4 }),
	],
	(t, framesMs, timesMs, cuts) => {
		const screen = new ScreenTimes(timesMs);
		const found = new Map<number, number>();
		for (const untilMs of [...cuts.sort((a, b) => a - b), null]) {
			const shown = framesMs.filter((ms) => untilMs === null || ms < untilMs).map((ms) => ({ item: ms, ms }));
			for (const [item, times] of screen.decide(shown, untilMs))
				for (const timeMs of times) found.set(timeMs, item);
		}
		for (const timeMs of timesMs) {
			const before = framesMs.filter((ms) => ms <= timeMs);
			t.is(found.get(timeMs), before.length === 0 ? undefined : Math.max(...before));
		}
	},
);
