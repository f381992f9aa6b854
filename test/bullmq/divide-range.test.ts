import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { divideRange } from '#lib/bullmq/divide-range.js';
import { fragmentDocument, fragmentNumber, frameBlock } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

testProp(
	'slices cover a range without gaps or overlaps, and begin at fragments',
	[
		fc.array(fc.integer({ min: -3000, max: 60_000 }), { minLength: 1, maxLength: 50 }),
		fc.integer({ min: 1, max: 70_000 }),
		fc.constantFrom('server' as const, 'producer' as const),
	],
	async (t, offsets, sliceMs, by) => {
		const starts = offsets.map((ms) => startMs + ms).toSorted((a, b) => a - b);
		const range = { fromMs: startMs, toMs: startMs + 60_000, by };
		const slices = await divideRange(listed(starts), { range, sliceMs, padStart: true });
		t.is(slices[0]?.fromMs, range.fromMs);
		t.is(slices.at(-1)?.toMs, range.toMs);
		for (const [index, { fromMs, toMs, padStart, fragments }] of slices.entries()) {
			t.true(fromMs <= toMs);
			t.is(padStart, index === 0);
			if (index > 0) {
				t.is(fromMs, (slices[index - 1]?.toMs ?? 0) + 1);
				t.true(starts.includes(fromMs));
			}
			const inIt = starts.filter((ms) => (index === 0 || ms >= fromMs) && ms <= toMs);
			t.is(fragments, inIt.length);
			t.true(inIt.length > 0);
			const spread = (inIt.at(-1) ?? 0) - Math.max(fromMs, inIt[0] ?? 0);
			t.true(spread < sliceMs, `${spread} ms`);
		}
	},
);

async function* listed(starts: readonly number[]) {
	for (const ms of starts) yield { serverTimestamp: new Date(ms), producerTimestamp: new Date(ms) };
}

test('a range without fragments is an error, and too many slices are refused', async (t) => {
	const range = { fromMs: startMs, toMs: startMs + 60_000, by: 'server' as const };
	const divide = (starts: readonly number[]) =>
		divideRange(listed(starts), { range, sliceMs: 1, padStart: true });
	await t.throwsAsync(divide([]), {
		code: 'KVS_EMPTY_RANGE',
		message:
			'nothing to do: no fragment is listed from 2026-01-31T00:00:00.000Z to 2026-01-31T00:01:00.000Z (server time); check the range and its clock (option `by`), or see what is stored: kvs-archive timeline',
	});
	await t.throwsAsync(divide(Array.from({ length: 10_001 }, (_, index) => startMs + index)), {
		code: 'KVS_INVALID_OPTION',
	});
});

/** Producer and server time, in seconds, of fragments of two seconds: with a gap, an overlap, and two of the same times. */
const times: readonly (readonly [producer: number, server: number])[] = [
	[0, 0],
	[2, 2],
	[4, 4],
	[30, 30],
	[31, 31],
	[31, 31],
	[33, 34],
	[50, 36],
	[10, 38],
	[35, 40],
];

for (const by of ['producer', 'server'] as const) {
	test(`by ${by} time each frame of a range is in one slice, also where fragments overlap or begin at once`, async (t) => {
		const media = times.map(([producer, server], index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + producer * 1000,
				serverMs: startMs + server * 1000,
				blocks: [0, 500, 1000, 1500].map((ms) =>
					frameBlock(index * 4 + ms / 500, { keyframe: ms === 0, relativeTicks: ms }),
				),
			}),
		);
		const { endpoint } = await startArchive(t, { door: Buffer.concat(media) });
		const archive = openArchive(t, endpoint);
		const read = async (fromMs: number, toMs: number, padStart: boolean): Promise<string[]> => {
			const frames: string[] = [];
			const range = { from: fromMs, to: toMs, by };
			for await (const event of archive.events(range, { padStart }) as AsyncIterable<MediaEvent>) {
				if (event.type === 'frame') frames.push(`${event.fragmentNumber} ${event.timestampMs}`);
			}
			return frames;
		};
		// Begins within a fragment.
		const range = { fromMs: startMs + 1000, toMs: startMs + 60_000, by };
		const whole = await read(range.fromMs, range.toMs, true);
		t.is(whole.length, times.length * 4 - 2);
		for (const sliceMs of [1, 2000, 31_000]) {
			const listing = archive.fragments({ from: range.fromMs, to: range.toMs, by }, { padStart: true });
			const slices = await divideRange(listing, { range, sliceMs, padStart: true });
			const parts: string[] = [];
			for (const slice of slices) parts.push(...(await read(slice.fromMs, slice.toMs, slice.padStart)));
			t.deepEqual(parts, whole, `${slices.length} slices of ${sliceMs} ms`);
		}
	});
}
