import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import test from 'ava';
import { verifyRecordings } from 'kvs-archive';
import { recordingsIn, startRecorded, timesIn } from '../helpers/record-run.js';

/** Times of the frames that a test puts for some seconds. */
const framesOf = (...seconds: number[]): number[] =>
	seconds.flatMap((second) => [second * 1000, second * 1000 + 40]);

test('finished files, named by their start, hold each frame once, and the list says what is in them', async (t) => {
	const { put, record, directory, untilNow } = await startRecorded(t);
	const numbers = await put(1, 2, 3, 4, 5, 6, 7);
	const seen: string[] = [];
	const summary = await record({
		split: { everyMs: 3000 },
		until: await untilNow(),
		onRecording: ({ file }) => {
			seen.push(file);
		},
	});
	t.like(summary, { isComplete: true, delivered: 7, recordings: 3 });
	const recordings = await recordingsIn(directory);
	t.deepEqual(
		recordings.map(({ file }) => file),
		[
			'cam-1970-01-01T00-00-01.000Z.mkv',
			'cam-1970-01-01T00-00-04.000Z.mkv',
			'cam-1970-01-01T00-00-07.000Z.mkv',
		],
	);
	t.deepEqual(
		seen,
		recordings.map(({ file }) => file),
	);
	t.deepEqual((await readdir(directory)).sort(), ['.recorder.journal', ...seen, 'recordings.jsonl']);
	t.deepEqual(await timesIn(directory, recordings[0] as never), framesOf(1, 2, 3));
	t.deepEqual(await timesIn(directory, recordings[1] as never), framesOf(4, 5, 6));
	t.deepEqual(await timesIn(directory, recordings[2] as never), framesOf(7));
	t.deepEqual(
		recordings.flatMap(({ fragments }) => fragments),
		numbers,
	);
	t.like(recordings[1], {
		start: '1970-01-01T00:00:04.000Z',
		end: '1970-01-01T00:00:06.080Z',
		frames: 6,
		cut: { reason: 'duration', fragmentNumber: numbers[3] },
		failures: [],
		notices: [],
	});
	t.like(await verifyRecordings(directory), { recordings: 3, fragments: 7, frames: 14, damage: [] });
});

test('the next run goes on after what is recorded, wherever the checkpoint is', async (t) => {
	const { put, record, directory, untilNow } = await startRecorded(t);
	await put(1, 2);
	await record({ until: await untilNow() });
	await put(3);
	// `from` counts for the first run only.
	await record({ until: await untilNow(), from: 'earliest' });
	const times = await Promise.all((await recordingsIn(directory)).map((one) => timesIn(directory, one)));
	t.deepEqual(times, [framesOf(1, 2), framesOf(999_999), framesOf(3)]);
	t.true(existsSync(directory));
});
