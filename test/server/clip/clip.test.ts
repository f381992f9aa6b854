// Longer than 300 lines: one operation, with the table of media that has no clip.

import { truncate } from 'node:fs/promises';
import test from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { clipFragments } from '#lib/server/clip/clip-request.js';
import type { ResponseRecord } from '#lib/server/index.js';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import { until } from '../../helpers/wait.js';
import { FakeClock } from '../fake-clock.js';
import {
	audioTrack,
	codedTrack,
	largeAvc,
	START_MS,
	smallAvc,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from '../playback/start-playback.js';
import { clipOf, readClip, requestClip } from './read-clip.js';

const OPERATION = 'GetClip';
const invalid = 'InvalidArgumentException';
const missing = 'ResourceNotFoundException';
const selector = (type: unknown, StartTimestamp: unknown, EndTimestamp: unknown) => ({
	ClipFragmentSelector: { FragmentSelectorType: type, TimestampRange: { StartTimestamp, EndTimestamp } },
});
const seconds = (ms: number): number => (START_MS + ms) / 1000;

/** Members besides the stream's, status and name of the error of the response. */
const refused: [object, number, string, RegExp][] = [
	[{ StreamName: undefined }, 400, invalid, /StreamName or StreamARN/],
	[{ StreamName: 'a/b' }, 400, invalid, /StreamName/],
	[{ StreamName: 'nobody' }, 404, missing, /^The requested stream is not found or not active\.$/],
	[{ ClipFragmentSelector: undefined }, 400, invalid, /ClipFragmentSelector to be an object/],
	[{ ClipFragmentSelector: 7 }, 400, invalid, /ClipFragmentSelector/],
	[{ ...selector(undefined, seconds(0), seconds(1000)) }, 400, invalid, /FragmentSelectorType/],
	[{ ...selector('SERVER', seconds(0), seconds(1000)) }, 400, invalid, /FragmentSelectorType/],
	[{ ClipFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' } }, 400, invalid, /TimestampRange/],
	...['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'].flatMap((type): [object, number, string, RegExp][] => [
		[selector(type, undefined, seconds(1000)), 400, invalid, /StartTimestamp/],
		[selector(type, seconds(0), undefined), 400, invalid, /EndTimestamp/],
		[selector(type, 'now', seconds(1000)), 400, invalid, /StartTimestamp/],
		[selector(type, seconds(1000), seconds(1000)), 400, invalid, /later than StartTimestamp/],
		[selector(type, seconds(1000), seconds(999)), 400, invalid, /later than StartTimestamp/],
		[selector(type, seconds(-86_400_001), seconds(0)), 400, invalid, /within 24 hours/],
		[
			selector(type, seconds(1_000_000), seconds(2_000_000)),
			404,
			missing,
			/^No fragments found in the stream for the clip request\.$/,
		],
	]),
	[selector('SERVER_TIMESTAMP', seconds(0), seconds(3_600_000)), 400, invalid, /in the past/],
	[selector('SERVER_TIMESTAMP', 0, 1000), 400, invalid, /outside of the stream retention period/],
];

test('refuses an invalid request with the error and message of the service', async (t) => {
	const { ingest, call } = await startPlayback(t);
	await ingest(videoFragments(5));
	for (const [members, status, name, message] of refused) {
		const label = JSON.stringify(members);
		const response = await call(OPERATION, { StreamName: 'door', ...clipOf(), ...members });
		t.deepEqual([response.status, response.headers.get('x-amzn-ErrorType')], [status, name], label);
		t.regex(response.json.Message, message, label);
	}
	await call('CreateStream', { StreamName: 'passing' });
	const unkept = await call(OPERATION, { StreamName: 'passing', ...clipOf() });
	t.deepEqual([unkept.status, unkept.headers.get('x-amzn-errortype')], [400, 'NoDataRetentionException']);
});

test('accepts a request at the limits of the service', async (t) => {
	const { ingest, url, call } = await startPlayback(t);
	await ingest(videoFragments(5));
	const { json } = await call('DescribeStream', { StreamName: 'door' });
	const { StreamARN } = json.StreamInfo;
	for (const members of [
		clipOf('PRODUCER', { to: 1 }),
		clipOf('PRODUCER', { to: 86_400_000 }),
		clipOf('SERVER', { to: 3_599_999 }),
		{ ...clipOf(), StreamARN },
		{ ...clipOf(), StreamARN, StreamName: undefined },
	]) {
		const response = await requestClip(url, members);
		t.is(response.status, 200);
		t.is(response.headers.get('content-type'), 'video/mp4');
		await response.arrayBuffer();
	}
});

/** Fragments of a clip by the marks in their frames, in order. */
async function fragmentsIn(url: string, members: object): Promise<number[]> {
	const [mdat] = boxesAt(readBoxes(await readClip(url, members)), 'mdat');
	const media = Buffer.from(mdat?.fields ?? []);
	const marks: number[] = [];
	for (let at = 0; at < media.byteLength; at += 8)
		if (media[at + 6] === 0) marks.push(media[at + 5] as number);
	return marks;
}

test('a clip is an unfragmented MP4 with `moov` before `mdat`', async (t) => {
	const { ingest, url } = await startPlayback(t);
	await ingest(videoFragments(3));
	const boxes = readBoxes(await readClip(url));
	t.deepEqual(
		boxes.map(({ type }) => type),
		['ftyp', 'moov', 'mdat'],
	);
	t.deepEqual(boxesAt(boxes, 'moov/mvex'), []);
	const [sizes] = boxesAt(boxes, 'moov/trak/mdia/minf/stbl/stsz');
	t.is(Buffer.from(sizes?.fields ?? []).readUInt32BE(8), 150);
	t.deepEqual(await readClip(url), await readClip(url));
});

test('a clip holds the fragments that start in its range, both ends included', async (t) => {
	const { ingest, url } = await startPlayback(t);
	await ingest(videoFragments(5));
	const inRange = (clock: 'SERVER' | 'PRODUCER', from: number, to: number) =>
		fragmentsIn(url, clipOf(clock, { from, to }));
	t.deepEqual(await inRange('PRODUCER', 2000, 4000), [1, 2]);
	// One that began before and runs into the range is not in it.
	t.deepEqual(await inRange('PRODUCER', 2001, 4000), [2]);
	t.deepEqual(await inRange('PRODUCER', 2000, 3999), [1]);
	t.deepEqual(await inRange('SERVER', 3000, 5000), [1, 2]);
	t.deepEqual(await inRange('SERVER', 3001, 5000), [2]);
});

test('of fragments with one producer timestamp, a clip holds the newest; of a range ingested twice, the first ingest', async (t) => {
	const { ingest, url } = await startPlayback(t);
	const again = (index: number, mark: number, serverMs: number): FragmentFixture => ({
		...videoFragment(mark, { serverMs }),
		producerMs: START_MS + index * 2000,
	});
	await ingest([
		...videoFragments(2),
		again(1, 10, START_MS + 4000),
		videoFragment(2),
		...[0, 1, 2].map((index) => again(index, 20 + index, START_MS + 600_000 + index)),
	]);
	t.deepEqual(await fragmentsIn(url, clipOf('PRODUCER')), [0, 10, 2]);
	// By the server's clock each is a fragment of its own.
	t.deepEqual(await fragmentsIn(url, clipOf('SERVER')), [0, 1, 10, 2, 20, 21, 22]);
});

test('a clip holds at most 200 fragments and leaves out the rest', async (t) => {
	const { ingest, url, requests } = await startPlayback(t);
	await ingest(Array.from({ length: 205 }, (_, index) => videoFragment(index, { frames: 1 })));
	const marks = await fragmentsIn(url, clipOf());
	t.deepEqual(
		marks,
		Array.from({ length: 200 }, (_, index) => index),
	);
	t.is(requests.at(-1)?.fragments, 200);
});

test('a clip holds at most 100 MB, or one fragment of any size', async (t) => {
	const { ingest, server, clock } = await startPlayback(t);
	await ingest(videoFragments(1));
	const stream = server.archive.stream('door');
	if (stream === undefined) return t.fail();
	const [first] = stream.fragments
		.select({ clock: 'producer', startMs: 0, endMs: clock.nowMs }, stream.snapshot(clock.nowMs))
		.all();
	const add = (index: number, sizeBytes: number): void => {
		if (first === undefined) return;
		const producerMs = START_MS + index * 2000;
		stream.fragments.add(
			{ ...first, number: String(2_000_000 + index), producerMs, serverMs: producerMs, sizeBytes },
			true,
		);
	};
	for (const [index, sizeBytes] of [40e6, 30e6, 30e6, 1, 150e6].entries()) add(index + 1, sizeBytes);
	const count = (from: number): number =>
		clipFragments(
			stream,
			{ clock: 'producer', startMs: START_MS + from, endMs: START_MS + 3_599_000 },
			clock.nowMs,
		).length;
	t.is(count(0), 3);
	t.is(count(2000), 3);
	t.is(count(4000), 3);
	t.is(count(10_000), 1);
});

/** Fragments of a stream, and the name and message of the error that a clip of them earns. */
const unsuitable: [string, FragmentFixture[], string, RegExp][] = [
	[
		'a codec of no name',
		[videoFragment(0, { tracks: [codedTrack(1, 'V_VP9', smallAvc)] })],
		'UnsupportedStreamMediaTypeException',
		/Got 1: V_VP9/,
	],
	[
		'audio alone',
		[videoFragment(0, { tracks: [codedTrack(1, 'A_AAC', Buffer.from('1190', 'hex'))] })],
		'UnsupportedStreamMediaTypeException',
		/Got 1: A_AAC/,
	],
	[
		'PCM',
		[videoFragment(0, { tracks: [videoTrack, codedTrack(2, 'A_PCM/INT/LIT', null)] })],
		'UnsupportedStreamMediaTypeException',
		/2: A_PCM/,
	],
	[
		'no private data',
		[videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)] })],
		'MissingCodecPrivateDataException',
		/^Missing codec private data in fragment for track 1\.$/,
	],
	[
		'none of the audio',
		[videoFragment(0, { tracks: [videoTrack, codedTrack(2, 'A_AAC', null)] })],
		'MissingCodecPrivateDataException',
		/track 2\.$/,
	],
	[
		'private data of no use',
		[videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', smallAvc.subarray(0, 9))] })],
		'InvalidCodecPrivateDataException',
		/^Invalid codec private data in fragment for track 1\.$/,
	],
	[
		'private data that changes',
		[videoFragment(0), videoFragment(1, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', largeAvc)] })],
		'UnsupportedStreamMediaTypeException',
		/cannot be joined: the codec private data changed in fragment 1000001\.$/,
	],
	[
		'audio that comes',
		[videoFragment(0), videoFragment(1, { tracks: [videoTrack, audioTrack] })],
		'UnsupportedStreamMediaTypeException',
		/cannot be joined: the tracks or their codecs changed in fragment 1000001\.$/,
	],
	[
		'a later fragment without private data',
		[videoFragment(0), videoFragment(1, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)] })],
		'MissingCodecPrivateDataException',
		/track 1\.$/,
	],
	[
		'a frame of NAL units that are cut',
		[
			videoFragment(0),
			videoFragment(1, {
				blocks: [
					{ trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.from([0, 0, 0, 9, 0x65, 1]) },
				],
			}),
		],
		'InvalidMediaFrameException',
		/^A frame of track 1 in fragment 1000001 is not valid for its codec\.$/,
	],
	['no frame at all', [videoFragment(0, { frames: 0 })], 'InvalidMediaFrameException', /hold no frame/],
];

