import { basename, join } from 'node:path';
import test from 'ava';
import { type ExportOptions, readManifest, type TimeRange, verifyExport } from 'kvs-archive';
import { element, float, master, unsigned } from '#lib/ebml/ebml-writer.js';
import { connectTrack, secondsOfWav } from '../helpers/media/connect-calls.js';
import { decodedStreams } from '../helpers/media/decoding.js';
import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { sample, testWith } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

/** A call of two sides: a second of 1s, 2s … on one, of 101s, 102s … on the other; between the third and the fourth nothing. */
function call({ isQuiet = false } = {}): Buffer {
	const tenth = (value: number): Buffer => Buffer.from(new Int16Array(800).fill(value).buffer);
	return Buffer.concat(
		[0, 1, 2, 5].map((offset, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + offset * 1000,
				tracks: [connectTrack(1, 'AUDIO_FROM_CUSTOMER'), connectTrack(2, 'AUDIO_TO_CUSTOMER')],
				blocks: Array.from({ length: 20 }, (_, block) => ({
					trackNumber: 1 + (block % 2),
					relativeTicks: Math.floor(block / 2) * 100,
					keyframe: true,
					data: tenth(index + 1 + (block % 2) * 100),
				})).filter(({ trackNumber }) => !isQuiet || index === 0 || trackNumber === 1),
			}),
		),
	);
}

test('both sides of a call are the channels of one file, or a file each, aligned on time', async (t) => {
	const served = await startArchive(t, { door: call() });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const stereo = await archive.export(range, join(directory, 'call.wav'));
	t.deepEqual(
		stereo.files.map(({ file }) => file),
		[join(directory, 'call.wav')],
	);
	const silent = [0, 0];
	t.deepEqual(await secondsOfWav(join(directory, 'call.wav'), 2), [
		[1, 2, 3, ...silent, 4],
		[101, 102, 103, ...silent, 104],
	]);
	await archive.export(range, join(directory, 'one.wav'), { tracks: ['AUDIO_TO_CUSTOMER'] });
	t.deepEqual(await secondsOfWav(join(directory, 'one.wav'), 1), [[101, 102, 103, ...silent, 104]]);
	await t.throwsAsync(archive.export(range, join(directory, 'none.wav'), { tracks: ['CUSTOMER'] }), {
		code: 'KVS_NO_SUCH_TRACK',
		message: /^cannot write `none\.wav`: .*`CUSTOMER`.* 1 \(audio, pcm-s16, AUDIO_FROM_CUSTOMER\) and 2 /,
	});
	const split = await archive.export(range, join(directory, 'side.wav'), { channels: 'split' });
	const names = ['side-AUDIO_FROM_CUSTOMER.wav', 'side-AUDIO_TO_CUSTOMER.wav'];
	t.deepEqual(
		split.files.map(({ file }) => basename(file)),
		names,
	);
	t.deepEqual(await secondsOfWav(join(directory, names[0] as string), 1), [[1, 2, 3, ...silent, 4]]);
	t.deepEqual(await secondsOfWav(join(directory, names[1] as string), 1), [[101, 102, 103, ...silent, 104]]);
	// One side falls silent after its first second.
	const quiet = call({ isQuiet: true });
	const other = await startArchive(t, { door: quiet });
	await openArchive(t, other.endpoint).export(range, join(directory, 'quiet.wav'), { channels: 'split' });
	t.deepEqual(await secondsOfWav(join(directory, 'quiet-AUDIO_FROM_CUSTOMER.wav'), 1), [
		[1, 2, 3, ...silent, 4],
	]);
	const ended = [101, 0, 0, ...silent, 0];
	t.deepEqual(await secondsOfWav(join(directory, 'quiet-AUDIO_TO_CUSTOMER.wav'), 1), [ended]);
	const manifest = await readManifest(join(directory, 'side.wav'));
	t.deepEqual((await verifyExport(join(directory, 'side.wav'), manifest as never)).damage, []);
	await archive.export(range, join(directory, 'close.wav'), { gaps: 'close' });
	t.deepEqual(await secondsOfWav(join(directory, 'close.wav'), 2), [
		[1, 2, 3, 4],
		[101, 102, 103, 104],
	]);
});

