import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { DatasetSink, type Frame, type MediaEvent, MkvReader, Picture, verifyDataset } from 'kvs-archive';
import { recording } from '../helpers/media/payload.js';
import { temporaryDirectory } from '../helpers/tools.js';

const start = Date.UTC(2026, 0, 31, 14, 3, 7, 250);

/** A picture of a time and a track of the test's choosing. */
async function pictureAt(
	timestampMs: number | null,
	number = 1,
	format: Picture['format'] = 'jpg',
): Promise<Picture> {
	const events = Readable.from([recording(1)]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		const track = Object.defineProperty(Object.create(event.track), 'number', { value: number });
		const timed = Object.defineProperties(event, {
			timestampMs: { value: timestampMs },
			track: { value: track },
		});
		const data = Buffer.from(`picture at ${timestampMs} of ${number}`);
		return new Picture(timed as Frame, { width: 4, height: 2, format, data });
	}
	throw new Error('no frame in the recording');
}

const TIMES = [start, start, start + 33.367, start - 500, start, start + 33.367, start + 40] as const;

test('no two pictures have the same name, even with equal times, two tracks or a clock that goes back', async (t) => {
	const pictures = [
		...(await Promise.all(TIMES.map((time) => pictureAt(time)))),
		...(await Promise.all([start, start, null].map((time) => pictureAt(time, 2)))),
	];
	const files = join(await temporaryDirectory(t), 'files');
	await pipeline(Readable.from(pictures), new DatasetSink(files));
	const list = (await readFile(join(files, 'frames.jsonl'), 'utf8')).trimEnd().split('\n');
	const expected = [
		'2026-01-31T14.03.07.250Z.jpg',
		'2026-01-31T14.03.07.250Z_2.jpg',
		'2026-01-31T14.03.07.283367Z.jpg',
		'2026-01-31T14.03.06.750Z_3.jpg',
		'2026-01-31T14.03.07.250Z_4.jpg',
		'2026-01-31T14.03.07.283367Z_5.jpg',
		'2026-01-31T14.03.07.290Z.jpg',
		'2026-01-31T14.03.07.250Z_track2.jpg',
		'2026-01-31T14.03.07.250Z_track2_2.jpg',
	];
	t.deepEqual(list.map((line) => JSON.parse(line).file).slice(0, expected.length), expected);
	t.regex(JSON.parse(list[9] as string).file, /^\d{15}us_track2_3\.jpg$/);
	t.like(await verifyDataset(files), { pictures: 10, files: 11, damage: [] });

	const folder = join(await temporaryDirectory(t), 'folder');
	await pipeline(Readable.from(pictures), new DatasetSink(folder, { layout: 'imagefolder' }));
	const names = (await readFile(join(folder, 'metadata.jsonl'), 'utf8'))
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line).file_name as string);
	t.is(new Set(names).size, 10);
	t.is(names[3], '20260131T140306750000Z-t1-3.jpg');
	t.true(names.every((name) => /^[^.:]+\.jpg$/.test(name)));

	const shards = join(await temporaryDirectory(t), 'shards');
	const sink = new DatasetSink(shards, { layout: 'webdataset', name: 'my camera', shardSizeBytes: 6000 });
	await pipeline(Readable.from(pictures), sink);
	t.is(sink.count, 10);
	t.deepEqual((await readdir(shards)).sort(), [
		'manifest.jsonl',
		...[0, 1, 2, 3].map((number) => `my_camera-00000${number}.tar`),
		...[0, 1].map((number) => `my_camera-track2-00000${number}.tar`),
	]);
	t.like(await verifyDataset(shards), { pictures: 10, files: 6, damage: [] });
});

test('a sink that fails leaves no list; the next starts over, and one that is finished is left', async (t) => {
	const folder = join(await temporaryDirectory(t), 'deep', 'pictures');
	const first = await pictureAt(start);
	const broken = new DatasetSink(folder);
	const closed = new Promise((resolve) => broken.once('close', resolve));
	await t.throwsAsync(
		pipeline(async function* () {
			yield first;
			throw new Error('the source broke');
		}, broken),
		{ message: 'the source broke' },
	);
	await closed;
	await pipeline(Readable.from([await pictureAt(start + 1)]), new DatasetSink(folder));
	t.deepEqual((await readdir(folder)).sort(), [
		'2026-01-31T14.03.07.251Z.jpg',
		'frames.jsonl',
		'manifest.jsonl',
	]);
	await t.throwsAsync(pipeline(Readable.from([first]), new DatasetSink(folder)), {
		code: 'KVS_SINK_FAILED',
		message: /it has the pictures of another request; name another folder, or remove this one$/,
	});
	t.like(await verifyDataset(folder), { pictures: 1, damage: [] });
	const none = join(await temporaryDirectory(t), 'none');
	await t.throwsAsync(pipeline(Readable.from([]), new DatasetSink(none)), { code: 'KVS_EMPTY_RANGE' });
	const raw = pipeline(
		Readable.from([await pictureAt(start, 1, 'gray')]),
		new DatasetSink(none, { layout: 'imagefolder' }),
	);
	await t.throwsAsync(raw, {
		code: 'KVS_INVALID_OPTION',
		message: /with the layout imagefolder, got `gray`/,
	});
	await t.throwsAsync(readdir(none), { code: 'ENOENT' });
	t.throws(() => new DatasetSink('', {}), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => new DatasetSink('x', { layout: 'tar' as never }), { code: 'KVS_INVALID_OPTION' });
});