for (const [title, fragments, name, message] of unsuitable) {
	test(`refuses a clip of a stream with ${title}, with the reason`, async (t) => {
		const { ingest, call } = await startPlayback(t);
		await ingest(fragments);
		const { status, headers, json } = await call(OPERATION, { StreamName: 'door', ...clipOf() });
		t.deepEqual([status, headers.get('x-amzn-errortype')], [400, name]);
		t.regex(json.message, message);
	});
}

test('a clip leaves out expired fragments', async (t) => {
	const { ingest, server, clock } = await startPlayback(t);
	await ingest(videoFragments(2));
	const stream = server.archive.stream('door');
	if (stream === undefined) return t.fail();
	const range = { clock: 'producer', startMs: START_MS, endMs: START_MS + 3_599_000 } as const;
	const numbers = (nowMs: number): string[] =>
		clipFragments(stream, range, nowMs).map(({ number }) => number);
	const [first] = clipFragments(stream, range, clock.nowMs);
	if (first === undefined) return t.fail();
	// As a producer's, which does not stay.
	stream.fragments.add(
		{ ...first, payload: 'produced', number: '2000000', producerMs: START_MS + 5000 },
		false,
	);
	t.deepEqual(numbers(clock.nowMs), ['1000000', '1000001', '2000000']);
	const retentionMs = stream.metadata.retentionHours * 3_600_000;
	t.deepEqual(numbers(first.serverMs + retentionMs - 1), ['1000000', '1000001', '2000000']);
	t.deepEqual(numbers(first.serverMs + retentionMs + 1), ['1000000', '1000001']);
});

