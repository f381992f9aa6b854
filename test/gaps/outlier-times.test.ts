import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { correctTimes, type TimesOfTrack } from '#lib/gaps/outlier-times.js';

/** A fragment of one second at 25 frames a second. */
const SECOND: TimesOfTrack = { startMs: 0, nextStartMs: 1000, frameMs: null, mayReorder: true };
const steady = (count: number, stepMs: number): number[] =>
	Array.from({ length: count }, (_, index) => index * stepMs);
const second = steady(25, 40);
/** One frame in four is shown before the one that came before it: I P B B B, P B B B … */
const reordered = [0, ...[160, 320, 480, 640, 800, 960].flatMap((ms) => [ms, ms - 80, ms - 120, ms - 40])];

function withWrong(timesMs: readonly number[], wrong: Readonly<Record<number, number>>): number[] {
	return timesMs.map((ms, index) => wrong[index] ?? ms);
}

const found: readonly (readonly [
	title: string,
	wrong: Readonly<Record<number, number>>,
	timesMs?: readonly number[],
	track?: Partial<TimesOfTrack>,
])[] = [
	['forward', { 12: 30_000 }],
	['backward', { 12: -30_000 }],
	['forward in the first frame', { 0: 30_000 }],
	['backward in the first frame', { 0: -30_000 }],
	['forward in the last frame', { 24: 30_000 }],
	['forward in the last frame by less than a second', { 24: 1460 }],
	['backward in the last frame', { 24: -30_000 }],
	['two in a row', { 12: 30_000, 13: 30_040 }],
	['the last two', { 23: 30_000, 24: 30_040 }],
	['two, one each way', { 5: -20_000, 18: 30_000 }],
	['in the middle where the next fragment is not known', { 12: 30_000 }, second, { nextStartMs: null }],
	['in a frame that others are shown before', { 5: 30_000 }, reordered],
	['in a frame that is shown before another', { 7: -30_000 }, reordered],
	['in the last frame, with frames reordered', { 24: 30_000 }, reordered],
	[
		'within the fragment, of audio',
		{ 100: 5000, 300: 1000 },
		steady(400, 20),
		{ mayReorder: false, nextStartMs: 8000 },
	],
	['of few frames', { 1: 30_000 }, [0, 40, 80, 120], { nextStartMs: 160 }],
	['of a fragment of one frame', { 0: 30_000 }, [0]],
];

for (const [title, wrong, timesMs = second, track = {}] of found) {
	test(`a wrong time is found and corrected: ${title}`, (t) => {
		const correction = correctTimes(withWrong(timesMs, wrong), { ...SECOND, ...track });
		t.deepEqual(correction?.outliers, Object.keys(wrong).map(Number));
		t.deepEqual(correction?.timesMs, timesMs);
	});
}

const right: readonly (readonly [
	title: string,
	timesMs: readonly number[],
	track?: Partial<TimesOfTrack>,
])[] = [
	['a steady rate', second],
	['B-frames', reordered],
	['a pause', second.map((ms) => (ms < 400 ? ms : ms + 5000)), { nextStartMs: 6000 }],
	[
		'a pause between a frame and those shown before it',
		reordered.map((ms) => (ms < 420 ? ms : ms + 5000)),
		{ nextStartMs: 6040 },
	],
	['a pause before the last frame', withWrong(second, { 24: 15_000 }), { nextStartMs: 15_040 }],
	['a rate that varies', [0, 10, 500, 510, 900, 3000, 3010, 3500, 9000], { nextStartMs: 9100 }],
	['a clock that was set back', second.map((ms, index) => (index < 12 ? ms : ms - 30_000))],
	[
		'a clock that was set forward',
		second.map((ms, index) => (index < 12 ? ms : ms + 30_000)),
		{ nextStartMs: 31_000 },
	],
	[
		'audio that reaches over into the next fragment',
		steady(50, 20).map((ms) => ms + 150),
		{ mayReorder: false },
	],
	['audio that begins before its fragment', steady(50, 20).map((ms) => ms - 150), { mayReorder: false }],
	['a second producer', steady(5, 500), { frameMs: 500 }],
	[
		'a late last frame where the next fragment is not known',
		withWrong(second, { 24: 9000 }),
		{ nextStartMs: null },
	],
	['no frames', []],
];

for (const [title, timesMs, track = {}] of right) {
	test(`no time is wrong: ${title}`, (t) => {
		t.is(correctTimes(timesMs, { ...SECOND, ...track }), null);
	});
}

testProp(
	'times that only go forward are right, whatever their steps',
	[fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }), fc.boolean()],
	(t, steps, mayReorder) => {
		let ms = 0;
		const timesMs = steps.map((step) => {
			ms += step;
			return ms;
		});
		t.is(correctTimes(timesMs, { startMs: 0, nextStartMs: ms + 1, frameMs: null, mayReorder }), null);
	},
);

testProp(
	'one wrong time is found wherever it is, and nothing else moves',
	[
		fc.integer({ min: 25, max: 300 }),
		fc.constantFrom(20, 33.3, 40),
		fc.nat(),
		fc.integer({ min: 15_000, max: 10 ** 12 }),
		fc.boolean(),
	],
	(t, count, stepMs, place, offMs, isForward) => {
		const timesMs = steady(count, stepMs);
		const at = place % count;
		const wrong = withWrong(timesMs, { [at]: (timesMs[at] as number) + (isForward ? offMs : -offMs) });
		const correction = correctTimes(wrong, {
			startMs: 0,
			nextStartMs: count * stepMs,
			frameMs: null,
			mayReorder: true,
		});
		t.deepEqual(correction?.outliers, [at]);
		for (const [index, ms] of (correction?.timesMs ?? []).entries()) {
			t.true(Math.abs(ms - (timesMs[index] as number)) < stepMs);
		}
	},
);

testProp(
	'any times give each frame one finite time, and only outliers change',
	[fc.array(fc.double({ min: -1e13, max: 1e13, noNaN: true }), { maxLength: 400 }), fc.boolean()],
	(t, timesMs, mayReorder) => {
		const correction = correctTimes(timesMs, { startMs: 0, nextStartMs: 1000, frameMs: 40, mayReorder });
		if (correction === null) {
			t.pass();
			return;
		}
		t.is(correction.timesMs.length, timesMs.length);
		t.true(correction.timesMs.every(Number.isFinite));
		const kept = timesMs.filter((_, index) => !correction.outliers.includes(index));
		t.deepEqual(
			correction.timesMs.filter((_, index) => !correction.outliers.includes(index)),
			kept,
		);
	},
);
