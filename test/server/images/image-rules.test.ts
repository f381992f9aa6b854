import test from 'ava';
import { withFfmpeg } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { type Members, membersOf, startImages, T0 } from './start-images.js';

const film = ['-f', 'lavfi', '-i', 'testsrc2=s=32x24:r=5:d=12', '-c:v', 'libx264', '-g', '10', '-bf', '0'];

const refused: readonly (readonly [why: string, members: Members, error: string, message: RegExp])[] = [
	['no stream', { StreamName: null }, 'InvalidArgumentException', /StreamName or StreamARN, got neither/],
	['a name that is none', { StreamName: 'a b' }, 'InvalidArgumentException', /StreamName/],
	['an unknown stream', { StreamName: 'other' }, 'ResourceNotFoundException', /not found/],
	['no clock', { ImageSelectorType: null }, 'InvalidArgumentException', /ImageSelectorType to be one of/],
	['an unknown clock', { ImageSelectorType: 'WALL' }, 'InvalidArgumentException', /ImageSelectorType/],
	['no start', { StartTimestamp: null }, 'InvalidArgumentException', /StartTimestamp to be a time/],
	['no end', { EndTimestamp: null }, 'InvalidArgumentException', /EndTimestamp to be a time/],
	['a start that is no time', { StartTimestamp: '2026' }, 'InvalidArgumentException', /StartTimestamp/],
	['an end before the start', { toMs: -1 }, 'InvalidArgumentException', /not to be earlier than/],
	['a range of more than 300 s', { toMs: 300_001 }, 'InvalidArgumentException', /within 300 seconds/],
	[
		'an interval below 200 ms',
		{ SamplingInterval: 199 },
		'InvalidArgumentException',
		/SamplingInterval.* 200 /,
	],
	[
		'an interval that is not whole',
		{ SamplingInterval: 250.5 },
		'InvalidArgumentException',
		/SamplingInterval/,
	],
	['no format', { Format: null }, 'InvalidArgumentException', /Format to be one of JPEG, PNG/],
	['an unknown format', { Format: 'jpg' }, 'InvalidArgumentException', /Format to be one of JPEG, PNG/],
	['an empty configuration', { FormatConfig: {} }, 'InvalidArgumentException', /FormatConfig/],
	['another key', { FormatConfig: { Quality: '1' } }, 'InvalidArgumentException', /FormatConfig/],
	['two keys', { FormatConfig: { JPEGQuality: '1', B: '2' } }, 'InvalidArgumentException', /FormatConfig/],
	['a quality of 0', { FormatConfig: { JPEGQuality: '0' } }, 'InvalidArgumentException', /JPEGQuality/],
	['a quality of 101', { FormatConfig: { JPEGQuality: '101' } }, 'InvalidArgumentException', /JPEGQuality/],
	['a quality that is a number', { FormatConfig: { JPEGQuality: 80 } }, 'InvalidArgumentException', /JPEGQ/],
	['a width alone', { WidthPixels: 10 }, 'ValidationException', /HeightPixels beside WidthPixels/],
	['a width of 0', { WidthPixels: 0, HeightPixels: 1 }, 'InvalidArgumentException', /WidthPixels/],
	['a width of 3841', { WidthPixels: 3841, HeightPixels: 1 }, 'InvalidArgumentException', /WidthPixels/],
	['a height of 0', { HeightPixels: 0 }, 'InvalidArgumentException', /HeightPixels/],
	['a height of 2161', { HeightPixels: 2161 }, 'InvalidArgumentException', /HeightPixels/],
	['a page of none', { MaxResults: 0 }, 'InvalidArgumentException', /MaxResults.* 1 to 100/],
	['a page of 101', { MaxResults: 101 }, 'InvalidArgumentException', /MaxResults.* 1 to 100/],
	['a token that is not base64', { NextToken: '%' }, 'InvalidArgumentException', /NextToken/],
	[
		'a token of another origin',
		{ NextToken: 'AAAA' },
		'InvalidArgumentException',
		/NextToken to be one this/,
	],
	[
		'a range before all',
		{ fromMs: -9e9, toMs: -9e9 + 1 },
		'InvalidArgumentException',
		/^End timestamp 1691000000001 is outside of the stream retention period\.$/,
	],
];

