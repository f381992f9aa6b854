import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { audioFormat } from '#lib/codecs/audio-format.js';
import type { Track } from '#lib/model/track.js';
import type { MuxerState, PlacedFrame } from '#lib/muxing/muxer.js';
import { wavHeader } from '#lib/muxing/wav-header.js';
import { createWavMuxer } from '#lib/muxing/wav-muxer.js';
import { madeTrack, muxed, placedFrame, placedRecording } from '../helpers/media/muxing.js';
import { makeRecording, recordings } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const RATE = 8000;
const PER_MS = RATE / 1000;
const pcm = (number: number, more: Partial<ConstructorParameters<typeof Track>[0]> = {}): Track =>
	madeTrack({ number, codec: 'pcm-s16', sampleRate: RATE, channels: 1, ...more });
const left = pcm(1, { name: 'AUDIO_FROM_CUSTOMER' });
const right = pcm(2, { name: 'AUDIO_TO_CUSTOMER' });

const writer =
	(...tracks: Track[]) =>
	(restored: MuxerState | null) =>
		createWavMuxer(tracks, restored);

/** The samples after the header, by channel. */
function channelsOf(file: Buffer, channels = 1): number[][] {
	const data = file.subarray(file.indexOf('data') + 8);
	return Array.from({ length: channels }, (_, channel) =>
		Array.from({ length: data.byteLength / (2 * channels) }, (__, at) =>
			data.readInt16LE(2 * (at * channels + channel)),
		),
	);
}

/** `count` samples that count on from `first`. */
function counted(first: number, count: number): Buffer {
	const bytes = Buffer.alloc(2 * count);
	for (let index = 0; index < count; index++) bytes.writeInt16LE(first + index, 2 * index);
	return bytes;
}

const audio = (track: Track, ms: number, first: number, count: number): PlacedFrame =>
	placedFrame(track, ms, counted(first, count));

test('frames whose times are rounded are laid end to end', async (t) => {
	const frames = [audio(left, 0, 1, 83), audio(left, 10, 84, 83), audio(left, 21, 167, 83)];
	const [samples] = channelsOf(await muxed(writer(left), [frames]));
	t.deepEqual(
		samples,
		Array.from({ length: 249 }, (_, index) => index + 1),
	);
});

test('missing audio is silence, and repeated audio is left out', async (t) => {
	const frames = [
		audio(left, 0, 1, 800),
		audio(left, 500, 801, 800),
		audio(left, 540, 1121, 800),
		audio(left, 0, 1, 80),
	];
	const [samples] = channelsOf(await muxed(writer(left), [frames]));
	const at = (ms: number): number | undefined => samples?.[ms * PER_MS];
	t.deepEqual([at(0), at(99.875), at(100), at(499.875), at(500), at(600)], [1, 800, 0, 0, 801, 1601]);
	t.is(samples?.length, 640 * PER_MS);
});

test('the tracks are the channels, each silent where it has nothing', async (t) => {
	const fragments = [
		[audio(left, 0, 1, 800), audio(right, 50, 2001, 800)],
		[audio(left, 1000, 801, 800)],
		[audio(right, 1100, 3001, 800)],
	];
	const file = await muxed(writer(left, right), fragments);
	const [first, second] = channelsOf(file, 2);
	const nonZero = (samples: number[] = []): string =>
		[0, 49, 50, 99, 100, 149, 150, 999, 1000, 1099, 1100, 1199]
			.map((ms) => (samples[ms * PER_MS] ? 'x' : '.'))
			.join('');
	t.is(nonZero(first), 'xxxx....xx..');
	// 50 ms are within what is taken for jitter.
	t.is(nonZero(second), 'xxxx......xx');
	t.is(first?.length, 1200 * PER_MS);
});

const packets = fc.array(
	fc.record({
		lengthMs: fc.integer({ min: 1, max: 160 }),
		gapMs: fc.oneof(
			{ weight: 4, arbitrary: fc.constant(0) },
			{ weight: 1, arbitrary: fc.integer({ min: 101, max: 900 }) },
		),
		jitterMs: fc.integer({ min: -20, max: 20 }),
	}),
	{ minLength: 1, maxLength: 20 },
);

testProp(
	'however a recording is cut into fragments, every sample is there, in order, at most 50 ms off its time',
	[packets, packets, fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 6 })],
	async (t, ...[leftPackets, rightPackets, cuts]) => {
		const placed = [leftPackets, rightPackets].map((list, side) => {
			let ms = 0;
			let first = 1;
			return list.map(({ lengthMs, gapMs, jitterMs }) => {
				ms += gapMs;
				const [startMs, count] = [ms, lengthMs * PER_MS];
				const frame = audio(side === 0 ? left : right, Math.max(0, ms + jitterMs), first, count);
				first += count;
				ms += lengthMs;
				return { frame, startMs, first: first - count, count };
			});
		});
		const frames = placed.flat().sort((a, b) => a.startMs - b.startMs);
		const bounds = [...cuts.sort((a, b) => a - b), Number.POSITIVE_INFINITY];
		const fragments = bounds.map((bound, index) =>
			frames
				.filter(({ startMs }) => startMs < bound && startMs >= (bounds[index - 1] ?? 0))
				.map(({ frame }) => frame),
		);
		const file = await muxed(writer(left, right), fragments, { isRestored: true });
		t.true(file.equals(await muxed(writer(left, right), fragments)), 'restored before every fragment');
		const channels = channelsOf(file, 2);
		for (const [side, list] of placed.entries()) {
			const samples = channels[side] as number[];
			const total = list.reduce((sum, { count }) => sum + count, 0);
			t.deepEqual(
				samples.filter((value) => value !== 0),
				Array.from({ length: total }, (_, index) => index + 1),
			);
			for (const { first, frame } of list) {
				const errorMs = samples.indexOf(first) / PER_MS - frame.ms;
				t.true(Math.abs(errorMs) <= 50, `${errorMs} ms`);
			}
		}
		const ends = placed.map((list) =>
			Math.max(...list.map(({ startMs, count }) => startMs + count / PER_MS)),
		);
		const lengthMs = (channels[0]?.length ?? 0) / PER_MS;
		t.true(Math.abs(lengthMs - Math.max(...ends)) <= 70);
	},
);

