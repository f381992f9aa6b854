import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { MkvReader, Mp4Sink, WavSink } from 'kvs-archive';
import { float, master, string, unsigned } from '#lib/mkv/ebml-writer.js';
import { fragmentDocument, fragmentNumber, recording, trackEntry } from '../helpers/payload.js';
import { hasTool, run, temporaryDirectory } from '../helpers/tools.js';

const clock = resolve('examples/media/clock.mkv');
const startMs = Date.UTC(2026, 0, 31);

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