const samples = [
	'clusters.mkv',
	'output_get_media.mkv',
	'output_get_media_sparse_fragments.mkv',
	'vogels_480.mkv',
];
for (const name of samples) {
	testWith(name, 'ffmpeg')(
		`${name} in every container decodes without a warning, frame for frame`,
		async (t) => {
			const path = sample(name);
			const served = await startArchive(t, { door: path }, { start: new Date(startMs) });
			const archive = openArchive(t, served.endpoint);
			const directory = await temporaryDirectory(t);
			const ever = {
				from: new Date(Date.UTC(2010, 0, 1)),
				to: new Date(Date.UTC(2027, 0, 1)),
				by: 'producer',
			} as const;
			const video: string[] = [];
			for (const [ending, options] of [
				['mkv', {}],
				['mp4', {}],
				['mov', {}],
				['mp4', { faststart: true }],
			] as [string, ExportOptions][]) {
				const file = join(directory, `${video.length}.${ending}`);
				const { frames, files } = await archive.export(ever, file, options);
				const parts = await Promise.all(files.map((part) => decodedStreams(part.file)));
				for (const { stderr } of parts) t.is(stderr, '', file);
				t.is(
					parts.reduce((sum, { packets }) => sum + packets, 0),
					frames,
					file,
				);
				video.push(parts[0]?.hashes.find((hash) => hash.includes(',v,')) ?? '');
			}
			t.regex(video[0] as string, /=[0-9a-f]{32}$/);
			t.is(new Set(video).size, 1, video.join());
		},
	);
}

test('audio alone begins where the range does, and not at the key frame before', async (t) => {
	const tracks = [videoTrack, audioTrack];
	const blocks = Array.from({ length: 20 }, (_, index) => [
		{ trackNumber: 1, relativeTicks: index * 50, keyframe: index === 0, data: Buffer.alloc(8, 1) },
		{ trackNumber: 2, relativeTicks: index * 50, keyframe: true, data: Buffer.alloc(4, 2) },
	]).flat();
	const document = fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, tracks, blocks });
	const served = await startArchive(t, { door: document });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const rest: TimeRange = { from: startMs + 600, to: startMs + 10_000, by: 'producer' };
	const audio = await archive.export(rest, join(directory, 'audio.mkv'), { tracks: ['audio'] });
	t.is(audio.frames, 8);
	t.is((await archive.export(rest, join(directory, 'both.mkv'))).frames, 40);
});

const SPS_AND_PPS = '001b6764000cacd94150878888c044000003000400000300503c50a6580100 0668ebe3cb22c0'.replace(
	' ',
	'',
);

test('.m4a and .wav select the audio of a stream with video; damaged frames that are written are reported', async (t) => {
	const avcC = Buffer.from(`0164000cffe1${SPS_AND_PPS}`, 'hex');
	const tracks = [
		trackEntry(1, 'video', 'V_MPEG4/ISO/AVC', [element('CodecPrivate', [avcC])]),
		trackEntry(2, 'audio', 'A_PCM/INT/LIT', [
			master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
		]),
	];
	const whole = Buffer.from('0000000465888400', 'hex');
	const video = (relativeTicks: number, data: Buffer) => ({
		trackNumber: 1,
		relativeTicks,
		keyframe: true,
		data,
	});
	const audio = { trackNumber: 2, relativeTicks: 0, keyframe: true, data: Buffer.alloc(1600, 1) };
	const blocks = [video(0, whole), audio, video(40, whole.subarray(0, -1)), video(80, Buffer.alloc(0))];
	const document = { number: fragmentNumber(1), producerMs: startMs, tracks, blocks };
	const served = await startArchive(t, { door: fragmentDocument(document) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	for (const name of ['x.m4a', 'x.wav']) {
		t.like(await archive.export(range, join(directory, name)), { frames: 1, bytes: 1600, notices: [] }, name);
	}
	const { frames, notices } = await archive.export(range, join(directory, 'x.mp4'));
	t.is(frames, 3);
	t.deepEqual(notices, [
		{
			fragmentNumber: fragmentNumber(1),
			message:
				'a frame of track 1 is damaged at 2026-01-31T00:00:00.040Z: the lengths of its NAL units do not match its size',
		},
	]);
	const bare = [trackEntry(1, 'video', 'V_MPEG4/ISO/AVC')];
	const lacking = await startArchive(t, {
		door: fragmentDocument({ ...document, tracks: bare, blocks: [video(0, whole)] }),
	});
	for (const [name, message] of [
		['y.mp4', /it has no CodecPrivate, and its key frames hold no SPS and PPS/],
		['y.m4a', /track 1 is V_MPEG4\/ISO\/AVC, and \.m4a holds AAC/],
	] as const) {
		await t.throwsAsync(openArchive(t, lacking.endpoint).export(range, join(directory, name)), {
			code: 'KVS_CODEC_NOT_SUPPORTED',
			message,
		});
	}
});