test('refuses invalid requests that the SDKs do not check, as the service does', async (t) => {
	const { call, server } = await startServer(t);
	await call('CreateStream', { StreamName: 'cam', DataRetentionInHours: 24 });
	for (const [why, members, error, message] of refused) {
		const { status, json } = await call('GetImages', membersOf(members));
		t.is(json.__type, error, why);
		t.is(status, error === 'ResourceNotFoundException' ? 404 : 400, why);
		t.regex(json.message, message, why);
	}
	await call('CreateStream', { StreamName: 'nothing', DataRetentionInHours: 0 });
	const { status, json } = await call('GetImages', membersOf({ StreamName: 'nothing' }));
	t.deepEqual([status, json.__type], [400, 'NoDataRetentionException']);
	const arn = server.archive.stream('cam')?.arn;
	const now = { StartTimestamp: Date.now() / 1000, EndTimestamp: Date.now() / 1000 };
	const byArn = await call('GetImages', { ...membersOf(), ...now, StreamName: null, StreamARN: arn });
	t.deepEqual([byArn.status, byArn.json.Images.length], [200, 1]);
	t.is(byArn.json.Images[0].Error, 'NO_MEDIA');
});

withFfmpeg('a range that is shorter than the interval gives the image of its start', async (t) => {
	const { images } = await startImages(t, film);
	for (const [toMs, times] of [
		[0, [0]],
		[199, [0]],
		[200, [0, 200]],
		[999, [0, 200, 400, 600, 800]],
	] as const) {
		const given = await images({ toMs });
		t.deepEqual(
			given.map(({ ms }) => ms),
			[...times],
		);
		t.true(given.every(({ error }) => error === null));
	}
	// Every three seconds where nothing is said.
	const unsaid = await images({ toMs: 7000, SamplingInterval: null });
	t.deepEqual(
		unsaid.map(({ ms }) => ms),
		[0, 3000, 6000],
	);
});

withFfmpeg('a page has at most 25 images, and a token if more follow', async (t) => {
	const { call, images } = await startImages(t, film);
	const range = { toMs: 11_800 };
	for (const [MaxResults, size] of [
		[undefined, 25],
		[1, 1],
		[24, 24],
		[26, 25],
		[100, 25],
	] as const) {
		const { json } = await call('GetImages', membersOf({ ...range, MaxResults }));
		t.is(json.Images.length, size);
		t.is(typeof json.NextToken, 'string');
	}
	// What a token belongs to counts, and not what stands beside it; but for the size of the page.
	const whole = await images(range);
	t.deepEqual(
		whole.map(({ ms, error }) => [ms, error]),
		Array.from({ length: 60 }, (_, i) => [i * 200, null]),
	);
	const { json } = await call('GetImages', membersOf({ ...range, MaxResults: 25 }));
	const beside = membersOf({ fromMs: 5, toMs: 10, Format: 'JPEG', MaxResults: 2, NextToken: json.NextToken });
	const second = await call('GetImages', beside);
	t.deepEqual(
		second.json.Images.map(({ ImageContent }: { ImageContent: string }) => ImageContent),
		whole.slice(25, 27).map(({ bytes }) => bytes?.toString('base64')),
	);
	t.is((await call('GetImages', beside)).json.Images[0].ImageContent, second.json.Images[0].ImageContent);
	await call('CreateStream', { StreamName: 'other', DataRetentionInHours: 1 });
	const foreign = await call('GetImages', { ...beside, StreamName: 'other' });
	t.is(foreign.json.__type, 'InvalidArgumentException');
	const last = await call('GetImages', membersOf({ toMs: 4800 }));
	t.deepEqual([last.json.Images.length, last.json.NextToken], [25, null]);
});

withFfmpeg('accepts a range of 300 s at 200 ms, and returns NO_MEDIA where nothing is stored', async (t) => {
	const { images } = await startImages(t, film);
	const given = await images({ toMs: 300_000 });
	t.is(given.length, 1501);
	t.is(given.at(-1)?.ms, 300_000);
	t.deepEqual(
		given.flatMap(({ ms, error }) => (error === null ? [ms] : [])),
		Array.from({ length: 60 }, (_, index) => index * 200),
	);
	t.true(given.slice(60).every(({ error, bytes }) => error === 'NO_MEDIA' && bytes === null));
});

