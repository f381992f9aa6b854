import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { Frame } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { unsigned } from '#lib/ebml/ebml-writer.js';
import { MkvSink } from '#lib/sinks/mkv-sink.js';
import { decodeAll } from '../helpers/media/decoding.js';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	recording,
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { sample, testWith } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

async function write(payload: Uint8Array, file: string): Promise<void> {
	await pipeline(Readable.from([payload]), new MkvReader(), new MkvSink(file));
}

const timesMs = (frames: readonly Frame[]): number[] =>
	frames.map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));
const digest = (frames: readonly Frame[]): string => {
	const hash = createHash('sha256');
	for (const { data } of frames) hash.update(data);
	return hash.digest('hex');
};

test("many fragments become one document, with the producer's times from 0 on", async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	await write(recording(5), file);
	const frames = await matroskaFrames(file);
	t.deepEqual(timesMs(frames), [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
	t.deepEqual(
		frames.map(({ keyframe }) => keyframe),
		[true, false, true, false, true, false, true, false, true, false],
	);
	t.deepEqual(new Set(frames.map(({ index }) => index)), new Set([0]));
	t.is(Buffer.from(frames[3]?.data ?? []).toString(), 'frame-0003');
});

test('a gap stays as long as it was', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const far = startMs + 3_600_000;
	await write(
		Buffer.concat([
			fragmentDocument({ number: fragmentNumber(1), producerMs: startMs }),
			fragmentDocument({ number: fragmentNumber(2), producerMs: far }),
		]),
		file,
	);
	t.deepEqual(timesMs(await matroskaFrames(file)), [0, 3_600_000]);
});

test("where the producer's clock goes back, the file continues after what it has", async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const at = [0, 2000, 0, 2000].map((offset, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + offset,
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1, { relativeTicks: 1000 })],
		}),
	);
	await write(Buffer.concat(at), file);
	const times = timesMs(await matroskaFrames(file));
	t.deepEqual(times.slice(0, 4), [0, 1000, 2000, 3000]);
	t.deepEqual(times.slice(4), [4000, 5000, 6000, 7000]);
});

test('a short last frame does not shift the next fragment, which keeps its producer time', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const at = [0, 1000, 2000].map((offset, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + offset,
			blocks: [0, 480, 990].map((relativeTicks, frame) =>
				frameBlock(frame, { keyframe: frame === 0, relativeTicks }),
			),
		}),
	);
	await write(Buffer.concat(at), file);
	t.deepEqual(timesMs(await matroskaFrames(file)), [0, 480, 990, 1000, 1480, 1990, 2000, 2480, 2990]);
});

test('frames before the first one in the file get times too, and none is negative', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const blocks = [
		frameBlock(0, { keyframe: true, relativeTicks: 0 }),
		frameBlock(1, { keyframe: true, relativeTicks: -20, trackNumber: 2 }),
		frameBlock(2, { relativeTicks: 40 }),
	];
	await write(
		fragmentDocument({
			number: fragmentNumber(1),
			producerMs: startMs,
			tracks: [videoTrack, audioTrack],
			blocks,
		}),
		file,
	);
	const frames = await matroskaFrames(file);
	t.deepEqual(timesMs(frames), [20, 0, 60]);
	t.deepEqual(
		frames.map(({ track }) => track.number),
		[1, 2, 1],
	);
});

test('durations of blocks are kept', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const blocks = [
		{ ...frameBlock(0, { keyframe: true }), durationTicks: 30 },
		{ ...frameBlock(1), durationTicks: 50 },
	];
	await write(fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, blocks }), file);
	const frames = await matroskaFrames(file);
	t.deepEqual(
		frames.map(({ durationMs, keyframe }) => [durationMs, keyframe]),
		[
			[30, true],
			[50, false],
		],
	);
});

test('the same frames give the same bytes', async (t) => {
	const directory = await temporaryDirectory(t);
	await write(recording(20), join(directory, 'a.mkv'));
	await write(recording(20), join(directory, 'b.mkv'));
	t.deepEqual(await readFile(join(directory, 'a.mkv')), await readFile(join(directory, 'b.mkv')));
});

