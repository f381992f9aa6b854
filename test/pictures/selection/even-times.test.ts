import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { StoredTime } from '#lib/gaps/stored-time.js';
import { EvenTimes, hasEvenTime } from '#lib/pictures/selection/even-times.js';

/** Chooses of frames at these times, which come in groups that begin at `startsMs`. */
function choose(
	count: number,
	{
		stored,
		framesMs,
		startsMs,
	}: { stored: StoredTime; framesMs: readonly number[]; startsMs: readonly number[] },
): number[] {
	const even = new EvenTimes(stored, count);
	const items = framesMs.map((ms) => ({ item: { ms }, ms }));
	const chosen: number[] = [];
	for (const [index, untilMs] of [...startsMs, null].entries()) {
		const fromMs = startsMs[index - 1] ?? 0;
		const shown = items.filter(({ ms }) => ms >= fromMs && (untilMs === null || ms < untilMs));
		chosen.push(...[...even.decide(shown, untilMs)].map(([{ ms }]) => ms));
	}
	return chosen;
}

function storedTime(...spans: readonly (readonly [number, number])[]): StoredTime {
	const stored = new StoredTime();
	for (const [fromMs, toMs] of spans) stored.add(fromMs, toMs);
	return stored;
}

test('chooses the picture on the screen at the middle of each equal part, without counting gaps', (t) => {
	const framesMs = Array.from({ length: 100 }, (_, index) => (index < 50 ? index : index + 950) * 100);
	const stored = storedTime([0, 5000], [100_000, 105_000]);
	const choice = (count: number): number[] => choose(count, { stored, framesMs, startsMs: [2000, 100_000] });
	t.deepEqual(choice(1), [100_000]);
	t.deepEqual(choice(2), [2500, 102_500]);
	t.deepEqual(choice(5), [1000, 3000, 100_000, 102_000, 104_000]);
	t.deepEqual(choice(100), framesMs);
	t.deepEqual(choice(1e9), framesMs);
});

test('where pictures are missing, those that are left to be chosen are spread over the rest', (t) => {
	const stored = storedTime([0, 100_000]);
	const framesMs = Array.from({ length: 50 }, (_, index) => 50_000 + index * 1000);
	// What would have been chosen of the first half is spread over the second one.
	t.deepEqual(
		choose(10, { stored, framesMs, startsMs: [50_000, 60_000, 80_000] }),
		[52, 57, 62, 67, 72, 77, 82, 87, 92, 97].map((seconds) => seconds * 1000),
	);
});

test('where a group begins right at the middle of a part, the picture is its first one', (t) => {
	const stored = storedTime([0, 1200]);
	const framesMs = Array.from({ length: 30 }, (_, index) => index * 40);
	// 3.5 parts of 1200 / 7 ms are 600 ms, but for the rounding of the quotient.
	t.deepEqual(choose(7, { stored, framesMs, startsMs: [600] }), [80, 240, 400, 600, 760, 920, 1080]);
});

const times = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 60 });

testProp(
	'chosen pictures are distinct and in order, and of one group as many as requested, or all',
	[times, fc.integer({ min: 1, max: 80 }), fc.array(fc.nat(10_000), { maxLength: 4 })],
	(t, unsorted, count, cuts) => {
		const framesMs = unsorted.toSorted((a, b) => a - b);
		const stored = storedTime([framesMs[0] as number, framesMs.at(-1) as number]);
		const whole = choose(count, { stored, framesMs, startsMs: [] });
		t.is(whole.length, Math.min(count, framesMs.length));
		const divided = choose(count, { stored, framesMs, startsMs: cuts.toSorted((a, b) => a - b) });
		t.true(divided.length <= count);
		for (const chosen of [whole, divided]) {
			t.deepEqual(
				chosen,
				[...new Set(chosen)].toSorted((a, b) => a - b),
			);
		}
	},
);

testProp(
	'at an even frame rate, as many as requested are chosen, each at the middle of its part, whatever the groups',
	[fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(60), { maxLength: 5 }), fc.integer({ min: 1, max: 60 })],
	(t, frames, cuts, wanted) => {
		const count = Math.min(wanted, frames);
		const framesMs = Array.from({ length: frames }, (_, index) => index * 40);
		const stored = storedTime([0, frames * 40]);
		const startsMs = cuts.map((index) => index * 40).toSorted((a, b) => a - b);
		const chosen = choose(count, { stored, framesMs, startsMs });
		const middles = chosen.map((_, part) => ((part + 0.5) * frames * 40) / count);
		t.deepEqual(
			chosen,
			middles.map((ms) => Math.floor(Math.round(ms * 1e6) / 1e6 / 40) * 40),
		);
		t.is(chosen.length, count);
		const hasTime = hasEvenTime(stored, count);
		for (const [part, ms] of middles.entries()) t.true(hasTime(ms - 0.01, ms + 0.01), `${part}`);
	},
);
