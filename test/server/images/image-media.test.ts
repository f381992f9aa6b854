import {
	GetImagesCommand,
	KinesisVideoArchivedMediaClient,
	paginateGetImages,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { testWith, withFfmpeg } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import { run } from '../../helpers/tools.js';
import {
	decodedImages,
	md5,
	membersOf,
	pngSize,
	shownAt,
	sourcePictures,
	startImages,
	T0,
} from './start-images.js';

const film = [
	'-f',
	'lavfi',
	'-i',
	'testsrc2=s=160x120:r=25:d=3',
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-g',
	'25',
	'-bf',
	'2',
];

/** The oldest boto3 takes no interval below three seconds. */
const long = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=5:d=12', '-c:v', 'libx264', '-g', '10', '-bf', '0'];

withFfmpeg('sizes: as coded, stretched, and in proportion to the height', async (t) => {
	const { images } = await startImages(t, film);
	for (const [size, filter, expected] of [
		[{}, 'null', [160, 120]],
		[{ WidthPixels: 100, HeightPixels: 90 }, 'scale=100:90', [100, 90]],
		[{ HeightPixels: 61 }, 'scale=-1:61', [81, 61]],
		[{ WidthPixels: 3840, HeightPixels: 1 }, 'scale=3840:1', [3840, 1]],
		[{ HeightPixels: 240 }, 'scale=-1:240', [320, 240]],
	] as const) {
		const source = await sourcePictures(film, ['-vf', filter, '-pix_fmt', 'rgb24']);
		const given = await images({ fromMs: 0, toMs: 2900, SamplingInterval: 700, ...size });
		t.deepEqual(
			await decodedImages(given.map(({ bytes }) => bytes)),
			given.map(({ ms }) => shownAt(source, ms)),
			filter,
		);
		for (const { bytes } of given) t.deepEqual(pngSize(bytes as Buffer), expected);
	}
});

withFfmpeg('JPEG images equal those of ffmpeg at the same quality, 80 by default', async (t) => {
	const { images } = await startImages(t, film);
	const sizes: number[] = [];
	for (const [quality, scale] of [
		['1', 31],
		['20', 20],
		['50', 8],
		['80', 3],
		[undefined, 3],
		['100', 1],
	] as const) {
		const encoder = [
			'-c:v',
			'mjpeg',
			'-pix_fmt',
			'yuvj420p',
			'-qmin',
			'1',
			'-q:v',
			`${scale}`,
			'-strict',
			'1',
		];
		const source = await sourcePictures(film, encoder);
		const FormatConfig = quality === undefined ? undefined : { JPEGQuality: quality };
		const given = await images({ toMs: 2900, SamplingInterval: 700, Format: 'JPEG', FormatConfig });
		t.deepEqual(
			given.map(({ bytes }) => md5(bytes as Buffer)),
			given.map(({ ms }) => shownAt(source, ms)),
			quality,
		);
		sizes.push(given[0]?.bytes?.byteLength as number);
	}
	t.is(sizes[3], sizes[4]);
	t.deepEqual(new Set(sizes).size, 5);
	t.deepEqual(
		sizes.toSorted((a, b) => a - b),
		sizes,
	);
	// PNG has no quality.
	const [png] = await images({ toMs: 0, FormatConfig: { JPEGQuality: '1' } });
	t.deepEqual(png?.bytes, (await images({ toMs: 0 }))[0]?.bytes);
});

withFfmpeg(
	'audio and damaged media give MEDIA_ERROR, and the images around the damage are returned',
	async (t) => {
		const audio = await startImages(t, ['-f', 'lavfi', '-i', 'sine=d=4:r=8000', '-c:a', 'aac']);
		const heard = await audio.images({ toMs: 6000, SamplingInterval: 1000 });
		const errors = heard.map(({ error }) => error);
		t.is(errors[0], 'MEDIA_ERROR');
		t.is(errors[3], 'MEDIA_ERROR');
		t.is(errors.at(-1), 'NO_MEDIA');

		const warnings: string[] = [];
		const { images, server } = await startImages(t, film, { onWarning: (message) => warnings.push(message) });
		const source = await sourcePictures(film);
		const [, second] = server.archive.stream('cam')?.fragments.latest('producer', T0 + 2000, 3) ?? [];
		if (second === undefined) return t.fail();
		const dd = [
			'if=/dev/zero',
			`of=${second.payload}`,
			'bs=1',
			`seek=${second.offset + second.sizeBytes - 900}`,
		];
		await run('dd', [...dd, 'count=300', 'conv=notrunc']);
		const given = await images({ toMs: 2900, SamplingInterval: 500 });
		t.deepEqual(
			given.map(({ error }) => error),
			[null, null, 'MEDIA_ERROR', 'MEDIA_ERROR', null, null],
		);
		const whole = given.filter(({ error }) => error === null);
		t.deepEqual(
			await decodedImages(whole.map(({ bytes }) => bytes)),
			whole.map(({ ms }) => shownAt(source, ms)),
		);
		t.regex(warnings[0] ?? '', /is damaged: the bytes /);
	},
);

const BOTO3_SCRIPT = `
import datetime, hashlib, json, sys
import boto3
client = boto3.client('kinesis-video-archived-media', endpoint_url=sys.argv[1], region_name='us-east-1',
    aws_access_key_id='local', aws_secret_access_key='local')
start = datetime.datetime.fromtimestamp(int(sys.argv[2]), datetime.timezone.utc)
pages = client.get_paginator('get_images').paginate(StreamName='cam', ImageSelectorType='SERVER_TIMESTAMP',
    StartTimestamp=start, EndTimestamp=start + datetime.timedelta(seconds=15), SamplingInterval=3000, Format='JPEG',
    FormatConfig={'JPEGQuality': '55'}, HeightPixels=50, PaginationConfig={'PageSize': 4})
images = [image for page in pages for image in page['Images']]
print(json.dumps([[round(image['TimeStamp'].timestamp() * 1000), image.get('Error'), image.get('ImageContent')] for image in images]))
`;

testWith('ffmpeg', 'boto3')('boto3 and the JavaScript SDK get the same images', async (t) => {
	const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
	const { url } = await startImages(t, long, { credentials: [credentials] });
	const client = new KinesisVideoArchivedMediaClient({ region: 'us-east-1', endpoint: url, credentials });
	t.teardown(() => client.destroy());
	const input = {
		StreamName: 'cam',
		ImageSelectorType: 'SERVER_TIMESTAMP',
		StartTimestamp: new Date(T0 + 1000),
		EndTimestamp: new Date(T0 + 16_000),
		SamplingInterval: 3000,
		Format: 'JPEG',
		FormatConfig: { JPEGQuality: '55' },
		HeightPixels: 50,
	} as const;
	const found: unknown[] = [];
	for await (const { Images = [] } of paginateGetImages({ client, pageSize: 4 }, input)) {
		for (const image of Images) {
			found.push([image.TimeStamp?.getTime(), image.Error ?? null, image.ImageContent ?? null]);
		}
	}
	t.is(found.length, 6);
	t.is(found.filter((image) => (image as unknown[])[1] === null).length, 4);
	for (const python of await findBoto3()) {
		t.deepEqual(await runPython(python, BOTO3_SCRIPT, [url, String((T0 + 1000) / 1000)]), found);
	}
	const unsigned = await fetch(`${url}/getImages`, { method: 'POST', body: JSON.stringify(membersOf()) });
	t.is(unsigned.status, 403);
	await t.throwsAsync(client.send(new GetImagesCommand({ ...input, SamplingInterval: 100 })), {
		name: 'InvalidArgumentException',
	});
});
