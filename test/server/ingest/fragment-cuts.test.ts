import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { type MadeBlock, matroska } from '../made-media.js';
import { START, startMs } from './ingested.js';
import { listAll, mediaOf, readFrames } from './stored-frames.js';

/** Ingests made blocks and returns what is listed and served. */
async function ingestBlocks(t: ExecutionContext, file: Buffer, scaleNs?: number) {
	const directory = await temporaryDirectory(t);
	const path = join(directory, 'made.mkv');
	await writeFile(path, file);
	const started = await startServer(t, { randomInt: () => 0 });
	const summary = await started.server.archive.ingest('made', path, { start: START.toISOString() });
	const fragments = await listAll(started, 'made');
	const payload = await mediaOf(started, 'made', fragments);
	t.is(
		fragments.reduce((sum, fragment) => sum + fragment.FragmentSizeInBytes, 0),
		payload.byteLength,
	);
	return { summary, fragments, frames: readFrames(payload, scaleNs), started, path };
}

test('cuts at every key frame of the video; audio before the first belongs to it', async (t) => {
	const blocks: MadeBlock[] = [
		{ track: 2, ticks: 500 },
		{ track: 2, ticks: 520 },
		{ track: 1, ticks: 480 },
		{ track: 1, ticks: 980, keyframe: false },
		{ track: 1, ticks: 1480 },
		{ track: 2, ticks: 1470, durationTicks: 21, keyframe: false },
		{ track: 2, ticks: 1490, flags: 0x04, data: Buffer.from([1, 65, 66]) },
		{ track: 1, ticks: 2480 },
	];
	const { summary, fragments, frames } = await ingestBlocks(t, matroska(blocks));
	t.deepEqual(
		fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[500, 20, 0],
	);
	t.deepEqual(
		fragments.map(({ ProducerTimestamp }) => Math.round(ProducerTimestamp * 1000) - startMs),
		[0, 980, 1980],
	);
	t.deepEqual(
		frames.map(({ chunk }) => chunk),
		[0, 0, 0, 0, 1, 1, 1, 2],
	);
	t.deepEqual(
		frames.map(({ timeMs }) => timeMs - startMs),
		[0, 20, -20, 480, 980, 970, 990, 1980],
	);
	t.deepEqual(
		frames.map(({ track }) => track),
		blocks.map(({ track }) => track),
	);
	t.deepEqual(frames[5] && [frames[5].durationTicks, frames[5].keyframe], [21, false]);
	t.deepEqual(frames[6] && [frames[6].flags, [...frames[6].data]], [0x04, [1, 65, 66]]);
	t.is(summary.frames, 9, 'both frames of the laced block count');
	const numbers = fragments.map(({ FragmentNumber }) => BigInt(FragmentNumber) - (1n << 156n));
	t.deepEqual(
		numbers.map((number) => number >> 92n),
		[1n, 2n, 3n],
	);
	t.deepEqual(
		numbers.map((number) => Number((number >> 28n) & ((1n << 64n) - 1n)) - startMs),
		[1000, 1980, 2980],
	);
});

test('cuts where a limit comes before the next key frame', async (t) => {
	const long = Array.from(
		{ length: 91 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 500, keyframe: index === 0 }),
	);
	const byTime = await ingestBlocks(t, matroska(long));
	t.deepEqual(
		byTime.fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[20_000, 20_000, 4000],
	);

	const audio = Array.from({ length: 50 }, (_, index): MadeBlock => ({ track: 2, ticks: index * 100 }));
	const byAudio = await ingestBlocks(t, matroska(audio));
	t.deepEqual(
		byAudio.fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[1900, 1900, 900],
	);

	const fine = Array.from(
		{ length: 20 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 5000, keyframe: index === 0 }),
	);
	const byTicks = await ingestBlocks(t, matroska(fine, { scaleNs: 100_000 }), 100_000);
	t.deepEqual(
		byTicks.frames.map(({ timeMs }) => timeMs - startMs),
		fine.map(({ ticks }) => ticks / 10),
	);
	t.is(byTicks.fragments.length, 3, 'seven steps of 5000 ticks do not fit 16 bits');

	const data = Buffer.alloc(12_000_000, 1);
	const large = Array.from(
		{ length: 9 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 10, keyframe: index === 0, data }),
	);
	const bySize = await ingestBlocks(t, matroska(large));
	t.is(bySize.fragments.length, 3);
	t.true(bySize.fragments.every(({ FragmentSizeInBytes }) => FragmentSizeInBytes <= 50_000_000));
});
