import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { Fragment } from 'kvs-archive';
import { SkipCompletedFilter } from '#lib/list/skip-completed-filter.js';

const range = { fromMs: 1000, toMs: 100_000, by: 'producer' } as const;

/** Fragment n begins at second n. */
function fragment(n: number): Fragment {
	return {
		fragmentNumber: String(n),
		fragmentSizeInBytes: 1,
		producerTimestamp: new Date(n * 1000),
		serverTimestamp: new Date(n * 1000),
		fragmentLengthInMilliseconds: 1000,
	};
}

async function left(listed: readonly number[], known: readonly number[]): Promise<string[]> {
	const numbers: string[] = [];
	await pipeline(
		Readable.from(listed.map(fragment)),
		new SkipCompletedFilter({
			known: new Set(known.map(String)),
			last: known.length === 0 ? null : String(known.at(-1)),
			range,
		}),
		async (fragments: AsyncIterable<Fragment>) => {
			for await (const { fragmentNumber } of fragments) numbers.push(fragmentNumber);
		},
	);
	return numbers;
}

test('completed fragments are left out, and the rest stays in order', async (t) => {
	t.deepEqual(await left([1, 2, 3, 4, 5], [1, 2, 3]), ['4', '5']);
	t.deepEqual(await left([1, 2, 3], [1, 2, 3]), []);
	t.deepEqual(await left([1, 2], []), ['1', '2']);
	t.deepEqual(await left([], [1]), []);
});

test('completed fragments that have expired since are ignored', async (t) => {
	t.deepEqual(await left([3, 4, 5], [1, 2, 3]), ['4', '5']);
	t.deepEqual(await left([4, 5], [1, 2, 3]), ['4', '5']);
	t.deepEqual(await left([1, 3, 4], [1, 2, 3]), ['4']);
});

test('a fragment added before a completed one is an error', async (t) => {
	await t.throwsAsync(left([1, 2, 3, 4], [1, 3]), {
		code: 'KVS_LATE_FRAGMENT',
		message: /fragment 2, which comes before 3,/,
	});
});

test('what begins before the range may have been dropped, and does not count as added', async (t) => {
	t.deepEqual(await left([0, 1, 2], [1]), ['2']);
});
