import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import {
	type DecodeFailure,
	KvsArchive,
	MkvReader,
	type Picture,
	PictureDecoder,
	type PictureDecoderOptions,
	type PictureFormat,
} from 'kvs-archive';
import { idOf } from '#lib/ebml/ebml-schema.js';
import { element } from '#lib/ebml/ebml-writer.js';
import { childrenOf } from '#lib/ebml/element-body.js';
import { elementOf } from '#lib/mkv/matroska-writer.js';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { CELL_HEIGHT, CELL_WIDTH, CELLS, COLUMNS, cells, furthest, h264, SOURCE } from './cells.js';
import { ffmpegOutput, type Image, imageOf, pixelsOf } from './pixels.js';

const start = new Date('2026-01-31T00:00:00Z');

async function decode(bytes: Uint8Array, options: PictureDecoderOptions): Promise<Picture[]> {
	const onFailure = ({ message }: DecodeFailure): unknown => decoder.destroy(new Error(message));
	const decoder = new PictureDecoder({ onFailure, ...options });
	pipeline(Readable.from([bytes]), new MkvReader(), decoder, () => {});
	const pictures: Picture[] = [];
	for await (const picture of decoder as AsyncIterable<Picture>) pictures.push(picture);
	return pictures;
}

async function pictureOf(file: string, options: PictureDecoderOptions): Promise<Picture> {
	const [picture] = await decode(await readFile(file), options);
	if (picture === undefined) throw new Error(`no picture of ${file}`);
	return picture;
}

