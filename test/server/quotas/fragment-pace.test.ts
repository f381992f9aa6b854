import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { FragmentPace } from '#lib/server/quotas/fragment-pace.js';
import { FakeClock } from '../fake-clock.js';

const signal = new AbortController().signal;

testProp(
	'waiting before each fragment keeps the quota of any rolling second, and takes no longer than that',
	[fc.integer({ min: 1, max: 7 }), fc.array(fc.nat(400), { minLength: 1, maxLength: 60 })],
	async (t, perSecond, pausesMs) => {
		const clock = new FakeClock();
		const pace = new FragmentPace(perSecond, clock);
		const begunMs: number[] = [];
		for (const pauseMs of pausesMs) {
			clock.nowMs += pauseMs;
			const { waitMs } = pace;
			await clock.sleep(waitMs, signal);
			pace.add();
			begunMs.push(clock.nowMs);
			const inWindow = begunMs.filter((ms) => ms > clock.nowMs - 1000);
			t.true(inWindow.length <= perSecond);
			// No longer than until the last but so many is a second old.
			if (waitMs > 0) t.is(begunMs.at(-1 - perSecond), clock.nowMs - 1000);
		}
	},
);

test('fragments that came at once delay the next one as if they had come at the quota', (t) => {
	const clock = new FakeClock();
	const pace = new FragmentPace(5, clock);
	for (let fragment = 0; fragment < 12; fragment++) pace.add();
	t.is(pace.waitMs, 2000);
	clock.nowMs = 1999;
	t.is(pace.waitMs, 1);
	clock.nowMs = 2000;
	pace.add();
	t.is(pace.waitMs, 0);
});

test('a quota below one fragment a second is kept', (t) => {
	const clock = new FakeClock();
	const pace = new FragmentPace(0.25, clock);
	t.is(pace.waitMs, 0);
	pace.add();
	t.is(pace.waitMs, 4000);
});
