import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { MkvReader, MkvSink, Mp4Sink, WavSink } from 'kvs-archive';
import { float, master, string, unsigned } from '#lib/mkv/ebml-writer.js';
import { fragmentDocument, fragmentNumber, recording, trackEntry } from '../helpers/payload.js';
import { hasTool, run, temporaryDirectory } from '../helpers/tools.js';

const clock = resolve('examples/media/clock.mkv');
const startMs = Date.UTC(2026, 0, 31);
const wavHeaderBytes = 80;

test('Mp4Sink writes a file that plays', async (t) => {
	if (!hasTool(t, 'ffprobe') || !hasTool(t, 'ffmpeg')) return;
	const file = join(await temporaryDirectory(t), 'clock.mp4');
	await pipeline(createReadStream(clock), new MkvReader(), new Mp4Sink(file));
	t.is((await run('ffmpeg', ['-v', 'warning', '-i', file, '-f', 'null', '-'])).stderr, '');
	const count = async (path: string): Promise<string> => {
		const args = [
			'-v',
			'error',
			'-count_packets',
			'-show_entries',
			'stream=codec_name,nb_read_packets',
			'-of',
			'csv',
			path,
		];
		return (await run('ffprobe', args)).stdout;
	};
	t.is(await count(file), await count(clock));
});

test('WavSink writes sound, silence where there was none', async (t) => {
	if (!hasTool(t, 'ffprobe')) return;
	const file = join(await temporaryDirectory(t), 'sound.wav');
	const tracks = [
		trackEntry(1, 'audio', 'A_PCM/INT/LIT', [
			master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
			string('Name', 'hall'),
		]),
	];
	const block = { trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.alloc(16_000, 1) };
	const documents = [0, 5].map((second, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + second * 1000,
			tracks,
			blocks: [block],
		}),
	);
	await pipeline(Readable.from([Buffer.concat(documents)]), new MkvReader(), new WavSink(file));
	const args = ['-v', 'error', '-show_entries', 'stream=codec_name,duration', '-of', 'csv=p=0', file];
	t.is((await run('ffprobe', args)).stdout.trim(), 'pcm_s16le,6.000000');
});

for (const [name, Sink] of [
	['x.mp4', Mp4Sink],
	['x.wav', WavSink],
] as const) {
	test(`${Sink.name} names the track it cannot hold, and leaves no file`, async (t) => {
		const directory = await temporaryDirectory(t);
		const written = pipeline(Readable.from([recording(2)]), new MkvReader(), new Sink(join(directory, name)));
		await t.throwsAsync(written, { code: 'KVS_CODEC_NOT_SUPPORTED', message: /track 1 .*V_TEST/ });
		t.deepEqual(await readdir(directory), []);
	});
}

/** Six fragments of a second of audio, 50 frames each; some frames have other times than they should, from their fragment's start. */
function secondsOfAudio(wrong: Readonly<Record<number, Readonly<Record<number, number>>>>): Buffer {
	const tracks = [
		trackEntry(1, 'audio', 'A_PCM/INT/LIT', [
			master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
		]),
	];
	const documents = Array.from({ length: 6 }, (_, second) =>
		fragmentDocument({
			number: fragmentNumber(second + 1),
			producerMs: startMs + second * 1000,
			tracks,
			blocks: Array.from({ length: 50 }, (_, index) => ({
				trackNumber: 1,
				relativeTicks: wrong[second]?.[index] ?? index * 20,
				keyframe: true,
				data: Buffer.alloc(320, second * 50 + index),
			})),
		}),
	);
	return Buffer.concat(documents);
}

const wrongTimes = {
	'in the middle': { 2: { 25: 30_000 } },
	'back in the middle': { 2: { 25: -30_000 } },
	'in the first frame': { 2: { 0: 30_000 } },
	'in the last frame': { 2: { 49: 30_000 } },
	'in the last two frames': { 2: { 48: 30_000, 49: 30_020 } },
	'in the first fragment': { 0: { 0: -30_000, 20: 30_000 } },
	'in the last fragment': { 5: { 25: 30_000 } },
	'within the fragment': { 2: { 10: 600 } },
};
for (const [title, wrong] of Object.entries(wrongTimes)) {
	test(`a wrong time moves one frame and not those after it: ${title}`, async (t) => {
		const directory = await temporaryDirectory(t);
		for (const [name, Sink] of [
			['x.wav', WavSink],
			['x.mkv', MkvSink],
		] as const) {
			const files = [`right.${name}`, `wrong.${name}`].map((file) => join(directory, file));
			const inputs = [secondsOfAudio({}), secondsOfAudio(wrong)];
			for (const [index, file] of files.entries()) {
				await pipeline(Readable.from([inputs[index]]), new MkvReader(), new Sink(file));
			}
			const [right, other] = await Promise.all(files.map((file) => readFile(file)));
			t.true(other?.equals(right as Buffer), name);
		}
	});
}

test('a late last frame stays where it is if the next fragment comes after it, or if there is none', async (t) => {
	const file = join(await temporaryDirectory(t), 'x.wav');
	const fragment = secondsOfAudio({ 5: { 49: 9000 } });
	await pipeline(Readable.from([fragment]), new MkvReader(), new WavSink(file));
	t.is((await stat(file)).size - wavHeaderBytes, 16_000 * 14 + 320);
});