const COLOURS: readonly (readonly [string, string, readonly string[]])[] = [
	['BT.709', 'out_color_matrix=bt709', [...h264, '-colorspace', 'bt709', '-color_range', 'tv']],
	['BT.601 that is not declared', 'out_color_matrix=bt601', h264],
	[
		'full range',
		'out_color_matrix=bt601:out_range=pc',
		['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuvj420p', '-colorspace', 'smpte170m'],
	],
	[
		'BT.709 of full range in VP9',
		'out_color_matrix=bt709:out_range=pc',
		['-c:v', 'libvpx-vp9', '-crf', '1', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_range', 'pc'],
	],
];

/** The YUV that images of a format are stored in, as ffmpeg writes and reads it. */
const STORED = {
	jpg: { reader: 'jpeg_pipe', range: 'pc', pixels: 'yuvj420p' },
	webp: { reader: 'webp_pipe', range: 'tv', pixels: 'yuv420p' },
} as const;

const FORMATS = ['jpg', 'png', 'webp', 'gray', 'nv12', 'yuv420p'] as const;

/** What each format's samples of a film have to be: ffmpeg's own conversion; of images, to the YUV that they hold. */
async function rightSamples(t: ExecutionContext, file: string): Promise<Map<PictureFormat, Image>> {
	const directory = await temporaryDirectory(t);
	const outputs = FORMATS.map((format) => {
		const isStored = format === 'jpg' || format === 'webp';
		const own = isStored ? 'yuv420p' : format === 'png' ? 'rgb24' : format === 'yuv420p' ? 'nv12' : format;
		const conversion = isStored
			? `format=rgb24,scale=out_color_matrix=bt601:out_range=${STORED[format].range},format=${STORED[format].pixels}`
			: `format=${own}`;
		return { format, own, conversion, path: join(directory, `${format}.raw`) } as const;
	});
	const { code, stderr } = await run('ffmpeg', [
		...'-nostdin -v error -i'.split(' '),
		file,
		...outputs.flatMap(({ conversion, path }) => ['-vf', conversion, '-f', 'rawvideo', path]),
	]);
	t.is(code, 0, stderr);
	const images = outputs.map(async ({ format, own, path }) => {
		const image: Image = { ...SOURCE, format: own, data: await readFile(path) };
		return [format, image] as const;
	});
	return new Map<PictureFormat, Image>(await Promise.all(images));
}

async function foundSamples({ data, format, width, height }: Picture): Promise<Image> {
	if (format !== 'jpg' && format !== 'webp') return imageOf(data, { format, width, height });
	const { reader, pixels } = STORED[format];
	const args = ['-f', reader, '-i', 'pipe:0', '-pix_fmt', pixels, '-f', 'rawvideo'];
	return { width, height, format: 'yuv420p', data: await ffmpegOutput(args, data) };
}

for (const [name, colours, codec] of COLOURS) {
	withFfmpeg(`colours of ${name}: every format within 2 levels of ffmpeg's own conversion`, async (t) => {
		const file = await cells(codec, colours);
		const rights = await rightSamples(t, file);
		for (const format of FORMATS) {
			const right = pixelsOf(rights.get(format) as Image);
			for (const scale of format === 'jpg' ? [1, 2] : [1]) {
				const size = scale === 1 ? undefined : { width: scale * SOURCE.width };
				const found = pixelsOf(await foundSamples(await pictureOf(file, { format, quality: 100, size })));
				for (const [cell, colour] of CELLS.entries()) {
					const x = ((cell % COLUMNS) + 0.5) * CELL_WIDTH;
					const y = (Math.floor(cell / COLUMNS) + 0.5) * CELL_HEIGHT;
					const [levels, expected] = [found(scale * x, scale * y), right(x, y)];
					t.true(
						furthest(levels, expected) <= 2,
						`${format} ${colour}: ${levels.join()}, not ${expected.join()}`,
					);
				}
			}
		}
	});
}

/** Pixels of both, point by point, are alike. */
async function checkAlike(t: ExecutionContext, picture: Picture, args: readonly string[]): Promise<void> {
	const right = await ffmpegOutput([...args, '-frames:v', '1', '-pix_fmt', 'rgb24', '-f', 'rawvideo']);
	t.is(picture.data.byteLength, right.byteLength);
	t.true(furthest([...picture.data], [...right]) <= 2);
}

for (const degrees of [90, 270]) {
	withFfmpeg(`a film that is to be turned by ${degrees}° is turned as a player turns it, once`, async (t) => {
		const turned = join(await temporaryDirectory(t), 'turned.mp4');
		const args = ['-i', await cells(), '-c', 'copy', '-metadata:s:v', `rotate=${degrees}`, turned];
		t.is((await run('ffmpeg', ['-v', 'error', ...args])).code, 0);
		const { endpoint } = await startArchive(t, { door: turned }, { start });
		await using archive = new KvsArchive({ endpoint, streamName: 'door' });
		const range = { from: start, to: new Date(start.getTime() + 1000), by: 'producer' } as const;
		let count = 0;
		for (const size of [undefined, { width: 30 }] as const) {
			for await (const picture of archive.pictures(range, { format: 'rgb24', size })) {
				t.deepEqual([picture.width, picture.height], size === undefined ? [60, 96] : [30, 48]);
				await checkAlike(t, picture, ['-i', turned, ...(size === undefined ? [] : ['-vf', 'scale=30:48'])]);
				count++;
			}
		}
		t.is(count, 2);
	});
}

withFfmpeg('a track that is to be turned by 180° is turned, of a codec without NAL units too', async (t) => {
	const file = await cells(['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuv420p']);
	// Matroska's Projection with a ProjectionPoseRoll of 180.0.
	const projection = elementOf(0x7670, elementOf(0x7675, [Buffer.from('43340000', 'hex')]));
	const [{ frame }] = (await decode(await readFile(file), {})) as [Picture];
	const { data, track } = frame;
	const children = [...childrenOf(track.entry)].flatMap(({ id, body }) =>
		elementOf(id, id === idOf('Video') ? [body, ...projection] : [body]),
	);
	const block = { trackNumber: track.number, relativeTicks: 0, keyframe: true, data };
	const bytes = fragmentDocument({
		number: fragmentNumber(1),
		producerMs: 0,
		timecode: 0n,
		tracks: [[...element('TrackEntry', children)]],
		blocks: [block],
	});
	const [picture] = await decode(bytes, { format: 'rgb24' });
	await checkAlike(t, picture as Picture, ['-i', file, '-vf', 'hflip,vflip']);
});

for (const [name, codec, filters] of [
	['H.264', h264, 'setsar=2'],
	['VP9', ['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuv420p'], 'setsar=2'],
] as const) {
	withFfmpeg(
		`${name} of pixels twice as wide as high: those of a picture with a size are square`,
		async (t) => {
			const file = await cells(codec, `out_color_matrix=bt601,${filters}`);
			const sizes = [undefined, { width: 96 }, { height: 60 }] as const;
			const found = await Promise.all(sizes.map((size) => pictureOf(file, { format: 'gray', size })));
			t.deepEqual(
				found.map(({ width, height }) => [width, height]),
				[
					[96, 60],
					[96, 30],
					[192, 60],
				],
			);
		},
	);
}

withFfmpeg('a picture of one pixel, and one scaled to it and from it', async (t) => {
	const source = 'color=red:s=4x4:r=25:d=0.04,format=rgb24,crop=1:1';
	const dot = await makeRecording([
		'-f',
		'lavfi',
		'-i',
		source,
		'-c:v',
		'libx264',
		'-qp',
		'1',
		'-pix_fmt',
		'yuv444p',
	]);
	for (const format of ['jpg', 'webp', 'nv12', 'rgb24'] as const) {
		const [one, grown, shrunk] = await Promise.all([
			pictureOf(dot, { format }),
			pictureOf(dot, { format, size: { width: 16, height: 9 }, fit: 'contain' }),
			pictureOf(await cells(), { format, size: { width: 1, height: 1 } }),
		]);
		for (const [picture, side] of [
			[one, 1],
			[grown, 16],
			[shrunk, 1],
		] as const) {
			t.is((await imageOf(picture.data, picture)).width, side, format);
		}
	}
	t.true(furthest([...(await pictureOf(dot, { format: 'rgb24' })).data], [254, 0, 0]) <= 2);
});

withFfmpeg('a picture of 8K, whole and small', async (t) => {
	const source = ['-f', 'lavfi', '-i', 'color=orange:s=7680x4320:r=25:d=0.04'];
	const file = await makeRecording([
		...source,
		'-c:v',
		'libx264',
		'-preset',
		'ultrafast',
		'-pix_fmt',
		'yuv420p',
	]);
	const whole = await pictureOf(file, { format: 'rgb24' });
	t.deepEqual(whole.shape, [4320, 7680, 3]);
	t.is(whole.data.byteLength, 4320 * 7680 * 3);
	t.deepEqual([...whole.data.subarray(-3)], [...whole.data.subarray(0, 3)]);
	const small = await pictureOf(file, { format: 'jpg', size: { width: 640 } });
	t.deepEqual([small.width, small.height], [640, 360]);
});

withFfmpeg('another size and codec in the middle of the stream: the pictures keep their size', async (t) => {
	const films = [
		await cells(),
		await makeRecording(['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=0.2', '-c:v', 'libvpx-vp9']),
	];
	const bytes = Buffer.concat(await Promise.all(films.map((film) => readFile(film))));
	const pictures = await decode(bytes, { format: 'rgb24', size: { width: 32, height: 32 } });
	t.deepEqual(
		pictures.map(({ width, height }) => [width, height]),
		Array(6).fill([32, 32]),
	);
	t.deepEqual(
		new Set(pictures.map(({ frame }) => frame.track.codecId)),
		new Set(['V_MPEG4/ISO/AVC', 'V_VP9']),
	);
});

for (const [option, wrong] of [
	['size', { size: {} }],
	['size', { size: { width: 0 } }],
	['size', { size: { width: 640, height: 1.5 } }],
	['size', { size: { height: 16_385 } }],
	['fit', { fit: 'inside' }],
	['quality', { quality: 101 }],
	['format', { format: 'raw' }],
] as const) {
	test(`${JSON.stringify(wrong)} is refused at once`, (t) => {
		t.throws(() => new PictureDecoder(wrong as never), {
			code: 'KVS_INVALID_OPTION',
			message: new RegExp(`expected \`${option}\` to be`),
		});
	});
}
