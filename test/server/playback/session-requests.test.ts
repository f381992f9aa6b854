import test from 'ava';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import { invalid, missing, OPERATION, startDoor } from './hls-requests.js';
import {
	audioTrack,
	codedTrack,
	fetchText,
	onDemand,
	readPlaylist,
	START_MS,
	selector,
	smallAvc,
	startPlayback,
	videoFragment,
	videoTrack,
} from './start-playback.js';

const range = (StartTimestamp: unknown, EndTimestamp: unknown, FragmentSelectorType?: string) => ({
	HLSFragmentSelector: { FragmentSelectorType, TimestampRange: { StartTimestamp, EndTimestamp } },
});
const seconds = (ms: number): number => (START_MS + ms) / 1000;

/** Members besides the stream's, status and name of the error of the response. */
const refused: [object, number, string, RegExp][] = [
	[{ StreamName: undefined }, 400, invalid, /StreamName or StreamARN/],
	[{ StreamName: 'a/b' }, 400, invalid, /StreamName/],
	[{ StreamName: 'nobody' }, 404, missing, /^The requested stream is not found or not active\.$/],
	[{ StreamName: 'nobody', Expires: 1 }, 400, invalid, /Expires/],
	[{ PlaybackMode: 'VOD' }, 400, invalid, /PlaybackMode to be one of LIVE, LIVE_REPLAY, ON_DEMAND/],
	[{ ContainerFormat: 'MP4' }, 400, invalid, /ContainerFormat/],
	[{ DiscontinuityMode: 'SOMETIMES' }, 400, invalid, /DiscontinuityMode/],
	[{ DisplayFragmentTimestamp: true }, 400, invalid, /DisplayFragmentTimestamp/],
	[{ HLSFragmentSelector: 7 }, 400, invalid, /HLSFragmentSelector/],
	[
		{ HLSFragmentSelector: { FragmentSelectorType: 'SERVER' } },
		400,
		invalid,
		/HLSFragmentSelector.FragmentSelectorType/,
	],
	...[299, 43_201, 0, -1, 300.5, '300'].map((Expires): [object, number, string, RegExp] => [
		{ Expires },
		400,
		invalid,
		/Expires to be a whole number from 300 to 43200/,
	]),
	...[0, 5001, 1.5, '5'].map((MaxMediaPlaylistFragmentResults): [object, number, string, RegExp] => [
		{ MaxMediaPlaylistFragmentResults },
		400,
		invalid,
		/MaxMediaPlaylistFragmentResults to be a whole number from 1 to 5000/,
	]),
	[{ ...range(seconds(0), seconds(1000)) }, 400, invalid, /no TimestampRange with the PlaybackMode LIVE/],
	[{ PlaybackMode: 'LIVE', ...selector('PRODUCER') }, 400, invalid, /no TimestampRange/],
	...['LIVE_REPLAY', 'ON_DEMAND'].flatMap((PlaybackMode): [object, number, string, RegExp][] => [
		[{ PlaybackMode }, 400, invalid, /HLSFragmentSelector with a TimestampRange/],
		[
			{ PlaybackMode, HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' } },
			400,
			invalid,
			/with a TimestampRange/,
		],
		[{ PlaybackMode, ...range(undefined, seconds(1000)) }, 400, invalid, /StartTimestamp/],
		[{ PlaybackMode, ...range('now', seconds(1000)) }, 400, invalid, /StartTimestamp/],
		[{ PlaybackMode, ...range(seconds(1000), seconds(1000)) }, 400, invalid, /later than StartTimestamp/],
		[{ PlaybackMode, ...range(seconds(1000), seconds(999)) }, 400, invalid, /later than StartTimestamp/],
		[
			{ PlaybackMode, ...range(seconds(0), seconds(86_400_001), 'PRODUCER_TIMESTAMP') },
			400,
			invalid,
			/within 24 hours/,
		],
		[{ PlaybackMode, ...range(seconds(0), seconds(3_600_000)) }, 400, invalid, /in the past/],
		[{ PlaybackMode, ...range(0, 1000) }, 400, invalid, /outside of the stream retention period/],
		[
			{ PlaybackMode, ...selector('SERVER', { from: 1_000_000, to: 2_000_000 }) },
			404,
			missing,
			/^No fragments found in the stream for the streaming request\.$/,
		],
	]),
	[{ PlaybackMode: 'ON_DEMAND', ...range(seconds(0), undefined) }, 400, invalid, /EndTimestamp/],
	[{}, 404, missing, /^No fragments found in the stream for the streaming request\.$/],
];

test('refuses an invalid request with the error and message of the service', async (t) => {
	const { call } = await startDoor(t);
	for (const [members, status, name, message] of refused) {
		const label = JSON.stringify(members);
		const response = await call(OPERATION, { StreamName: 'door', ...members });
		t.deepEqual([response.status, response.headers.get('x-amzn-ErrorType')], [status, name], label);
		t.regex(response.json.Message, message, label);
	}
});

test('accepts a request at the limits of the service', async (t) => {
	const { open, clock } = await startDoor(t);
	await t.notThrowsAsync(open(onDemand('PRODUCER', { Expires: 300, MaxMediaPlaylistFragmentResults: 5000 })));
	await t.notThrowsAsync(open(onDemand('PRODUCER', { Expires: 43_200, MaxMediaPlaylistFragmentResults: 1 })));
	const day = selector('PRODUCER', { from: 0, to: 86_400_000 });
	await t.notThrowsAsync(open({ PlaybackMode: 'ON_DEMAND', ...day }));
	await t.notThrowsAsync(open({ PlaybackMode: 'LIVE_REPLAY', ...selector('SERVER', { to: null }) }));
	await t.notThrowsAsync(open({ PlaybackMode: 'ON_DEMAND', ...range(seconds(0), seconds(3_599_999)) }));
	// The last fragment came 9 s after the start; what is half a minute old is live.
	clock.nowMs = START_MS + 39_000;
	await t.notThrowsAsync(open({ HLSFragmentSelector: null, PlaybackMode: null, StreamARN: null }));
	await t.notThrowsAsync(open({ HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' } }));
	clock.nowMs++;
	await t.throwsAsync(open(), { message: /^404 .*No fragments found/ });
});

test('a stream is named by its ARN as well, and not by two names', async (t) => {
	const { call } = await startDoor(t);
	const { json } = await call('DescribeStream', { StreamName: 'door' });
	const StreamARN: string = json.StreamInfo.StreamARN;
	const response = async (members: object): Promise<[number, string | null]> => {
		const { status, headers } = await call(OPERATION, { ...onDemand(), ...members });
		return [status, headers.get('x-amzn-ErrorType')];
	};
	t.deepEqual(await response({ StreamARN }), [200, null]);
	t.deepEqual(await response({ StreamARN, StreamName: 'door' }), [200, null]);
	t.deepEqual(await response({ StreamARN, StreamName: 'gate' }), [400, invalid]);
	t.deepEqual(await response({ StreamARN: 'door' }), [400, invalid]);
	t.deepEqual(await response({ StreamARN: StreamARN.replace('door', 'gate') }), [404, missing]);
});

test('a range holds the fragments that start in it, both ends included', async (t) => {
	const { open } = await startDoor(t);
	const count = async (clock: 'SERVER' | 'PRODUCER', from: number, to: number): Promise<number> => {
		const session = await open({ PlaybackMode: 'ON_DEMAND', ...selector(clock, { from, to }) });
		return (await readPlaylist(session)).playlist.segments.length;
	};
	t.is(await count('PRODUCER', 2000, 4000), 2);
	// One that began before and runs into the range is not in it.
	t.is(await count('PRODUCER', 2001, 4000), 1);
	t.is(await count('PRODUCER', 2000, 3999), 1);
	t.is(await count('SERVER', 3000, 5000), 2);
	t.is(await count('SERVER', 3001, 5000), 1);
});

/** Tracks of a first fragment, and the name and message of the error they earn. */
const tracksRefused: [string, Uint8Array[][], string, RegExp][] = [
	['a codec of no name', [codedTrack(1, 'V_VP9', smallAvc)], 'UnsupportedStreamMediaType', /V_VP9/],
	['G.711', [codedTrack(1, 'A_MS/ACM', smallAvc)], 'UnsupportedStreamMediaType', /A_MS\/ACM/],
	[
		'audio first',
		[codedTrack(1, 'A_AAC', Buffer.from('1190', 'hex')), codedTrack(2, 'V_MPEG4/ISO/AVC', smallAvc)],
		'UnsupportedStreamMediaType',
		/track 1/,
	],
	[
		'video in track 2',
		[codedTrack(2, 'V_MPEG4/ISO/AVC', smallAvc)],
		'UnsupportedStreamMediaType',
		/2: V_MPEG4/,
	],
	['Opus beside it', [videoTrack, codedTrack(2, 'A_OPUS', smallAvc)], 'UnsupportedStreamMediaType', /A_OPUS/],
	[
		'three tracks',
		[videoTrack, audioTrack, codedTrack(3, 'A_AAC', Buffer.from('1190', 'hex'))],
		'UnsupportedStreamMediaType',
		/3: A_AAC/,
	],
	[
		'no private data',
		[codedTrack(1, 'V_MPEG4/ISO/AVC', null)],
		'MissingCodecPrivateData',
		/^Missing codec private data in fragment for track 1\.$/,
	],
	[
		'none of the audio',
		[videoTrack, codedTrack(2, 'A_AAC', null)],
		'MissingCodecPrivateData',
		/^Missing codec private data in fragment for track 2\.$/,
	],
	[
		'empty private data',
		[codedTrack(1, 'V_MPEGH/ISO/HEVC', Buffer.alloc(0))],
		'MissingCodecPrivateData',
		/track 1/,
	],
	[
		'a record that is cut',
		[codedTrack(1, 'V_MPEG4/ISO/AVC', smallAvc.subarray(0, 20))],
		'InvalidCodecPrivateData',
		/track 1/,
	],
	[
		'no record',
		[codedTrack(1, 'V_MPEGH/ISO/HEVC', Buffer.from('hello'))],
		'InvalidCodecPrivateData',
		/track 1/,
	],
	[
		'audio of no kind',
		[videoTrack, codedTrack(2, 'A_AAC', Buffer.from([0]))],
		'InvalidCodecPrivateData',
		/track 2/,
	],
];

for (const [title, tracks, name, message] of tracksRefused) {
	test(`an unsupported first fragment is refused when the session is requested: ${title}`, async (t) => {
		const { call, ingest } = await startPlayback(t);
		const blocks = [{ trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.from('frame') }];
		const fits = tracks.length > 0 && title !== 'video in track 2';
		const fixture: FragmentFixture = videoFragment(0, {
			tracks,
			blocks: fits ? blocks : [{ ...(blocks[0] as (typeof blocks)[0]), trackNumber: 2 }],
		});
		await ingest([fixture]);
		const response = await call(OPERATION, { StreamName: 'door', ...onDemand() });
		t.is(response.status, 400);
		t.is(response.headers.get('x-amzn-ErrorType'), `${name}Exception`);
		t.regex(response.json.Message, message);
	});
}

test('parameter sets are read from Annex B private data, or from a key frame', async (t) => {
	const { open, ingest } = await startPlayback(t);
	const bare = Buffer.from('0000000167640015acd941e0bfe5c044000003000400000300c83c58b658', 'hex');
	const sets = Buffer.concat([bare, Buffer.from('0000000168ebe3cb22c0fdf8f800', 'hex')]);
	await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG/ISO/AVC', sets)] })]);
	t.regex(await fetchText((await open(onDemand())).url), /CODECS="avc1\.640015",RESOLUTION=480x360/);
	const { blocks = [] } = videoFragment(0);
	const [first, ...others] = blocks;
	const key = {
		...(first as (typeof blocks)[0]),
		data: Buffer.concat([sets, Buffer.from('0000000165888080', 'hex')]),
	};
	const none = videoFragment(0, {
		tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)],
		blocks: [key, ...others],
	});
	await ingest([none], 'gate');
	const session = await open({ StreamName: 'gate', ...onDemand() });
	t.regex(await fetchText(session.url), /CODECS="avc1\.640015",RESOLUTION=480x360/);
});

test('both spellings of a codec are played, and audio alone', async (t) => {
	const { open, ingest } = await startPlayback(t);
	await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG/ISO/AVC', smallAvc)] })]);
	await t.notThrowsAsync(open(onDemand()));
	const audio = codedTrack(1, 'A_AAC', Buffer.from('1190', 'hex'));
	await ingest([videoFragment(1, { tracks: [audio] })], 'bell');
	const session = await open({ StreamName: 'bell', ...onDemand() });
	t.regex(await fetchText(session.url), /^#EXT-X-STREAM-INF:CODECS="mp4a\.40\.2",BANDWIDTH=\d+$/m);
});