test('a track that changes its codec ends the file with an error that says where', async (t) => {
	const directory = await temporaryDirectory(t);
	const other = trackEntry(1, 'video', 'V_OTHER', [unsigned('DefaultDuration', 40_000_000)]);
	const payload = Buffer.concat([
		fragmentDocument({ number: fragmentNumber(1), producerMs: startMs }),
		fragmentDocument({ number: fragmentNumber(2), producerMs: startMs + 2000, tracks: [other] }),
	]);
	const error = await t.throwsAsync(write(payload, join(directory, 'out.mkv')));
	t.like(error, { name: 'SinkError', code: 'KVS_TRACKS_CHANGED' });
	t.true(error?.message.includes(fragmentNumber(2)), error?.message);
	t.deepEqual(await readdir(directory), []);
});

test('a track that differs only in its DefaultDuration is the same track', async (t) => {
	const directory = await temporaryDirectory(t);
	const again = trackEntry(1, 'video', 'V_TEST', [unsigned('DefaultDuration', 40_000_000)]);
	const first = trackEntry(1, 'video', 'V_TEST');
	const payload = Buffer.concat([
		fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, tracks: [first] }),
		fragmentDocument({ number: fragmentNumber(2), producerMs: startMs + 2000, tracks: [again] }),
	]);
	await write(payload, join(directory, 'out.mkv'));
	t.is((await matroskaFrames(join(directory, 'out.mkv'))).length, 2);
});

test('nothing to write is an error and leaves no file', async (t) => {
	const directory = await temporaryDirectory(t);
	await t.throwsAsync(write(Buffer.alloc(0), join(directory, 'out.mkv')), { code: 'KVS_EMPTY_RANGE' });
	t.deepEqual(await readdir(directory), []);
});

test('a failure on the way leaves the file that was there', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'out.mkv');
	await writeFile(file, 'before');
	const payload = Buffer.concat([recording(3), Buffer.alloc(16)]);
	const sink = new MkvSink(file);
	const written = pipeline(Readable.from([payload]), new MkvReader(), sink);
	await t.throwsAsync(written, { code: 'KVS_MKV_MALFORMED' });
	// Node 20 reports the error of another stream before the last one is closed.
	await until(
		() => sink.closed,
		() => 'the sink is not closed',
	);
	t.is(await readFile(file, 'utf8'), 'before');
	t.deepEqual(await readdir(directory), ['out.mkv']);
});

test('an existing file is replaced when the new one is whole', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	await writeFile(file, 'before');
	await write(recording(1), file);
	t.is((await matroskaFrames(file)).length, 2);
});

test('a directory that does not exist is named', async (t) => {
	const file = join(await temporaryDirectory(t), 'none', 'out.mkv');
	const error = await t.throwsAsync(write(recording(1), file));
	t.like(error, { code: 'KVS_SINK_FAILED' });
	t.true(error?.message.includes('its directory does not exist'), error?.message);
});

testWith('vogels_480.mkv')("frames without a producer clock take their container's times", async (t) => {
	const path = sample('vogels_480.mkv');
	const file = join(await temporaryDirectory(t), 'out.mkv');
	await pipeline(createReadStream(path), new MkvReader(), new MkvSink(file));
	const [before, after] = await Promise.all([matroskaFrames(path), matroskaFrames(file)]);
	t.is(digest(after), 'c3ebfc5bb947e1b4f8aa81243483cb0f73bf5a1a9b7269f88442d2828bcddbdd');
	t.deepEqual(timesMs(after), timesMs(before));
});

for (const name of [
	'output_get_media.mkv',
	'output_get_media_sparse_fragments.mkv',
	'clusters.mkv',
	'vogels_480.mkv',
]) {
	testWith(
		name,
		'ffmpeg',
		'mkvmerge',
	)(`players take ${name} without a warning, and can seek in it`, async (t) => {
		const path = sample(name);
		const directory = await temporaryDirectory(t);
		const file = join(directory, 'out.mkv');
		await pipeline(createReadStream(path), new MkvReader(), new MkvSink(file));
		const decoded = await decodeAll(file);
		t.deepEqual(decoded, { code: 0, stdout: '', stderr: '' });
		const sought = await run('ffmpeg', [
			'-nostdin',
			'-v',
			'warning',
			'-ss',
			'5',
			'-i',
			file,
			'-frames:v',
			'1',
			'-f',
			'null',
			'-',
		]);
		t.deepEqual(sought, { code: 0, stdout: '', stderr: '' });
		const merged = await run('mkvmerge', ['-o', join(directory, 'merged.mkv'), file]);
		t.is(merged.code, 0, merged.stdout);
		t.notRegex(merged.stdout, /warning/i);
	});
}
