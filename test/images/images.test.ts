import test, { type ExecutionContext } from 'ava';
import { type ArchivedImage, type ImagesOptions, InvalidOptionError, RequestError } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { withFfmpeg } from '../helpers/needs.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { startServer } from '../helpers/service/start-server.js';
import { decodedImages, shownAt, sourcePictures, startImages, T0 } from '../server/images/start-images.js';

/** Fragments of seven seconds, so that no call begins where a fragment does. */
const long = ['-f', 'lavfi', '-i', 'testsrc2=s=32x24:r=2:d=330', '-c:v', 'libx264', '-g', '14', '-bf', '2'];

const by = 'producer';

function at(ms: number): Date {
	return new Date(T0 + ms);
}

async function startLong(t: ExecutionContext) {
	const operations: string[] = [];
	const { url } = await startImages(t, long, {
		onRequest: ({ operation }) => operations.push(operation ?? ''),
	});
	const archive = openArchive(t, url, { streamName: 'cam' });
	const calls = (): number => operations.splice(0).filter((operation) => operation === 'GetImages').length;
	return { archive, calls };
}

withFfmpeg(
	'a range of more than 300 s is one sequence: no time twice, none missing, nothing lost at the seams',
	async (t) => {
		const { archive, calls } = await startLong(t);
		const source = await sourcePictures(long);
		const range = { from: at(1300), to: at(329_000), by };
		const images = await collect<ArchivedImage>(archive.images(range, { everyMs: 4000, format: 'png' }));
		t.deepEqual(
			images.map((image) => image.at.getTime() - T0),
			Array.from({ length: 82 }, (_, index) => 1300 + index * 4000),
		);
		t.true(images.every(({ error, data, format }) => error === null && data !== null && format === 'png'));
		t.deepEqual(
			await decodedImages(images.map(({ data }) => data as Buffer)),
			images.map((image) => shownAt(source, image.at.getTime() - T0)),
		);
		// Two windows, of 76 and 16 times, in pages of 25.
		t.is(calls(), 5);

		const unpadded = await collect<ArchivedImage>(
			archive.images({ ...range, to: at(13_300) }, { everyMs: 4000, padStart: false }),
		);
		t.deepEqual(
			unpadded.map(({ error }) => error),
			['NO_MEDIA', 'NO_MEDIA', null, null],
		);
		t.deepEqual(JSON.parse(JSON.stringify(unpadded[0])), {
			type: 'image',
			at: '2023-11-14T22:13:21.300Z',
			error: 'NO_MEDIA',
			format: 'jpg',
			size: null,
		});
	},
);

withFfmpeg('few images of a long range are a call each', async (t) => {
	const { archive, calls } = await startLong(t);
	const range = { from: at(5000), to: at(1_000_000), by };
	const images = await collect<ArchivedImage>(archive.images(range, { everyMs: 290_000 }));
	t.deepEqual(
		images.map(({ at: time, error }) => [time.getTime() - T0, error]),
		[
			[5000, null],
			[295_000, null],
			[585_000, 'NO_MEDIA'],
			[875_000, 'NO_MEDIA'],
		],
	);
	t.is(calls(), 4);
});

withFfmpeg('an abort ends the sequence with its reason, and leaving it is a normal end', async (t) => {
	const { archive, calls } = await startLong(t);
	const range = { from: at(0), to: at(300_000), by };
	const controller = new AbortController();
	const reason = new Error('enough');
	const reading = async (): Promise<void> => {
		for await (const image of archive.images(range, { signal: controller.signal })) {
			if (image.at >= at(2000)) controller.abort(reason);
		}
	};
	t.is(await t.throwsAsync(reading()), reason);
	for await (const image of archive.images(range)) {
		t.is(image.at.getTime(), T0);
		break;
	}
	t.true(calls() <= 4);
});

test('expired times are without media, as long as the range ends later', async (t) => {
	const { url, call } = await startServer(t);
	await call('CreateStream', { StreamName: 'door', DataRetentionInHours: 1 });
	const archive = openArchive(t, url);
	const to = new Date();
	const from = new Date(to.getTime() - 3 * 3_600_000);
	const images = await collect<ArchivedImage>(archive.images({ from, to }, { everyMs: 60_000 }));
	t.deepEqual(
		images.map((image) => image.at.getTime()),
		Array.from({ length: 181 }, (_, index) => from.getTime() + index * 60_000),
	);
	t.true(images.every(({ error }) => error === 'NO_MEDIA'));
	const past = new Date(from.getTime() + 60_000);
	const error = await t.throwsAsync(collect(archive.images({ from, to: past })), {
		instanceOf: RequestError,
	});
	t.regex(error.message, /outside of the stream retention period/);
});

const refused: readonly (readonly [option: string, options: ImagesOptions])[] = [
	['everyMs', { everyMs: 199 }],
	['everyMs', { everyMs: 250.5 }],
	['format', { format: 'webp' as 'jpg' }],
	['quality', { quality: 0 }],
	['quality', { quality: 101 }],
	['quality', { quality: 80, format: 'png' }],
	['width', { width: 3841, height: 1 }],
	['height', { width: 100 }],
	['height', { height: 2161 }],
	['every', { every: 1000 } as ImagesOptions],
];

test('a request that the service would refuse is an error at once', (t) => {
	const archive = openArchive(t, 'http://127.0.0.1:9');
	for (const [option, options] of refused) {
		const error = t.throws(() => archive.images({ from: at(0), to: at(1) }, options), {
			instanceOf: InvalidOptionError,
		});
		t.is(error.option, option);
	}
	t.throws(() => archive.images({ from: at(1), to: at(0) }), { instanceOf: InvalidOptionError });
});