withFfmpeg('a fragment that begins before the start does not count, by either clock', async (t) => {
	const { images } = await startImages(t, film);
	for (const [ImageSelectorType, delayMs] of [
		['PRODUCER_TIMESTAMP', 0],
		['SERVER_TIMESTAMP', 1000],
	] as const) {
		const given = await images({
			ImageSelectorType,
			fromMs: 1 + delayMs,
			toMs: 4001 + delayMs,
			SamplingInterval: 1000,
		});
		t.deepEqual(
			given.map(({ ms, error }) => [ms - delayMs, error]),
			[
				[1, 'NO_MEDIA'],
				[1001, 'NO_MEDIA'],
				[2001, null],
				[3001, null],
				[4001, null],
			],
		);
		const [producer] = await images({ fromMs: 2000, toMs: 2000 });
		const [same] = await images({ ImageSelectorType, fromMs: 2000 + delayMs, toMs: 2000 + delayMs });
		t.deepEqual(same?.bytes, producer?.bytes);
	}
});

withFfmpeg('reports a missing ffmpeg, and another program in its place', async (t) => {
	const { call } = await startImages(t, film, { ffmpeg: '/nowhere/ffmpeg' });
	const { status, json } = await call('GetImages', membersOf());
	t.deepEqual([status, json.__type], [400, 'InvalidArgumentException']);
	t.regex(
		json.message,
		/serves GetImages with ffmpeg only: cannot run `\/nowhere\/ffmpeg`.*install ffmpeg .*, or name it \(option `ffmpeg`\)/,
	);
	// Where nothing is to be decoded it is not needed.
	const none = await call('GetImages', membersOf({ fromMs: 60_000, toMs: 60_000 }));
	t.deepEqual(none.json.Images, [{ Error: 'NO_MEDIA', ImageContent: null, TimeStamp: T0 / 1000 + 60 }]);
	const warnings: string[] = [];
	const other = await startImages(t, film, {
		ffmpeg: 'false',
		onWarning: (message) => warnings.push(message),
	});
	const [failed] = await other.images({ toMs: 0 });
	t.is(failed?.error, 'MEDIA_ERROR');
	t.regex(
		warnings.join('\n'),
		/^GetImages of `cam`: no image of 2023-11-14T22:13:20\.000Z: `false` ended with code 1/,
	);
});

withFfmpeg(
	'a call costs 400 metadata points and a point of either kind for each image it may give',
	async (t) => {
		const quotas = { mediaPointsPerSecond: 100, metadataPointsPerSecond: 1000 };
		const clock = { now: () => 0, sleep: () => new Promise<never>(() => {}) };
		const { call } = await startImages(t, film, {
			quotas,
			clock,
			onRequest: (record) => records.push([record.fragmentsAsked, record.metadataPoints, record.isThrottled]),
		});
		const records: [number, number, boolean][] = [];
		await call('GetImages', membersOf({ toMs: 0 }));
		await call('GetImages', membersOf({ toMs: 0, MaxResults: 100 }));
		const { status, json } = await call('GetImages', membersOf({ toMs: 0 }));
		t.deepEqual([status, json.__type], [400, 'ClientLimitExceededException']);
		t.regex(json.message, /fragment-media points/);
		t.deepEqual(records, [
			[25, 425, false],
			[100, 500, false],
			[25, 425, true],
		]);
		await call('CreateStream', { StreamName: 'next', DataRetentionInHours: 1 });
		const soon = {
			StreamName: 'next',
			StartTimestamp: Date.now() / 1000,
			EndTimestamp: Date.now() / 1000,
			MaxResults: 10,
		};
		for (const error of [undefined, undefined, undefined, 'ClientLimitExceededException']) {
			const response = await call('GetImages', membersOf(soon));
			t.is(response.json.__type, error);
			if (error !== undefined) t.regex(response.json.message, /fragment-metadata points/);
		}
	},
);

withFfmpeg('fault rules can be about GetImages', async (t) => {
	const { call, url } = await startImages(t, film, {
		faults: [
			{ fault: 'throttle', operation: 'GetImages', nth: 1 },
			{ fault: 'server-error', operation: 'GetImages', nth: 2, status: 503 },
			{ fault: 'cut', operation: 'GetImages', nth: 3, atByte: 1000 },
		],
	});
	t.is((await call('GetImages', membersOf())).json.__type, 'ClientLimitExceededException');
	t.is((await call('GetImages', membersOf())).status, 503);
	const cut = await fetch(`${url}/getImages`, { method: 'POST', body: JSON.stringify(membersOf()) });
	t.is(cut.status, 200);
	await t.throwsAsync(cut.arrayBuffer());
	t.is((await call('GetImages', membersOf())).json.Images.length, 6);
});
