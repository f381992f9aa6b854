import test from 'ava';
import { GapDetector } from '#lib/gaps/gap-detector.js';
import { madeTrack } from '../helpers/media/muxing.js';

const track = madeTrack({ type: 'video', codecId: 'V_TEST' });
const steady = Array.from({ length: 25 }, (_, index) => index * 40);

/** How fragments that start at these times fail to meet, each with frames at times from its start on. */
function gapsOf(
	fragments: readonly (readonly [startMs: number, frames?: Readonly<Record<number, number>>])[],
	timesMs: readonly number[] = steady,
): string[] {
	let detector = new GapDetector();
	const found: string[] = [];
	for (const [startMs, wrong = {}] of fragments) {
		// What a detector knows is plain JSON: another goes on from there.
		detector = new GapDetector(JSON.parse(JSON.stringify(detector.state())));
		const gap = detector.fragmentStart(startMs, [track]);
		if (gap !== null) found.push(`${gap.kind} ${gap.from.getTime()} ${gap.to.getTime()}`);
		for (const [index, ms] of timesMs.entries()) detector.frame(track, wrong[index] ?? startMs + ms);
	}
	return found;
}

const wrongTimes: Readonly<Record<string, Readonly<Record<number, number>>>> = {
	'in the middle': { 12: 31_000 },
	backward: { 12: -29_000 },
	'in the first frame': { 0: 31_000 },
	'backward in the first frame': { 0: -29_000 },
	'in the last frame': { 24: 31_000 },
	'in the last frame, by half a second': { 24: 2460 },
	'two in a row': { 12: 31_000, 13: 31_040 },
	'two, one each way': { 4: -29_000, 20: 31_000 },
};
for (const [title, wrong] of Object.entries(wrongTimes)) {
	test(`fragments meet where one has a wrong time: ${title}`, (t) => {
		t.deepEqual(gapsOf([[0], [1000, wrong], [2000], [3000]]), []);
	});
}

test('a gap after a fragment with a wrong time has its true length', (t) => {
	// The mean duration is that of the other frames.
	t.deepEqual(gapsOf([[0, { 12: -30_000 }], [5000]]), ['gap 1002 5000']);
	t.deepEqual(gapsOf([[0, { 24: 30_000 }], [5000]]), ['gap 960 5000']);
});

test('a fragment that is stamped with the wrong time of its first frame is compared by the others', (t) => {
	const late = Object.fromEntries(steady.map((ms, index) => [index, index === 0 ? 31_000 : 1000 + ms]));
	// Its own start comes before its frames: that it is late cannot be known yet.
	t.deepEqual(gapsOf([[0], [31_000, late], [2000], [3000]]), ['gap 1000 31000']);
});

test('overlaps, duplicates and regressions are still reported', (t) => {
	t.deepEqual(gapsOf([[0], [500]]), ['overlap 1000 500']);
	t.deepEqual(gapsOf([[0], [0]]), ['duplicate 0 0']);
	t.deepEqual(gapsOf([[5000], [1000]]), ['regression 5000 1000']);
	t.deepEqual(gapsOf([[0], [1000]], [0, 2000]), ['overlap 4000 1000']);
});

test('more than two late frames are not taken for mistakes', (t) => {
	const late = { 22: 30_000, 23: 30_040, 24: 30_080 };
	t.deepEqual(gapsOf([[0, late], [1000]]).length, 1);
});
