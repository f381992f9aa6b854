import test from 'ava';
import { Source } from '#lib/stream/source.js';
import { Stage } from '#lib/stream/stage.js';

class Numbers extends Source<number> {
	readonly #batches: readonly number[][];
	readonly #error: Error | null;
	isClosed = false;

	constructor(batches: readonly number[][], error: Error | null = null) {
		super();
		this.#batches = batches;
		this.#error = error;
	}

	protected override async *produce(): AsyncGenerator<number[]> {
		try {
			for (const batch of this.#batches) {
				await Promise.resolve();
				yield batch;
			}
			if (this.#error !== null) throw this.#error;
		} finally {
			this.isClosed = true;
		}
	}
}

class Doubled extends Stage<number, number> {
	protected override *process(input: number): Generator<number[]> {
		yield [input, input];
	}
}

const batches = [[1, 2, 3], [], [4], [5, 6]];

test('hands out items one by one, or in the batches they were produced in', async (t) => {
	const items: unknown[] = [];
	for await (const item of new Numbers(batches)) items.push(item);
	t.deepEqual(items, [1, 2, 3, 4, 5, 6]);
	const arrays: number[][] = [];
	for await (const array of new Numbers(batches).batches()) arrays.push(array);
	t.deepEqual(arrays, [[1, 2, 3], [4], [5, 6]]);
});

test('takes over a stream that was read in another way before', async (t) => {
	const source = new Numbers(batches);
	source.on('readable', () => {});
	await new Promise((resolve) => source.once('readable', resolve));
	t.is(source.read(), 1);
	source.removeAllListeners('readable');
	const items: unknown[] = [];
	for await (const item of source) items.push(item);
	t.deepEqual(items, [2, 3, 4, 5, 6]);
});

test('resolves calls of next() in their order, without waiting for one another', async (t) => {
	const iterator = new Numbers(batches)[Symbol.asyncIterator]();
	const results = await Promise.all(Array.from({ length: 8 }, () => iterator.next()));
	t.deepEqual(
		results.map(({ value }) => value),
		[1, 2, 3, 4, 5, 6, undefined, undefined],
	);
	t.true(results[7]?.done);
});

test('an error of the work comes after every item before it, once', async (t) => {
	const error = new Error('no more');
	for (const isBatched of [false, true]) {
		const source = new Numbers(batches, error);
		const iterator = isBatched ? source.batches() : source[Symbol.asyncIterator]();
		const items: unknown[] = [];
		await t.throwsAsync(
			async () => {
				for (;;) {
					const { done, value } = await iterator.next();
					if (done === true) return;
					items.push(value);
					await new Promise((resolve) => setTimeout(resolve, 1));
				}
			},
			{ is: error },
		);
		t.deepEqual(items.flat(), [1, 2, 3, 4, 5, 6]);
		t.true((await iterator.next()).done);
	}
});

test("an error of a source's work comes after every item before it by 'data' too", async (t) => {
	const error = new Error('no more');
	const source = new Numbers(batches, error);
	const items: number[] = [];
	await t.throwsAsync(
		new Promise((resolve, reject) => {
			source.on('error', reject).on('end', resolve);
			source.on('data', (item) => {
				items.push(item);
				source.pause();
				setTimeout(() => source.resume(), 1);
			});
		}),
		{ is: error },
	);
	t.deepEqual(items, [1, 2, 3, 4, 5, 6]);
});

test('leaving early closes the generator of the stream before the loop is over', async (t) => {
	const source = new Numbers(batches);
	for await (const item of source) if (item === 2) break;
	t.true(source.isClosed);
	t.true(source.closed);
	const other = new Numbers(batches);
	await t.throwsAsync(
		async () => {
			for await (const array of other.batches()) throw new Error(String(array));
		},
		{ message: '1,2,3' },
	);
	t.true(other.isClosed);
});

test('destroying a stage ends a pending wait', async (t) => {
	const reason = new Error('enough');
	const stage = new Doubled();
	const iterator = stage[Symbol.asyncIterator]();
	stage.write(1);
	t.is((await iterator.next()).value, 1);
	t.is((await iterator.next()).value, 1);
	const waiting = iterator.next();
	setImmediate(() => stage.destroy(reason));
	await t.throwsAsync(waiting, { is: reason });
	t.true((await iterator.next()).done);
});

test('holds no more than one array that was not requested', async (t) => {
	let made = 0;
	class Endless extends Source<number> {
		protected override *produce(): Generator<number[]> {
			for (;;) yield [made++];
		}
	}
	const source = new Endless();
	const iterator = source.batches();
	for (let i = 0; i < 10; i++) {
		t.deepEqual((await iterator.next()).value, [i]);
		await new Promise((resolve) => setImmediate(resolve));
		t.true(made <= i + 3, `${made} after ${i}`);
	}
	await iterator.return?.();
});