test('a clip costs as many points of both kinds as it has fragments', async (t) => {
	const clock = new FakeClock();
	const { ingest, url, requests, call } = await startPlayback(t, {
		clock,
		quotas: { mediaPointsPerSecond: 10, metadataPointsPerSecond: 1000 },
	});
	await ingest(videoFragments(12));
	await readClip(url);
	const { fragmentsAsked, metadataPoints, fragments, statusCode } = requests.at(-1) ?? {};
	t.deepEqual([fragmentsAsked, metadataPoints, fragments, statusCode], [12, 12, 12, 200]);
	const throttled = await call(OPERATION, { StreamName: 'door', ...clipOf() });
	t.deepEqual([throttled.status, throttled.json.__type], [400, 'ClientLimitExceededException']);
	clock.nowMs += 1000;
	t.is((await readClip(url, clipOf('PRODUCER', { to: 1 }))).toString('latin1', 4, 8), 'ftyp');
});

/** Some MB of media: more than connections hold. */
const largeFragments = (): FragmentFixture[] =>
	Array.from({ length: 12 }, (_, index) => {
		const data = Buffer.alloc(2_000_000, 0x11);
		data.writeUInt32BE(data.byteLength - 4);
		data[4] = 0x65;
		return videoFragment(index, { blocks: [{ trackNumber: 1, relativeTicks: 0, keyframe: true, data }] });
	});

