import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Fragment, FragmentBatch } from 'kvs-archive';
import { FragmentBatcher, type FragmentBatcherOptions } from '#lib/fetch/fragment-batcher.js';
import { StandstillClock } from '../helpers/standstill-clock.js';

function fragments(sizes: readonly number[]): Fragment[] {
	return sizes.map((fragmentSizeInBytes, index) => ({
		fragmentNumber: String(index),
		fragmentSizeInBytes,
		producerTimestamp: new Date(index),
		serverTimestamp: new Date(index),
		fragmentLengthInMilliseconds: 0,
	}));
}

async function batches(sizes: readonly number[], options: FragmentBatcherOptions): Promise<FragmentBatch[]> {
	const result: FragmentBatch[] = [];
	await pipeline(
		Readable.from(fragments(sizes)),
		new FragmentBatcher(options),
		async (source: AsyncIterable<FragmentBatch>) => {
			for await (const batch of source) result.push(batch);
		},
	);
	return result;
}

test('closes a batch by count, and the last one at the end', async (t) => {
	const result = await batches([1, 1, 1, 1, 1], { maxFragments: 2 });
	t.deepEqual(
		result.map(({ index, fragments, sizeBytes }) => [index, fragments.length, sizeBytes]),
		[
			[0, 2, 2],
			[1, 2, 2],
			[2, 1, 1],
		],
	);
});

test('closes a batch by size, and lets a fragment that is too large go alone', async (t) => {
	const result = await batches([40, 40, 40, 500, 10], { maxSizeBytes: 100 });
	t.deepEqual(
		result.map(({ sizeBytes }) => sizeBytes),
		[80, 40, 500, 10],
	);
});

test('nothing in, nothing out', async (t) => {
	t.deepEqual(await batches([], {}), []);
});

testProp(
	'keeps every fragment, in order, within both limits',
	[
		fc.array(fc.nat(200), { maxLength: 60 }),
		fc.integer({ min: 1, max: 10 }),
		fc.integer({ min: 1, max: 500 }),
	],
	async (t, sizes, maxFragments, maxSizeBytes) => {
		const result = await batches(sizes, { maxFragments, maxSizeBytes });
		t.deepEqual(
			result.flatMap((batch) => batch.fragments.map(({ fragmentNumber }) => Number(fragmentNumber))),
			sizes.map((_, index) => index),
		);
		for (const batch of result) {
			t.true(batch.fragments.length >= 1 && batch.fragments.length <= maxFragments);
			t.true(batch.fragments.length === 1 || batch.sizeBytes <= maxSizeBytes);
		}
	},
	{ numRuns: 100 },
);

test('a batch that is not full is closed when its first fragment has waited long enough', async (t) => {
	const clock = new StandstillClock(0);
	const batcher = new FragmentBatcher({ maxWaitMs: 60_000, clock });
	const closed = batcher[Symbol.asyncIterator]() as AsyncIterator<FragmentBatch>;
	const numbersOf = async (): Promise<string[]> => {
		const { value } = await closed.next();
		return (value as FragmentBatch).fragments.map(({ fragmentNumber }) => fragmentNumber);
	};
	const [a, b, c, d] = fragments([1, 1, 1, 1]);
	batcher.write(a);
	clock.advance(59_999);
	batcher.write(b);
	clock.advance(1);
	t.deepEqual(await numbersOf(), ['0', '1']);
	// The next one waits from its own first fragment on.
	clock.advance(30_000);
	batcher.write(c);
	clock.advance(59_999);
	batcher.end(d);
	t.deepEqual(await numbersOf(), ['2', '3']);
	t.is((await closed.next()).done, true);
	await new Promise(setImmediate);
	t.is(clock.pending, 0);
});

test('leaving the loop early leaves no timer', async (t) => {
	const clock = new StandstillClock(0);
	const batcher = new FragmentBatcher({ maxWaitMs: 60_000, clock });
	batcher.write(fragments([1])[0]);
	t.is(clock.pending, 1);
	await (batcher[Symbol.asyncIterator]() as AsyncIterator<FragmentBatch>).return?.();
	t.is(clock.pending, 0);
});

test('refuses invalid limits', (t) => {
	for (const options of [
		{ maxFragments: 0 },
		{ maxFragments: 1001 },
		{ maxFragments: 1.5 },
		{ maxSizeBytes: 0 },
		{ maxWaitMs: 0 },
	]) {
		t.throws(() => new FragmentBatcher(options), { code: 'KVS_INVALID_OPTION' });
	}
});
