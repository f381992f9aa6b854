import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { Frame, MediaEvent } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { Picture } from '#lib/pictures/picture.js';
import { ImageSink } from '#lib/sinks/image-sink.js';
import { recording } from '../helpers/media/payload.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

/** A real frame of a recording, with a time of the test's choosing. */
async function frameAt(timestampMs: number | null): Promise<Frame> {
	const events = Readable.from([recording(1)]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		return Object.defineProperty(event, 'timestampMs', { value: timestampMs }) as Frame;
	}
	throw new Error('no frame in the recording');
}

async function pictureAt(timestampMs: number | null, format: Picture['format'] = 'jpg'): Promise<Picture> {
	const data = Buffer.from(`picture at ${timestampMs}`);
	return new Picture(await frameAt(timestampMs), { width: 4, height: 2, format, data });
}

const start = Date.UTC(2026, 0, 31, 14, 3, 7, 250);

test('images are named by their exact time, those of one time numbered, and listed in order', async (t) => {
	const directory = join(await temporaryDirectory(t), 'deep', 'images');
	const pictures = [
		await pictureAt(start),
		await pictureAt(start),
		await pictureAt(start + 33.367),
		await pictureAt(start + 40, 'rgb24'),
	];
	const sink = new ImageSink(directory);
	await pipeline(Readable.from(pictures), sink);
	t.is(sink.count, 4);
	const names = [
		'2026-01-31T14.03.07.250Z.jpg',
		'2026-01-31T14.03.07.250Z_2.jpg',
		'2026-01-31T14.03.07.283367Z.jpg',
		'2026-01-31T14.03.07.290Z.rgb',
	];
	t.deepEqual((await readdir(directory)).sort(), [...names, 'frames.jsonl'].sort());
	const text = await readFile(join(directory, 'frames.jsonl'), 'utf8');
	t.true(text.endsWith('\n'));
	const lines = text
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line) as Record<string, unknown>);
	t.deepEqual(
		lines.map(({ file }) => file),
		names,
	);
	t.deepEqual(lines[2], {
		file: names[2],
		fragmentNumber: pictures[2]?.fragmentNumber,
		track: pictures[2]?.frame.track.number,
		timestamp: '2026-01-31T14:03:07.283367Z',
		timestampByServer: '2026-01-31T14:03:08.283367Z',
		serverTimestamp: '2026-01-31T00:00:01.000Z',
		producerTimestamp: pictures[2]?.producerTimestamp?.toISOString() ?? null,
		keyframe: pictures[2]?.keyframe,
		width: 4,
		height: 2,
		format: 'jpg',
	});
	t.deepEqual(await readFile(join(directory, names[2] as string)), Buffer.from(pictures[2]?.data ?? []));
});

test('no list before the end, and an error leaves whole images and nothing half written', async (t) => {
	const directory = await temporaryDirectory(t);
	const sink = new ImageSink(directory);
	const picture = await pictureAt(start);
	const error = await t.throwsAsync(
		pipeline(async function* () {
			yield picture;
			await until(
				() => sink.count > 0 && sink.writableLength === 0,
				() => `${sink.count} images, ${sink.writableLength} wait`,
			);
			t.false((await readdir(directory)).includes('frames.jsonl'));
			throw new Error('the source broke');
		}, sink),
	);
	t.is(error?.message, 'the source broke');
	if (!sink.closed) await new Promise<void>((resolve) => sink.once('close', () => resolve()));
	t.deepEqual(await readdir(directory), ['2026-01-31T14.03.07.250Z.jpg']);
});

test('no picture is an error, and makes no directory', async (t) => {
	const directory = join(await temporaryDirectory(t), 'images');
	const error = await t.throwsAsync(pipeline(Readable.from([]), new ImageSink(directory)));
	t.is((error as { code?: string }).code, 'KVS_EMPTY_RANGE');
	await t.throwsAsync(stat(directory), { code: 'ENOENT' });
	t.throws(() => new ImageSink(''), { code: 'KVS_INVALID_OPTION' });
});
