import test, { type ExecutionContext } from 'ava';
import type { Picture, PictureSelection, PictureSummary } from 'kvs-archive';
import { CountingDecoder } from '../helpers/media/counting-decoder.js';
import { fragmentDocument, fragmentNumber, frameBlock, tags } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

const FRAGMENTS = 60;

/** Fragments of 2 s with four frames each; an hour is missing after the first half, and every third is tagged. */
function recording({ keyframes = true } = {}): Buffer {
	return Buffer.concat(
		Array.from({ length: FRAGMENTS }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 2000 + (index < FRAGMENTS / 2 ? 0 : 3_600_000),
				blocks: [0, 500, 1000, 1500].map((relativeTicks, nth) =>
					frameBlock(4 * index + nth, { keyframe: nth === 0 && (keyframes || index === 0), relativeTicks }),
				),
				after: index >= 40 ? tags(['DOOR', 'open']) : [],
			}),
		),
	);
}

interface Outcome {
	readonly pictures: readonly Picture[];
	/** When each picture is, in seconds after the start of the recording. */
	readonly seconds: readonly number[];
	/** Frames that went into the decoder. */
	readonly decoded: number;
	readonly summary: PictureSummary;
}

async function reader(
	t: ExecutionContext,
	media: Buffer,
): Promise<(select: PictureSelection, more?: object, by?: 'server' | 'producer') => Promise<Outcome>> {
	const { endpoint } = await startArchive(t, { door: media });
	const archive = openArchive(t, endpoint);
	return async (select, more = {}, by = 'producer') => {
		const decoder = new CountingDecoder();
		const stream = archive.pictures(between(0, 1e7, by), { select, format: 'rgb24', decoder, ...more });
		const pictures: Picture[] = [];
		for await (const picture of stream) pictures.push(picture);
		const seconds = pictures.map(({ timestampMs }) => ((timestampMs as number) - startMs) / 1000);
		return { pictures, seconds, decoded: decoder.given.length, summary: await stream.summary };
	};
}

test('a number of pictures, evenly over what is stored; only the fragments that may hold one are requested', async (t) => {
	const read = await reader(t, recording());
	for (const by of ['producer', 'server'] as const) {
		const { seconds, decoded, summary, pictures } = await read({ count: 4 }, {}, by);
		// The middles of 30 s each, without the hour.
		t.deepEqual(seconds, [15, 45, 3675, 3705]);
		t.true(decoded <= 4 * 4, `${decoded} frames`);
		t.true(summary.delivered <= 4 * 3, `${summary.delivered} fragments`);
		t.like(summary, { fragments: summary.delivered, missing: 0, failed: 0, gaps: 0, pictureFailures: 0 });
		t.is(pictures[0]?.at, undefined);
	}
	const { seconds: all } = await read('all');
	t.is(all.length, 4 * FRAGMENTS);
	for (const count of [4 * FRAGMENTS, 10_000]) t.deepEqual((await read({ count })).seconds, all);
	for (const count of [1, 7, 100, 239]) {
		const { seconds } = await read({ count });
		t.is(seconds.length, count);
		t.is(new Set(seconds).size, count);
	}
});

test('with --where the pictures are spread over what has the tag', async (t) => {
	const read = await reader(t, recording());
	const { seconds, summary } = await read({ count: 10 }, { where: { DOOR: 'open' } });
	t.is(seconds.length, 10);
	t.is(summary.skipped, 40);
	// Of the 40 s from 3680 on.
	const steps = seconds.slice(1).map((second, index) => second - (seconds[index] as number));
	t.true(seconds.every((second) => second >= 3680));
	t.true(
		steps.every((step) => step >= 3 && step <= 5),
		seconds.join(),
	);
});

test('fragments that begin without a key frame give no picture of a frame that is missing', async (t) => {
	const read = await reader(t, recording({ keyframes: false }));
	const { seconds, decoded } = await read({ count: 4 });
	// Nothing after the first fragment can be decoded where the ones between are not read.
	t.deepEqual(seconds, []);
	t.is(decoded, 0);
});

test('at an interval of 5 s or more, only the fragments that may hold a picture are requested, and the pictures are the same', async (t) => {
	const read = await reader(t, recording());
	for (const by of ['producer', 'server'] as const) {
		for (const [everyMs, most] of [
			[10_000, 36],
			[21_500, 18],
			[1000, 60],
		] as const) {
			const some = await read({ everyMs }, {}, by);
			const all = await read({ everyMs }, { where: () => true }, by);
			t.deepEqual(some.seconds, all.seconds);
			t.is(some.decoded, all.decoded);
			t.is(all.summary.delivered, FRAGMENTS);
			t.true(some.summary.delivered <= most, `${some.summary.delivered} of ${FRAGMENTS} for ${everyMs}`);
			t.like(some.summary, { fragments: some.summary.delivered, missing: 0, failed: 0, pictureFailures: 0 });
		}
	}
});

test('a chosen picture costs decoding its group up to it, and a key frame only itself', async (t) => {
	const read = await reader(t, recording());
	for (const [select, pictures, decoded] of [
		['keyframes', 60, 60],
		['all', 240, 240],
		// The first frame of every fifth fragment of each half.
		[{ everyMs: 10_000 }, 12, 12],
		// The second frame of a group, and what it refers to.
		[{ everyNth: 25 }, 10, 10 + 0 + 1 + 2 + 3 + 0 + 1 + 2 + 3 + 0 + 1],
		[{ at: [startMs + 33_000] }, 1, 3],
	] as const) {
		const outcome = await read(select);
		t.is(outcome.seconds.length, pictures, JSON.stringify(select));
		t.is(outcome.decoded, decoded, JSON.stringify(select));
	}
});
