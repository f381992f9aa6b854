import test from 'ava';
import * as fc from 'fast-check';
import { type ClipPart, clipParts } from '#lib/clip/clip-parts.js';
import { collect } from '../helpers/collect.js';

const DAY_MS = 86_400_000;
const from = Date.UTC(2026, 0, 31);
const range = { by: 'producer', fromMs: from, toMs: from + 100 * DAY_MS } as const;

interface Listed {
	readonly startMs: number;
	readonly sizeBytes: number;
	readonly lengthMs?: number;
}

async function partsOf(
	fragments: readonly Listed[],
	limits?: { fragments: number; sizeBytes: number },
): Promise<ClipPart[]> {
	async function* batches() {
		yield fragments.map(({ startMs, sizeBytes, lengthMs = 900 }, index) => ({
			fragmentNumber: String(1_000_000 + index),
			fragmentSizeInBytes: sizeBytes,
			producerTimestamp: new Date(startMs),
			serverTimestamp: new Date(0),
			fragmentLengthInMilliseconds: lengthMs,
		}));
	}
	return collect(clipParts(batches(), range, limits));
}

const every = (count: number, stepMs: number, sizeBytes = 1000): Listed[] =>
	Array.from({ length: count }, (_, index) => ({ startMs: from + index * stepMs, sizeBytes }));

test('a part has at most 200 fragments, 90 MB and a day', async (t) => {
	const counts = async (fragments: readonly Listed[]): Promise<number[]> =>
		(await partsOf(fragments)).map(({ fragments: count }) => count);
	t.deepEqual(await counts([]), []);
	t.deepEqual(await counts(every(200, 1000)), [200]);
	t.deepEqual(await counts(every(401, 1000)), [200, 200, 1]);
	t.deepEqual(await counts(every(5, 1000, 45_000_000)), [2, 2, 1]);
	t.deepEqual(await counts(every(2, 1000, 95_000_000)), [1, 1]);
	t.deepEqual(await counts(every(3, DAY_MS - 1)), [2, 1]);
	t.deepEqual(await counts(every(3, DAY_MS)), [1, 1, 1]);
});

test('the range of a part begins where the one before it ended, and ends with its last fragment', async (t) => {
	const parts = await partsOf(every(401, 1000));
	t.deepEqual(
		parts.map(({ range: { fromMs, toMs } }) => [fromMs - from, toMs - from]),
		[
			[0, 199_000],
			[199_001, 399_000],
			[399_001, 400_000],
		],
	);
	const [alone] = await partsOf([{ startMs: from, sizeBytes: 1 }]);
	t.deepEqual([alone?.range.fromMs, alone?.range.toMs], [from, from + 1]);
});

test('the listing gives the minimum duration of a part', async (t) => {
	const lengths = async (fragments: readonly Listed[]): Promise<number | undefined> =>
		(await partsOf(fragments))[0]?.listedMs;
	t.is(await lengths(every(3, 1000)), 2900);
	// A gap need not be in a clip, and of two with one time there may be one.
	t.is(await lengths(every(2, 60_000)), 1800);
	t.is(await lengths([...every(2, 1000), ...every(2, 1000).slice(1)]), 1900);
});

test('each fragment is in the range of exactly one part, whatever fragments are listed', async (t) => {
	const fragment = fc.record({
		stepMs: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: DAY_MS })),
		sizeBytes: fc.integer({ min: 1, max: 100 }),
	});
	const limits = { fragments: 5, sizeBytes: 200 };
	await fc.assert(
		fc.asyncProperty(fc.array(fragment, { maxLength: 60 }), async (steps) => {
			let startMs = from;
			const fragments = steps.map(({ stepMs, sizeBytes }) => {
				startMs += stepMs;
				return { startMs, sizeBytes };
			});
			const parts = await partsOf(fragments, limits);
			for (const { startMs: ms } of fragments) {
				t.is(parts.filter(({ range: { fromMs, toMs } }) => ms >= fromMs && ms <= toMs).length, 1);
			}
			for (const {
				range: { fromMs, toMs },
				fragments: count,
			} of parts) {
				t.true(fromMs < toMs && toMs - fromMs <= DAY_MS);
				const own = fragments.filter(({ startMs: ms }) => ms >= fromMs && ms <= toMs);
				t.is(own.length, count);
				const isGroup = (own.at(-1)?.startMs ?? 0) - (own[0]?.startMs ?? 0) <= 1;
				const sizeBytes = own.reduce((sum, { sizeBytes: bytes }) => sum + bytes, 0);
				t.true(isGroup || (count <= limits.fragments && sizeBytes <= limits.sizeBytes));
			}
		}),
	);
});
