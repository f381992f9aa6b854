import { Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import type { RangeClock } from 'kvs-archive';
import { DuplicateFilter } from '#lib/list/duplicate-filter.js';
import { compareFragmentNumbers, type Fragment } from '#lib/model/fragment.js';

function fragment(number: number, producerMs: number, serverMs = producerMs): Fragment {
	return {
		fragmentNumber: String(number),
		fragmentSizeInBytes: 1,
		producerTimestamp: new Date(producerMs),
		serverTimestamp: new Date(serverMs),
		fragmentLengthInMilliseconds: 0,
	};
}

async function filter(
	by: RangeClock,
	fragments: readonly Fragment[],
	windowFragments?: number,
): Promise<{ given: string[]; dropped: number }> {
	let dropped = 0;
	const onDropped = (count: number): void => {
		dropped += count;
	};
	const newest = new DuplicateFilter({ by, onDropped, windowFragments });
	const given = (await Readable.from(fragments).compose(newest).toArray()) as Fragment[];
	return { given: given.map(({ fragmentNumber }) => fragmentNumber), dropped };
}

test("on the producer's clock the last of neighbours with the same time is kept", async (t) => {
	const fragments = [
		fragment(3, 0),
		fragment(9, 0),
		fragment(10, 0),
		fragment(4, 1),
		fragment(5, 2),
		fragment(6, 2),
	];
	t.deepEqual(await filter('producer', fragments), { given: ['10', '4', '6'], dropped: 3 });
});

test("on the server's clock the newer one is kept in its own place", async (t) => {
	const fragments = [fragment(1, 0, 10), fragment(2, 5, 20), fragment(3, 0, 30), fragment(4, 9, 40)];
	t.deepEqual(await filter('server', fragments), { given: ['2', '3', '4'], dropped: 1 });
});

test('the number says what is newest, not the place', async (t) => {
	t.deepEqual(await filter('server', [fragment(7, 0, 10), fragment(6, 0, 20)]), { given: ['7'], dropped: 1 });
});

test("what is further apart than the window is kept on the server's clock", async (t) => {
	const fragments = [fragment(1, 0), fragment(2, 1), fragment(3, 2), fragment(4, 0), fragment(5, 2)];
	t.deepEqual(await filter('server', fragments, 2), { given: ['1', '2', '4', '5'], dropped: 1 });
});

test('a window that is large enough leaves one fragment of each time, the largest, in the order of the listing', async (t) => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.nat(8), { maxLength: 40 }),
			fc.constantFrom('producer' as const, 'server' as const),
			async (times, by) => {
				const all = times.map((ms, index) => fragment(index, ms, index));
				if (by === 'producer') {
					all.sort(
						(a, b) =>
							a.producerTimestamp.getTime() - b.producerTimestamp.getTime() ||
							compareFragmentNumbers(a.fragmentNumber, b.fragmentNumber),
					);
				}
				const expected = all.filter(
					({ fragmentNumber, producerTimestamp }) =>
						!all.some(
							(other) =>
								other.producerTimestamp.getTime() === producerTimestamp.getTime() &&
								compareFragmentNumbers(other.fragmentNumber, fragmentNumber) > 0,
						),
				);
				t.deepEqual(await filter(by, all), {
					given: expected.map(({ fragmentNumber }) => fragmentNumber),
					dropped: all.length - expected.length,
				});
			},
		),
		{ numRuns: 60 },
	);
});
