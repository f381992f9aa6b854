import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { decodeTimes } from '#lib/mpegts/decode-times.js';

const FRAME_TICKS = 3600;

/** When frames are shown, in decode order, counted in frames from the segment's start: groups of `bFrames` B-frames after the frame they refer to. */
function reordered(count: number, bFrames: number): number[] {
	const order = [0];
	for (let start = 1; start < count; start += bFrames + 1) {
		const end = Math.min(start + bFrames, count - 1);
		order.push(end, ...Array.from({ length: end - start }, (_, index) => start + index));
	}
	return order;
}

/** I P B b b, with a B-frame that others refer to. */
const pyramid = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11];

const inTicks = (frames: readonly number[]): number[] => frames.map((frame) => 90_000 + frame * FRAME_TICKS);

test('without B-frames, frames are decoded when they are shown', (t) => {
	const shown = [0, 3600, 3700, 9000];
	t.deepEqual(decodeTimes(shown, false), shown);
	t.deepEqual(decodeTimes([], false), []);
	t.deepEqual(decodeTimes([5], true), [5]);
});

testProp(
	'frames are decoded before they are shown, one after the other',
	[fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 60 }), fc.boolean()],
	(t, shown, beginsTimeline) => {
		const isInOrder = shown.every((ticks, index) => index === 0 || ticks >= (shown[index - 1] as number));
		const decoded = decodeTimes(shown, beginsTimeline);
		t.is(decoded.length, shown.length);
		for (const [index, ticks] of decoded.entries()) {
			t.true(isInOrder ? ticks === shown[index] : ticks < (shown[index] as number), `${index}`);
			if (index > 0) t.true(ticks >= (decoded[index - 1] as number), `${index}`);
		}
	},
);

for (const [title, frames, count] of [
	['B-frames', reordered(25, 2), 25],
	['many B-frames', reordered(25, 7), 25],
	['short groups', reordered(5, 1), 5],
	['B-frames that others refer to', pyramid, 13],
] as const) {
	// hls.js takes the last step of a segment for the length of its last frame, and closes what it takes for holes.
	test(`the gap between two segments is at most the mean frame duration: ${title}`, (t) => {
		const shown = inTicks(frames);
		const decoded = decodeTimes(shown, false);
		const [first, last] = [decoded[0] as number, decoded.at(-1) as number];
		const lastStep = last - (decoded.at(-2) as number);
		t.is(lastStep, FRAME_TICKS);
		const hole = first + count * FRAME_TICKS - (last + lastStep);
		t.true(hole >= 0, `${hole}`);
		t.true(hole <= (last - first) / (count - 1), `${hole}`);
		// Where a timeline begins, players leave this time empty.
		const begun = decodeTimes(shown, true);
		t.true((shown[0] as number) - (begun[0] as number) <= FRAME_TICKS / 2);
		t.is(begun.at(-1), last);
	});
}