test('a clip ends when its client disconnects, and breaks off where its media is gone', async (t) => {
	const ended: ResponseRecord[] = [];
	const { ingest, url, server } = await startPlayback(t, {
		onResponseEnd: (record) => ended.push(record),
		onWarning: () => {},
	});
	await ingest(largeFragments());
	const controller = new AbortController();
	const response = await requestClip(url, clipOf(), { signal: controller.signal });
	await response.body?.getReader().read();
	controller.abort();
	const isOver = (count: number) =>
		until(
			() => ended.length === count,
			() => `${ended.length} of ${count} have ended`,
		);
	await isOver(1);
	t.false(ended[0]?.isComplete);
	t.true((ended[0]?.bytesSent ?? Number.POSITIVE_INFINITY) < 24_000_000);

	const broken = await requestClip(url);
	const [stored] =
		server.archive.stream('door')?.fragments.latest('producer', Number.MAX_SAFE_INTEGER, 1, {
			appended: 12,
			untilMs: Number.MAX_SAFE_INTEGER,
			sinceMs: 0,
		}) ?? [];
	await truncate(stored?.payload ?? '', stored?.offset);
	await t.throwsAsync(broken.arrayBuffer());
	await isOver(2);
	t.false(ended[1]?.isComplete);
	// What is gone before the first byte is an error of its own.
	t.is((await requestClip(url)).status, 500);
});

test('fault rules throttle GetClip, and cut and stall its body', async (t) => {
	const clock = new FakeClock();
	const { ingest, url, call, requests } = await startPlayback(t, {
		clock,
		faults: [
			{ fault: 'throttle', operation: 'GetClip', nth: 1 },
			{ fault: 'cut', operation: 'GetClip', atByte: 1000, nth: 2 },
			{ fault: 'cut', operation: 'GetClip', atByte: 1000, as: 'clean', nth: 3 },
			{ fault: 'stall', operation: 'GetClip', atByte: 1000, ms: 5000, nth: 4 },
		],
	});
	await ingest(videoFragments(3));
	t.is(
		(await call(OPERATION, { StreamName: 'door', ...clipOf() })).json.__type,
		'ClientLimitExceededException',
	);
	await t.throwsAsync(readClip(url));
	t.is((await readClip(url)).byteLength, 1000);
	t.true((await readClip(url)).byteLength > 1000);
	t.deepEqual(clock.sleeps, [5000]);
	t.deepEqual(
		requests.slice(-4).map(({ faults }) => faults.map(({ fault }) => fault)),
		[['throttle'], ['cut'], ['cut'], ['stall']],
	);
});
