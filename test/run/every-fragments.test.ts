import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Fragment, Frame } from 'kvs-archive';
import { FrameSelector } from '#lib/frames/frame-selector.js';
import { everyFragments } from '#lib/run/every-fragments.js';
import { startMs } from '../helpers/media/range.js';

interface Recorded {
	readonly fragment: Fragment;
	/** Times of its frames, in order. */
	readonly timesMs: readonly number[];
}

/** What was recorded between two frames, and how the fragment that begins with the second one is listed. */
interface Shape {
	readonly frames: number;
	readonly frameMs: number;
	readonly beforeMs: number;
	/** How far its first frame is after where it is listed to begin. */
	readonly lateMs: number;
	/** How much longer or shorter it is listed than from its first frame to its last. */
	readonly longerMs: number;
}

function recordedOf(shapes: readonly Shape[]): Recorded[] {
	let ms = startMs;
	return shapes.map(({ frames, frameMs, beforeMs, lateMs, longerMs }, index) => {
		const first = ms + beforeMs;
		const timesMs = Array.from({ length: frames }, (_, nth) => first + nth * frameMs);
		ms = first + frames * frameMs;
		const from = new Date(first - lateMs);
		const fragment: Fragment = {
			fragmentNumber: `${index}`,
			producerTimestamp: from,
			serverTimestamp: from,
			fragmentLengthInMilliseconds: Math.max(0, (frames - 1) * frameMs + lateMs + longerMs),
			fragmentSizeInBytes: 1,
		};
		return { fragment, timesMs };
	});
}

/** The times of the pictures that are chosen of these fragments, from a time on. */
function chosen(recorded: readonly Recorded[], everyMs: number, fromMs: number): number[] {
	const selector = new FrameSelector({ everyMs });
	const track = { number: 1 };
	return recorded
		.flatMap(({ timesMs }) => timesMs)
		.filter((timestampMs) => timestampMs >= fromMs)
		.filter((timestampMs) => selector.isSelected({ track, timestampMs } as Frame));
}

/** The fragments that may hold one of the pictures. */
function wantedOf(recorded: readonly Recorded[], everyMs: number, fromMs: number): readonly Recorded[] {
	const range = { fromMs, toMs: fromMs + 1e9, by: 'producer' } as const;
	const isWanted = everyFragments({ select: { everyMs }, padStart: true, where: undefined }, range);
	return recorded.filter(({ fragment }) => isWanted?.(fragment) ?? true);
}

const usual = { frames: 50, frameMs: 40, beforeMs: 0, lateMs: 0, longerMs: 0 };
const shape = fc.record({
	frames: fc.integer({ min: 1, max: 60 }),
	frameMs: fc.integer({ min: 1, max: 250 }),
	beforeMs: fc.oneof(
		{ weight: 6, arbitrary: fc.constant(0) },
		fc.integer({ min: 1, max: 60_000 }),
		fc.integer({ min: -40_000, max: -1 }),
	),
	lateMs: fc.integer({ min: 0, max: 250 }),
	longerMs: fc.integer({ min: -250, max: 250 }),
});
const shapes = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, shape), { maxLength: 80 });

testProp(
	'the requested fragments give the same choice of pictures as all fragments',
	[shapes, fc.integer({ min: 5000, max: 30_000 }), fc.integer({ min: 0, max: 20_000 })],
	(t, made, everyMs, fromMs) => {
		const recorded = recordedOf(made);
		// Fragments that are over by then are not listed.
		const from = startMs + fromMs;
		const listed = recorded.filter(({ timesMs }) => (timesMs.at(-1) as number) + 250 >= from);
		t.deepEqual(chosen(wantedOf(listed, everyMs, from), everyMs, from), chosen(listed, everyMs, from));
	},
	{
		numRuns: 300,
		examples: [
			// A clock that was set back, to before the range: only the last frame of all is in it again.
			[
				[
					{ frames: 1, frameMs: 1, beforeMs: 5238, lateMs: 0, longerMs: 0 },
					{ frames: 40, frameMs: 81, beforeMs: -8648, lateMs: 0, longerMs: -12 },
					{ frames: 1, frameMs: 1, beforeMs: 0, lateMs: 0, longerMs: 0 },
					{ frames: 2, frameMs: 169, beforeMs: -1, lateMs: 0, longerMs: 0 },
				],
				5000,
				0,
			],
		],
	},
);

testProp(
	'the choice is the same as from all fragments if one of three fragments in a row fails',
	[fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), fc.integer({ min: 5000, max: 30_000 })],
	(t, fails, everyMs) => {
		const recorded = recordedOf(Array.from({ length: 60 }, () => usual));
		const failed = new Set(recorded.filter((_, index) => index % 3 === 1 && fails[index]));
		const of = (some: readonly Recorded[]): number[] =>
			chosen(
				some.filter((one) => !failed.has(one)),
				everyMs,
				startMs,
			);
		t.deepEqual(of(wantedOf(recorded, everyMs, startMs)), of(recorded));
	},
);

test('a picture costs its fragment, the one before where it is near its beginning, and the one after', (t) => {
	const recorded = recordedOf(Array.from({ length: 300 }, () => usual));
	const count = (everyMs: number): number => wantedOf(recorded, everyMs, startMs).length;
	t.is(count(60_000), 30);
	t.is(count(10_000), 180);
	t.is(count(11_000), 137);
	t.is(count(4999), 300);
});
