import { basename, join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ExportOptions } from 'kvs-archive';
import { element, float, master, unsigned } from '#lib/ebml/ebml-writer.js';
import { decodeAll } from '../helpers/media/decoding.js';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import { packetTimes } from '../helpers/media/packet-times.js';
import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	recording,
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

test('frames that are shown before the key frame they follow close what looks like a gap', async (t) => {
	const shown = [
		[0, 40, 80, 120, 160, 200],
		// The key frame follows the last frame by 280 ms, and is followed by those in between: an open group.
		[480, 240, 280, 320, 360, 400, 440, 520, 560],
	];
	const media = shown.map((times, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + (times[0] as number),
			blocks: times.map((ms, frame) =>
				frameBlock(frame, { keyframe: frame === 0, relativeTicks: ms - (times[0] as number) }),
			),
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(media) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { files, gaps, merged } = await openArchive(t, served.endpoint).export(range, file, { split: 'gap' });
	t.deepEqual(
		files.map(({ durationMs }) => durationMs),
		[600],
	);
	t.deepEqual([gaps, merged.gap], [0, 0]);
});

test('where only the video paused, closing the gap leaves the audio as it was', async (t) => {
	const audio = (times: readonly number[]) =>
		times.map((relativeTicks) => frameBlock(0, { keyframe: true, trackNumber: 2, relativeTicks }));
	const tenths = (from: number, to: number) =>
		Array.from({ length: (to - from) / 100 }, (_, index) => from + 100 * index);
	const media = [
		[0, tenths(0, 1000)],
		// Audio of the time without video comes with the next frame of video.
		[9000, tenths(-8000, 1000)],
	] as const;
	const documents = media.map(([ms, times], index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + ms,
			tracks: [videoTrack, audioTrack],
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1, { relativeTicks: 500 }), ...audio(times)],
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(documents) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	await openArchive(t, served.endpoint).export(range, file, { gaps: 'close' });
	const heard: number[] = [];
	for (const { track, timecodeNs } of await matroskaFrames(file)) {
		if (track.number === 2) heard.push(Number(timecodeNs / 1_000_000n));
	}
	t.deepEqual(heard, tenths(0, 10_000));
});

test('time that is left out does not count where files are cut by length', async (t) => {
	const hour = 3_600_000;
	const media = [0, hour, 2 * hour].map((offset, index) =>
		recording(5, { startMs: startMs + offset, firstNumber: 1 + 5 * index }),
	);
	const served = await startArchive(t, { door: Buffer.concat(media) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const day = { ...range, to: new Date(startMs + 24 * hour) };
	const options = { gaps: 'close', split: { everyMs: 20_500 } } as const;
	const { files } = await openArchive(t, served.endpoint).export(day, file, options);
	t.deepEqual(
		files.map(({ durationMs }) => durationMs),
		[20_000, 10_000],
	);
});

test('a pause too long for a classic MP4 begins a new file', async (t) => {
	const hour = 3_600_000;
	const avc = trackEntry(1, 'video', 'V_MPEG4/ISO/AVC', [
		master('Video', [unsigned('PixelWidth', 320), unsigned('PixelHeight', 240)]),
		element('CodecPrivate', [Buffer.from('0142c01effe1000867640028acd940f001000468ebe3cb', 'hex')]),
	]);
	const at = [0, 12, 36].map((hours, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + hours * hour,
			tracks: [avc],
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1)],
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(at) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const days = { ...range, to: new Date(startMs + 48 * hour) };
	const kept = await archive.export(days, join(directory, 'x.mp4'), { faststart: true });
	t.deepEqual(
		kept.files.map(({ file, cut }) => [basename(file), cut?.reason]),
		[
			['x-001.mp4', undefined],
			['x-002.mp4', 'gap'],
		],
	);
	t.regex(kept.files[1]?.cut?.detail ?? '', /^track 1 has no frames for 24\.0 hours/);
	for (const [name, options] of [
		['fragmented.mp4', {}],
		['closed.mp4', { faststart: true, gaps: 'close' }],
	] as [string, ExportOptions][]) {
		const { files } = await archive.export(days, join(directory, name), options);
		t.is(files.length, 1, name);
	}
});

for (const [name, codecId, codecPrivate, data, frameMs] of [
	['AAC at 8 kHz', 'A_AAC', '1588', '00c800802380', 128],
	['Opus of 60 ms', 'A_OPUS', '', '18ffffff', 60],
	['Opus of six frames of 20 ms', 'A_OPUS', '', '7b06fffffe', 120],
] as const) {
	test(`silence fills what is missing, and nothing else: ${name}`, async (t) => {
		const audio = trackEntry(1, 'audio', codecId, [
			master('Audio', [
				float('SamplingFrequency', codecId === 'A_AAC' ? 8000 : 48_000),
				unsigned('Channels', 1),
			]),
			element('CodecPrivate', [Buffer.from(codecPrivate, 'hex')]),
		]);
		const media = [0, 1, 3].map((place, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + place * 5 * frameMs,
				tracks: [audio],
				blocks: Array.from({ length: 5 }, (_, frame) => ({
					trackNumber: 1,
					relativeTicks: frame * frameMs,
					keyframe: true,
					data: Buffer.from(data, 'hex'),
				})),
			}),
		);
		const served = await startArchive(t, { door: Buffer.concat(media) });
		const file = join(await temporaryDirectory(t), 'x.mkv');
		await openArchive(t, served.endpoint).export(range, file, { gaps: 'fill' });
		const times = (await matroskaFrames(file)).map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));
		const silentMs = times.filter((ms) => ms > 9 * frameMs && ms < 15 * frameMs);
		t.deepEqual(
			times.filter((ms) => ms <= 9 * frameMs),
			Array.from({ length: 10 }, (_, frame) => frame * frameMs),
		);
		t.is(silentMs[0], 10 * frameMs);
		t.is(times.length - silentMs.length, 15);
	});
}

const clock = resolve('examples/media/clock.mkv');

for (const ending of ['mp4', 'mkv', 'mov'] as const) {
	withFfmpeg(
		`audio and video stay together over gaps that are kept, closed and filled (.${ending})`,
		async (t) => {
			const served = await startArchive(t, { door: clock }, { start: new Date(startMs) });
			await served.server.archive.ingest('door', await copyOf(t, clock), {
				start: new Date(startMs + 60_000),
			});
			const archive = openArchive(t, served.endpoint);
			const directory = await temporaryDirectory(t);
			const source = await packetTimes(clock);
			const first = Math.min(source.video[0] as number, source.audio[0] as number);
			for (const gaps of ['keep', 'close', 'fill'] as const) {
				const file = join(directory, `${gaps}.${ending}`);
				const summary = await archive.export(range, file, { gaps });
				t.is(summary.gaps, 1, gaps);
				t.is(summary.merged.gap, 1);
				const { stderr } = await decodeAll(file);
				t.is(stderr, '', gaps);
				const { video, audio } = await packetTimes(file);
				t.is(video.length, 2 * source.video.length);
				// Where the second half begins: exactly as far from the first as it was recorded, or right after it.
				const again = (video[source.video.length] as number) - (video[0] as number);
				const shift = gaps === 'close' ? again : 60;
				t.true(Math.abs(again - shift) < 0.002, `${again}`);
				if (gaps === 'close') t.true(again < 60 && again > (source.video.at(-1) as number), `${again}`);
				for (const [index, at] of source.video.entries()) {
					const [one, two] = [video[index] as number, video[source.video.length + index] as number];
					const said = `${gaps}: frame ${index} at ${one} and ${two}, not ${at - first} and ${shift} later`;
					t.true(Math.abs(one - (at - first)) < 0.002, said);
					t.true(Math.abs(two - (at - first + shift)) < 0.002, said);
				}
				if (gaps === 'fill') {
					const steps = audio.slice(1).map((at, index) => at - (audio[index] as number));
					t.true(Math.max(...steps) < 0.08, `${Math.max(...steps)} s without audio`);
					continue;
				}
				t.is(audio.length, 2 * source.audio.length);
				for (const [index, at] of source.audio.entries()) {
					t.true(Math.abs((audio[index] as number) - (at - first)) < 0.002);
					t.true(Math.abs((audio[source.audio.length + index] as number) - (at - first + shift)) < 0.002);
				}
			}
		},
	);
}

/** The same recording, but for some bytes of its header: a file goes into a stream once. */
async function copyOf(t: ExecutionContext, file: string): Promise<string> {
	const copy = join(await temporaryDirectory(t), 'again.mkv');
	const { stderr } = await run('ffmpeg', [
		'-v',
		'error',
		'-i',
		file,
		'-c',
		'copy',
		'-metadata',
		'title=again',
		copy,
	]);
	t.is(stderr, '');
	return copy;
}