test('big-endian samples are byte-swapped, and a cut sample is left out', async (t) => {
	const track = madeTrack({ codecId: 'A_PCM/INT/BIG', bitDepth: 24, sampleRate: RATE, channels: 1 });
	const file = await muxed(writer(track), [[placedFrame(track, 0, Buffer.from('0102030405060708', 'hex'))]]);
	t.is(file.subarray(file.indexOf('data') + 8).toString('hex'), '030201060504');
	t.is(audioFormat(track)?.codec, 'pcm-s24be');
});

test('a file of an odd length has a padding byte after it', async (t) => {
	const track = madeTrack({ codec: 'alaw', sampleRate: RATE, channels: 1 });
	const file = await muxed(writer(track), [
		[placedFrame(track, 0, Buffer.alloc(3, 1)), placedFrame(track, 100, Buffer.alloc(2, 1))],
	]);
	const data = file.indexOf('data');
	t.is(file.readUInt32LE(data + 4), 802);
	t.is(file.readUInt32LE(4), file.byteLength - 8);
	t.is(file[data + 8 + 3], 0xd5);
	const odd = await muxed(writer(track), [[placedFrame(track, 0, Buffer.alloc(3, 1))]]);
	t.is(odd.byteLength % 2, 0);
	t.is(odd.readUInt32LE(odd.indexOf('data') + 4), 3);
});

test('over 4 GiB a file is RF64, with a header of the same length', (t) => {
	const format = {
		audio: audioFormat(left) as NonNullable<ReturnType<typeof audioFormat>>,
		channels: 2,
		sampleRate: RATE,
	};
	const dataBytes = 5 * 2 ** 30;
	const large = wavHeader(format, dataBytes);
	t.is(large.byteLength, wavHeader(format, 0).byteLength);
	t.is(large.toString('latin1', 0, 4), 'RF64');
	t.is(large.toString('latin1', 12, 16), 'ds64');
	t.is(large.readBigUInt64LE(20), BigInt(large.byteLength + dataBytes - 8));
	t.is(large.readBigUInt64LE(28), BigInt(dataBytes));
	t.is(wavHeader(format, 2 ** 31).toString('latin1', 0, 4), 'RIFF');
});

test('an hour of silence takes no memory of its own', async (t) => {
	const muxer = createWavMuxer([left, right]);
	await muxer.begin();
	const slices = muxer.fragment([audio(left, 0, 1, 8), audio(right, 3_600_000, 1, 8)], 0);
	t.true(new Set(slices.map(({ buffer }) => buffer)).size < 10);
	t.is(
		slices.reduce((sum, { byteLength }) => sum + byteLength, 0),
		(3_600_001 - 250) * PER_MS * 4,
	);
});

for (const [name, codec] of [
	['16-bit PCM', 'pcm_s16le'],
	['µ-law', 'pcm_mulaw'],
] as const) {
	withFfmpeg(`ffmpeg decodes ${name} without loss`, async (t) => {
		const directory = await temporaryDirectory(t);
		const source = await makeRecording(recordings[name]);
		const { tracks, fragments } = await placedRecording(source, { only: 'audio' });
		const file = join(directory, 'out.wav');
		await writeFile(file, await muxed(writer(...tracks), fragments));
		const digest = (path: string) =>
			run('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-map', '0:a', '-f', 'md5', '-']);
		const heard = await digest(file);
		t.deepEqual(heard, { ...(await digest(source)), stderr: '' });
		const { stdout } = await run('ffprobe', [
			'-v',
			'error',
			'-show_entries',
			'stream=codec_name,duration',
			'-of',
			'csv=p=0',
			file,
		]);
		t.is(stdout.trim(), `${codec},4.000000`);
	});
}

withFfmpeg('ffprobe reads the codec, channels and sample rate of every format', async (t) => {
	const directory = await temporaryDirectory(t);
	for (const [codec, name] of [
		['pcm-u8', 'pcm_u8'],
		['pcm-s24', 'pcm_s24le'],
		['pcm-s32', 'pcm_s32le'],
		['pcm-f32', 'pcm_f32le'],
		['alaw', 'pcm_alaw'],
	] as const) {
		for (const channels of [1, 2, 3]) {
			const track = pcm(1, { codec, channels });
			const file = join(directory, `${codec}-${channels}.wav`);
			await writeFile(file, await muxed(writer(track), [[placedFrame(track, 0, Buffer.alloc(2400))]]));
			const { stdout, stderr } = await run('ffprobe', [
				'-v',
				'error',
				'-show_entries',
				'stream=codec_name,channels,sample_rate',
				'-of',
				'csv=p=0',
				file,
			]);
			t.deepEqual([stdout.trim(), stderr], [`${name},8000,${channels}`, '']);
		}
	}
});

test('compressed audio is refused', (t) => {
	t.throws(() => createWavMuxer([madeTrack({ codec: 'opus', sampleRate: 48_000, channels: 2 })]), {
		code: 'KVS_CODEC_NOT_SUPPORTED',
	});
});
