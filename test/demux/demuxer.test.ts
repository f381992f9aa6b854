import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Demuxer } from '#lib/demux/demuxer.js';
import { ArchiveError } from '#lib/errors.js';
import { startMs } from '../helpers/media/range.js';
import {
	assertUndisturbed,
	clockAt,
	deliver,
	demux,
	exception,
	heldBack,
	listed,
	media,
	reset,
	whole,
} from './scripted-batch.js';

testProp(
	'a body that breaks off anywhere, however often, gives the stream that an undisturbed one gives',
	[
		fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 4 }),
		fc.boolean(),
		fc.integer({ min: 1, max: 700 }),
	],
	async (t, cuts, isClean, chunkBytes) => {
		const run = await demux(
			5,
			(asked, nth) => {
				const { bytes } = deliver(asked);
				const cut = cuts[nth];
				if (cut === undefined) return whole(bytes);
				const part = bytes.subarray(0, Math.floor(bytes.byteLength * cut));
				return isClean ? whole(part) : reset(part);
			},
			{},
			chunkBytes,
		);
		await assertUndisturbed(t, 5, run);
	},
	{ numRuns: 30 },
);

testProp(
	'responses in any order, with fragments twice and with ones that were not requested, come out in order and once',
	[fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 6, 2, 9], { minLength: 6 }), fc.integer({ min: 1, max: 2000 })],
	async (t, order, chunkBytes) => {
		const run = await demux(
			6,
			(_, nth) => (nth === 0 ? deliver(order) : deliver([6, 5, 4, 3, 2, 1])),
			{},
			chunkBytes,
		);
		await assertUndisturbed(t, 6, run);
	},
	{ numRuns: 30 },
);

test('a fragment that was begun is resumed, though another fragment has failed before it in the response', async (t) => {
	const run = await demux(3, (asked, nth) => {
		if (nth === 0) return reset(media(1).subarray(0, -1));
		return nth === 1 ? whole(exception(3, 5000), media(1), media(2)) : deliver(asked);
	});
	await assertUndisturbed(t, 3, run);
	t.deepEqual(run.asked, [[1, 2, 3], [1, 2, 3], [3]]);
});

test('a response that ends cleanly between the tags of a fragment and its media is incomplete', async (t) => {
	const clusterId = Buffer.from('1f43b675', 'hex');
	const headOf = (index: number): Buffer => media(index).subarray(0, media(index).indexOf(clusterId));
	for (const after of [[], [media(1)], [media(2)]]) {
		const run = await demux(3, (asked, nth) =>
			nth === 0 ? whole(...after, headOf(after.length === 0 ? 1 : 3)) : deliver(asked),
		);
		await assertUndisturbed(t, 3, run);
		t.is(run.asked.length, 2);
	}
});

test('only what has not arrived is requested again', async (t) => {
	const { asked } = await demux(5, (indexes, nth) => (nth === 0 ? deliver([4, 1, 2]) : deliver(indexes)));
	t.deepEqual(asked, [
		[1, 2, 3, 4, 5],
		[3, 5],
	]);
});

test('a fragment that was listed and is not there yet is requested again', async (t) => {
	const run = await demux(3, (asked, nth) =>
		nth < 2 ? whole(media(1), exception(2, 3000)) : deliver(asked),
	);
	await assertUndisturbed(t, 3, run);
	t.deepEqual(run.asked, [
		[1, 2, 3],
		[2, 3],
		[2, 3],
	]);
});

test('a connection that was closed to make room costs no attempt', async (t) => {
	const run = await demux(
		2,
		(asked, nth) => (nth < 20 ? heldBack(deliver(asked).bytes.subarray(0, 100)) : deliver(asked)),
		{ resume: { attempts: 1 } },
	);
	await assertUndisturbed(t, 2, run);
	t.is(run.asked.length, 21);
});

test('waits grow with the attempts that deliver nothing, with full jitter', async (t) => {
	const clock = clockAt(startMs);
	await demux(1, () => whole(), {
		clock,
		random: () => 1,
		resume: { attempts: 5, baseDelayMs: 100, maxDelayMs: 300 },
	});
	t.deepEqual(clock.slept, [100, 200, 300, 300]);
});

test('a request that is refused ends the stream with its error', async (t) => {
	const refused = new ArchiveError('KVS_DENIED', 'no');
	t.is(await t.throwsAsync(demux(1, () => ({ bytes: media(1).subarray(0, 50), error: refused }))), refused);
});

test('a destroyed demuxer does not wait for a body that stands still', async (t) => {
	const body = new PassThrough();
	const demuxer = new Demuxer();
	demuxer.write({
		batch: { index: 0, fragments: [listed(1)], sizeBytes: 0 },
		body,
		reopen: () => t.fail() as never,
	});
	body.write(media(1).subarray(0, 20));
	const reason = new Error('enough');
	const failed = once(demuxer, 'error');
	demuxer.destroy(reason);
	t.deepEqual(await failed, [reason]);
	t.true(body.destroyed);
});
