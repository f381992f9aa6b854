// Longer than 300 lines: media are encoded once, and decoded in every way.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import {
	type DecodeFailure,
	FfmpegDecoder,
	KvsArchive,
	type MediaEvent,
	MkvReader,
	type Picture,
	PictureDecoder,
	type PictureDecoderOptions,
} from 'kvs-archive';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { writeShellProgram } from '../helpers/program/shell-program.js';
import { startArchive } from '../helpers/service/archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

const h264 = ['-c:v', 'libx264', '-bf', '3', '-g', '15', '-pix_fmt', 'yuv420p'];
const hevc = [
	'-c:v',
	'libx265',
	'-preset',
	'ultrafast',
	'-x265-params',
	'log-level=none:keyint=15:bframes=3',
	'-pix_fmt',
	'yuv420p',
];

/** A film of two seconds with its frame number burnt in, of sides that are no multiple of 16; it is shared and must not be changed. */
function film(codec: readonly string[], size = '82x66'): Promise<string> {
	return makeRecording(['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=30:d=2`, ...codec]);
}

const known = new Map<string, Promise<string[]>>();

/** Hash of each picture by ffmpeg's own decoding, in presentation order; of a file once for all tests. */
function hashes(file: string, pixels: string): Promise<string[]> {
	const key = `${file} ${pixels}`;
	const made = known.get(key) ?? makeHashes(file, pixels);
	known.set(key, made);
	return made;
}

async function makeHashes(file: string, pixels: string): Promise<string[]> {
	const raw = ['-vsync', 'passthrough', '-pix_fmt', pixels, '-c:v', 'rawvideo', '-f', 'framemd5', '-'];
	const { code, stdout, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, ...raw]);
	if (code !== 0) throw new Error(stderr);
	const lines = stdout.split('\n').filter((line) => /^\d/.test(line));
	return lines.map((line) => (line.split(',').at(-1) as string).trim());
}

const md5 = ({ data }: Picture): string => createHash('md5').update(data).digest('hex');

async function decode(bytes: Uint8Array, options: PictureDecoderOptions): Promise<Picture[]> {
	return decodeEvents(await eventsOf(bytes), options);
}

async function eventsOf(bytes: Uint8Array): Promise<MediaEvent[]> {
	const events: MediaEvent[] = [];
	for await (const event of Readable.from([bytes]).compose(new MkvReader())) events.push(event as MediaEvent);
	return events;
}

async function decodeEvents(
	events: readonly MediaEvent[],
	options: PictureDecoderOptions,
): Promise<Picture[]> {
	const decoder = new PictureDecoder(options);
	pipeline(Readable.from(events), decoder, () => {});
	const pictures: Picture[] = [];
	for await (const picture of decoder as AsyncIterable<Picture>) pictures.push(picture);
	return pictures;
}

for (const [name, codec] of [
	['H.264', h264],
	['H.265', hevc],
] as const) {
	for (const format of ['rgb24', 'nv12'] as const) {
		withFfmpeg(`${name} with B-frames: picture N is frame N, as ${format}`, async (t) => {
			const file = await film(codec);
			const pictures = await decode(await readFile(file), { format });
			t.deepEqual(pictures.map(md5), await hashes(file, format));
			t.is(pictures.length, 60);
			for (const [index, { frame }] of pictures.entries()) {
				t.is(Number(frame.timecodeNs / 1_000_000n), Math.round((index * 1000) / 30));
			}
			t.deepEqual([pictures[0]?.width, pictures[0]?.height], [82, 66]);
			t.deepEqual(pictures[0]?.shape, format === 'rgb24' ? [66, 82, 3] : [99, 82]);
		});
	}
}

withFfmpeg(
	'everyNth and everyMs count in presentation order, and key frames are the key frames',
	async (t) => {
		const file = await film(h264);
		const bytes = await readFile(file);
		const all = await hashes(file, 'rgb24');
		const indexes = async (select: PictureDecoderOptions['select']): Promise<number[]> =>
			(await decode(bytes, { format: 'rgb24', select })).map((picture) => all.indexOf(md5(picture)));
		t.deepEqual(await indexes({ everyNth: 7 }), [0, 7, 14, 21, 28, 35, 42, 49, 56]);
		t.deepEqual(await indexes({ everyMs: 500 }), [0, 15, 30, 45]);
		t.deepEqual(await indexes('keyframes'), [0, 15, 30, 45]);
	},
);

/** Films whose key frames are no fresh start: pictures before them refer across, and they are numbered on from what was before. */
const openGroups = [
	['H.264', ['-c:v', 'libx264', '-bf', '3', '-g', '50', '-x264-params', 'open-gop=1:scenecut=0'], 50],
	[
		'H.264 with a pyramid',
		[
			'-c:v',
			'libx264',
			'-bf',
			'8',
			'-g',
			'50',
			'-x264-params',
			'open-gop=1:scenecut=0:b-pyramid=normal:b-adapt=0',
		],
		50,
	],
	[
		'H.265',
		[
			'-c:v',
			'libx265',
			'-preset',
			'ultrafast',
			'-x265-params',
			'log-level=none:open-gop=1:keyint=150:min-keyint=150:scenecut=0:bframes=4',
		],
		150,
	],
] as const;

for (const [name, codec, groupSize] of openGroups) {
	withFfmpeg(`${name}: open groups of pictures lose nothing where frames are left out`, async (t) => {
		const source = `testsrc2=s=96x80:r=25:d=${(4 * groupSize) / 25}`;
		const file = await makeRecording(['-f', 'lavfi', '-i', source, ...codec]);
		const events = await eventsOf(await readFile(file));
		const all = await hashes(file, 'nv12');
		const indexOf = ({ frame }: Picture): number => Math.round((Number(frame.timecodeNs) / 1e9) * 25);
		const failures: DecodeFailure[] = [];
		const onFailure = (failure: DecodeFailure): unknown => failures.push(failure);
		const check = async (given: readonly MediaEvent[], select: PictureDecoderOptions['select']) => {
			const pictures = await decodeEvents(given, { format: 'nv12', select, onFailure });
			for (const picture of pictures) t.is(md5(picture), all[indexOf(picture)] as string);
			return pictures.map(indexOf);
		};
		const every = (step: number): number[] => all.map((_, index) => index).filter((at) => at % step === 0);
		t.deepEqual(await check(events, 'keyframes'), every(groupSize));
		t.deepEqual(await check(events, { everyNth: 7 }), every(7));
		t.deepEqual(await check(events, { everyMs: 5000 }), every(125));
		t.deepEqual(failures, []);

		// The second group is missing: of the third, only what is shown before its key frame cannot be had.
		const keys = events.flatMap((event, at) => (event.type === 'frame' && event.keyframe ? [at] : []));
		const shown = await check(
			events.filter((_, at) => at < (keys[1] as number) || at >= (keys[2] as number)),
			'all',
		);
		t.deepEqual(
			shown.filter((index) => index >= 2 * groupSize),
			all.map((_, index) => index).slice(2 * groupSize),
		);
		t.true(failures.length > 0 && failures.length < 16, String(failures.length));
		for (const { message } of failures) t.regex(message, /refers to frames before its key frame/);
	});
}

withFfmpeg(
	'with intra refresh, frames before the first whole picture are reported, and all later pictures are correct',
	async (t) => {
		const codec = ['-c:v', 'libx264', '-bf', '0', '-g', '25', '-x264-params', 'intra-refresh=1'];
		const file = await film(codec);
		const all = await hashes(file, 'nv12');
		const events = await eventsOf(await readFile(file));
		const keys = events.flatMap((event, at) => (event.type === 'frame' && event.keyframe ? [at] : []));
		const failures: DecodeFailure[] = [];
		const onFailure = (failure: DecodeFailure): unknown => failures.push(failure);
		const pictures = await decodeEvents(events.slice(keys[1]), { format: 'nv12', onFailure });
		t.is(pictures.length + failures.length, 35);
		t.deepEqual(pictures.map(md5), all.slice(-pictures.length));
		t.true(pictures.length >= 10, String(pictures.length));
		for (const { message } of failures) t.regex(message, /holds no whole picture/);
	},
);

withFfmpeg('another size in the middle of the stream begins a new run, and loses nothing', async (t) => {
	const [first, second] = [await film(h264), await film(h264, '64x48')];
	const bytes = Buffer.concat([await readFile(first), await readFile(second)]);
	const pictures = await decode(bytes, { format: 'rgb24' });
	t.deepEqual(pictures.map(md5), [...(await hashes(first, 'rgb24')), ...(await hashes(second, 'rgb24'))]);
	t.deepEqual([pictures[59]?.width, pictures[60]?.width], [82, 64]);
});

withFfmpeg('damage in one group of pictures shifts no other: all frames are accounted for', async (t) => {
	const file = await film(h264);
	const all = await hashes(file, 'rgb24');
	const bytes = await readFile(file);
	const frames: { start: number; length: number }[] = [];
	for await (const event of Readable.from([bytes]).compose(new MkvReader()) as AsyncIterable<{
		type: string;
		data: Uint8Array;
	}>) {
		if (event.type === 'frame') frames.push({ start: bytes.indexOf(event.data), length: event.data.length });
	}
	// A frame others refer to, in the second group of pictures.
	const { start, length } = frames[16] as { start: number; length: number };
	const damaged = Buffer.from(bytes);
	damaged.fill(0xa5, start + Math.floor(length / 3), start + length);
	const failures: DecodeFailure[] = [];
	const pictures = await decode(damaged, { format: 'rgb24', onFailure: (failure) => failures.push(failure) });
	t.is(pictures.length + failures.length, 60);
	for (const picture of pictures.filter(
		({ frame }) => frame.timecodeNs < 500_000_000n || frame.timecodeNs >= 1_000_000_000n,
	)) {
		const index = Math.round((Number(picture.frame.timecodeNs) / 1e9) * 30);
		t.is(md5(picture), all[index] as string);
	}
	t.true(pictures.length >= 45);
});

withFfmpeg('JPEG and PNG are whole images', async (t) => {
	const bytes = await readFile(await film(h264));
	const [jpg] = await decode(bytes, { format: 'jpg', select: 'keyframes' });
	t.is(Buffer.from(jpg?.data.subarray(0, 3) ?? []).toString('hex'), 'ffd8ff');
	const [png] = await decode(bytes, { format: 'png', select: 'keyframes' });
	t.is(Buffer.from(png?.data.subarray(1, 4) ?? []).toString(), 'PNG');
	t.deepEqual([png?.width, png?.height], [82, 66]);
});

withFfmpeg('where there is no ffmpeg, one line says what to install', async (t) => {
	const bytes = await readFile(await film(h264));
	const error = await t.throwsAsync(
		decode(bytes, { decoder: new FfmpegDecoder({ path: '/nowhere/ffmpeg' }) }),
	);
	t.is((error as { code?: string } | undefined)?.code, 'KVS_FFMPEG_NOT_FOUND');
	t.regex(error?.message ?? '', /install ffmpeg.*, or name it \(option `path` of `ffmpeg\(\)`\)$/);
});

/** An ffmpeg that says its process id first. */
async function watchedFfmpeg(t: ExecutionContext): Promise<{ path: string; pid: () => Promise<number> }> {
	const directory = await temporaryDirectory(t);
	const path = join(directory, 'wrapper');
	const pidFile = join(directory, 'pid');
	writeShellProgram(path, `echo $$ > '${pidFile}'\nexec ffmpeg "$@"`);
	return { path, pid: async () => Number(await readFile(pidFile, 'utf8')) };
}

withFfmpeg('leaving early ends the ffmpeg that was started', async (t) => {
	const { path, pid } = await watchedFfmpeg(t);
	const decoder = new PictureDecoder({ format: 'rgb24', decoder: new FfmpegDecoder({ path }) });
	pipeline(Readable.from([await readFile(await film(h264))]), new MkvReader(), decoder, () => {});
	for await (const _ of decoder as AsyncIterable<Picture>) break;
	if (!decoder.closed) await once(decoder, 'close');
	const gone = await pid();
	t.throws(() => process.kill(gone, 0), { code: 'ESRCH' });
});

withFfmpeg('a wrapper that hangs is ended with what it started', async (t) => {
	const directory = await temporaryDirectory(t);
	const path = join(directory, 'wrapper');
	const pidFile = join(directory, 'pid');
	writeShellProgram(path, `sleep 1000 &\necho $! > '${pidFile}.new'\nmv '${pidFile}.new' '${pidFile}'\nwait`);
	const source = Readable.from(await eventsOf(await readFile(await film(h264))));
	const decoder = new PictureDecoder({ decoder: new FfmpegDecoder({ path }) });
	const isOver = new Promise<void>((resolve) => {
		pipeline(source, decoder, () => resolve());
	});
	decoder.resume();
	let pid = '';
	await until(
		async () => {
			pid = await readFile(pidFile, 'utf8').catch(() => '');
			return pid !== '';
		},
		() => 'the wrapper has not said which process it started',
	);
	decoder.destroy(new Error('enough'));
	await within(isOver, () => `destroyed: ${decoder.destroyed}, closed: ${decoder.closed}`);
	if (!decoder.closed) await once(decoder, 'close');
	// What is left of it may still be waiting to be reaped.
	const { stdout } = await run('ps', ['-o', 'stat=', '-p', pid.trim()]);
	t.notRegex(stdout, /^[SRD]/);
});

test('reports the exit code and the message of a program that fails at once', async (t) => {
	const path = join(await temporaryDirectory(t), 'broken');
	writeShellProgram(path, "echo 'ffmpeg: no such library' >&2\nexit 127");
	const bytes = await readFile(join('examples', 'media', 'clock.mkv'));
	const failures: DecodeFailure[] = [];
	const onFailure = (failure: DecodeFailure): unknown => failures.push(failure);
	await t.throwsAsync(decode(bytes, { decoder: new FfmpegDecoder({ path }), onFailure }), {
		code: 'KVS_FFMPEG_FAILED',
		message: `\`${path}\` ended with code 127 before it read anything: ffmpeg: no such library; check that it is ffmpeg, or name another (option \`path\` of \`ffmpeg()\`)`,
	});
	t.deepEqual(failures, [], 'no frame is to blame');
});

withFfmpeg('a program whose log is not available decodes', async (t) => {
	const path = join(await temporaryDirectory(t), 'silent');
	writeShellProgram(path, 'exec ffmpeg "$@" 2>/dev/null');
	const file = await film(h264);
	const pictures = await decode(await readFile(file), {
		format: 'nv12',
		decoder: new FfmpegDecoder({ path }),
	});
	t.deepEqual(pictures.map(md5), await hashes(file, 'nv12'));
});

withFfmpeg('aborting ends the ffmpeg that was started', async (t) => {
	const { path, pid } = await watchedFfmpeg(t);
	const start = new Date('2026-01-31T00:00:00Z');
	const { endpoint } = await startArchive(t, { door: await film(h264) }, { start });
	await using archive = new KvsArchive({ endpoint, streamName: 'door' });
	const range = { from: start, to: new Date(start.getTime() + 5000), by: 'producer' } as const;
	const abort = new AbortController();
	const decoder = new FfmpegDecoder({ path });
	const stream = archive.pictures(range, { format: 'rgb24', decoder, signal: abort.signal });
	// A DOMException, which Node does not count among the errors.
	const read = async (): Promise<void> => {
		for await (const _ of stream) abort.abort();
	};
	await t.throwsAsync(read, { any: true, name: 'AbortError' });
	await stream.summary;
	const gone = await pid();
	t.throws(() => process.kill(gone, 0), { code: 'ESRCH' });
});

withFfmpeg(
	'a reader that takes one picture holds up the source: frames are not read ahead without end',
	async (t) => {
		const events = await eventsOf(await readFile(await film(h264, '322x242')));
		let givenCount = 0;
		// The same film over and over, without an end.
		const endless = Readable.from(
			(function* () {
				for (;;) {
					for (const event of events) {
						givenCount++;
						yield event;
					}
				}
			})(),
		);
		const decoder = new PictureDecoder({ format: 'rgb24' });
		pipeline(endless, decoder, () => {});
		const pictures = (decoder as AsyncIterable<Picture>)[Symbol.asyncIterator]();
		for (let i = 0; i < 10; i++) t.false((await pictures.next()).done);
		// What the pipes hold, and the frames a decoder keeps for their order: not the film four times over.
		t.true(decoder.readableLength <= 32, String(decoder.readableLength));
		t.true(givenCount < 4 * events.length, String(givenCount));
		await pictures.return?.();
	},
);

withFfmpeg('a range that starts within a fragment starts with the picture at that time', async (t) => {
	const file = await film(h264);
	const all = await hashes(file, 'rgb24');
	const start = new Date('2026-01-31T00:00:00Z');
	const { endpoint } = await startArchive(t, { door: file }, { start });
	await using archive = new KvsArchive({ endpoint, streamName: 'door' });
	const range = {
		from: new Date(start.getTime() + 700),
		to: new Date(start.getTime() + 5000),
		by: 'producer',
	} as const;
	const pictures: Picture[] = [];
	const stream = archive.pictures(range, { format: 'rgb24' });
	for await (const picture of stream) pictures.push(picture);
	t.deepEqual(pictures.map(md5), all.slice(21));
	t.is(pictures[0]?.timestampMs, start.getTime() + 700);
	t.is((await stream.summary).pictureFailures, 0);
	for await (const frame of archive.frames(range, { as: 'annex-b', select: 'keyframes' })) {
		t.is(Buffer.from(frame.data.subarray(0, 4)).toString('hex'), '00000001');
		break;
	}
});

for (const [name, codec] of [
	['H.264 with B-frames', h264],
	['open groups', [...h264, '-x264-params', 'open-gop=1:scenecut=0']],
	['no reordering', ['-c:v', 'libx264', '-bf', '0', '-g', '10', '-pix_fmt', 'yuv420p']],
] as const) {
	withFfmpeg(
		`at: the picture on the screen is the last one shown at or before the time (${name})`,
		async (t) => {
			const bytes = await readFile(await film(codec));
			const all = await decode(bytes, { format: 'rgb24' });
			const shownMs = all.map(({ frame }) => Number(frame.timecodeNs) / 1e6);
			const times = Array.from({ length: 130 }, (_, index) => index * 17);
			const pictures = await decode(bytes, { format: 'rgb24', select: { at: times } });
			for (const timeMs of times) {
				const index = shownMs.findLastIndex((ms) => ms <= timeMs);
				const found = pictures.filter(({ at }) => at?.some((time) => time.getTime() === timeMs));
				if (index === -1) t.is(found.length, 0, `${timeMs} ms`);
				else t.deepEqual(found.map(md5), [md5(all[index] as Picture)], `${timeMs} ms`);
			}
		},
	);
}

withFfmpeg('at: only the group that a picture is in is decoded, up to it', async (t) => {
	const bytes = await readFile(
		await film(['-c:v', 'libx264', '-bf', '0', '-g', '10', '-pix_fmt', 'yuv420p']),
	);
	const decoded: number[] = [];
	const ffmpegDecoder = new FfmpegDecoder();
	const pictures = await decode(bytes, {
		select: { at: [1050] },
		decoder: {
			open: (...args) => {
				const opened = ffmpegDecoder.open(...args);
				const decodeFrame = opened.decode.bind(opened);
				opened.decode = (frame, presentationMs) => {
					decoded.push(Math.round(Number(frame.timecodeNs) / 1e6));
					return decodeFrame(frame, presentationMs);
				};
				return opened;
			},
		},
	});
	t.is(pictures.length, 1);
	t.deepEqual(decoded, [1000, 1033]);
});

test('at: times that are not valid are refused at once', (t) => {
	for (const at of [[], ['soon'], [new Date(Number.NaN)], 5]) {
		t.throws(() => new PictureDecoder({ select: { at } as never }), { code: 'KVS_INVALID_OPTION' });
	}
});
