import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { MkvSink } from '#lib/sinks/mkv-sink.js';
import { Mp4Sink } from '#lib/sinks/mp4-sink.js';
import { WavSink } from '#lib/sinks/wav-sink.js';
import { decodeAll } from '../helpers/media/decoding.js';
import { fragmentDocument, fragmentNumber, recording, trackEntry } from '../helpers/media/payload.js';
import { blocksOf, pcmRecording, secondOfPcm } from '../helpers/media/pcm.js';
import { startMs } from '../helpers/media/range.js';
import { makeRecording, probe, recordings } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const clock = resolve('examples/media/clock.mkv');
const wavHeaderBytes = 80;

withFfmpeg('Mp4Sink writes a file that plays', async (t) => {
	const file = join(await temporaryDirectory(t), 'clock.mp4');
	await pipeline(createReadStream(clock), new MkvReader(), new Mp4Sink(file));
	t.is((await decodeAll(file)).stderr, '');
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

withFfmpeg('WavSink writes audio, and silence where audio is missing', async (t) => {
	const file = join(await temporaryDirectory(t), 'audio.wav');
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

/** Six fragments of a second; some frames have other times than they should, from their fragment's start. */
function secondsOfAudio(wrong: Readonly<Record<number, Readonly<Record<number, number>>>>): Buffer {
	return pcmRecording(
		Array.from({ length: 6 }, (_, index) =>
			secondOfPcm(startMs + index * 1000, index * 50, wrong[index] ?? {}),
		),
	);
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

/** The bytes of a PCM file's samples, as ffmpeg reads them. */
async function samplesOf(file: string, format: string): Promise<Buffer> {
	const raw = `${file}.raw`;
	await run('ffmpeg', ['-v', 'error', '-i', file, '-f', format, '-c', 'copy', raw]);
	return readFile(raw);
}

for (const [format, track, sizes] of [
	['s16le', { channels: 1, bitDepth: 16 }, [321, 319]],
	['s16le', { channels: 2, bitDepth: 16 }, [1, 2, 641, 3]],
	['s24le', { channels: 2, bitDepth: 24 }, [100, 7, 1000]],
] as const) {
	for (const [name, Sink] of [
		['x.wav', WavSink],
		['x.mkv', MkvSink],
		['x.mp4', Mp4Sink],
	] as const) {
		if (name === 'x.mp4' && format !== 's16le') continue;
		withFfmpeg(
			`samples that span blocks and fragments are whole: ${format}, ${track.channels} channels, ${sizes.join()}, ${name}`,
			async (t) => {
				const sampleBytes = (track.channels * track.bitDepth) / 8;
				const bytes = Buffer.from(
					Array.from({ length: sampleBytes * 8000 }, (_, index) => (index * 7) % 251),
				);
				const file = join(await temporaryDirectory(t), name);
				const fragments = blocksOf(bytes, sizes, { startMs, perFragment: 11, bytesPerMs: sampleBytes * 8 });
				await pipeline(Readable.from([pcmRecording(fragments, track)]), new MkvReader(), new Sink(file));
				t.true((await samplesOf(file, format)).equals(bytes));
			},
		);
	}
}

test('a sample that ends in no block is left out, and what comes after a gap begins with a whole one', async (t) => {
	const file = join(await temporaryDirectory(t), 'x.wav');
	const cut = { startMs, blocks: [{ ms: 0, data: Buffer.alloc(16_001, 1) }] };
	const next = { startMs: startMs + 2000, blocks: [{ ms: 0, data: Buffer.alloc(16_000, 2) }] };
	await pipeline(Readable.from([pcmRecording([cut, next])]), new MkvReader(), new WavSink(file));
	const samples = (await readFile(file)).subarray(wavHeaderBytes);
	t.true(
		samples.equals(
			Buffer.concat([Buffer.alloc(16_000, 1), Buffer.alloc(16_000, 0), Buffer.alloc(16_000, 2)]),
		),
	);
});

for (const [title, fragments] of [
	['between fragments', [secondOfPcm(0, 0), secondOfPcm(startMs, 0)]],
	['of 80 hours', [secondOfPcm(startMs, 0), secondOfPcm(startMs + 80 * 3_600_000, 0)]],
] as const) {
	test(`WavSink refuses to write silence without bound, and names the gap: ${title}`, async (t) => {
		const directory = await temporaryDirectory(t);
		const sink = new WavSink(join(directory, 'x.wav'));
		await t.throwsAsync(pipeline(Readable.from([pcmRecording(fragments)]), new MkvReader(), sink), {
			code: 'KVS_GAP_TOO_LONG',
			message:
				/nothing was recorded for \d+\.\d hours after 1\.000 s .*; use `archive\.export`, which begins a new file after such a gap/,
		});
		t.deepEqual(await readdir(directory), []);
	});
}

for (const [name, Sink] of [
	['x.mkv', MkvSink],
	['x.mp4', Mp4Sink],
] as const) {
	for (const laterMs of [30_000, -30_000]) {
		withFfmpeg(
			`wherever a time is wrong in a recording with B-frames, no other frame moves: ${name}, ${laterMs} ms`,
			async (t) => {
				const directory = await temporaryDirectory(t);
				const source = await makeRecording(recordings['B-frames and AAC']);
				const write = async (place: number): Promise<number[]> => {
					const file = join(directory, `${place}-${name}`);
					await pipeline(
						createReadStream(source),
						new MkvReader(),
						async function* (events: AsyncIterable<MediaEvent>) {
							let index = 0;
							for await (const event of events) {
								yield event.type === 'frame' && index++ === place ? event.movedBy(laterMs) : event;
							}
						},
						new Sink(file),
					);
					return (await probe(file)).packets.map(({ ptsSeconds }) => ptsSeconds * 1000);
				};
				const right = await write(-1);
				// Of a plain file nothing says when it starts: an early first frame may be right.
				for (const place of [laterMs > 0 ? 0 : 32, 33, 99]) {
					const wrong = await write(place);
					const offMs = right.map((ms, index) => Math.abs(ms - (wrong[index] ?? Number.NaN)));
					t.true(offMs.filter((ms) => !(ms < 2)).length <= 1, `${place}: ${offMs.join()}`);
					t.true(Math.max(...offMs) < 200, `${place}: ${offMs.join()}`);
				}
			},
		);
	}
}
