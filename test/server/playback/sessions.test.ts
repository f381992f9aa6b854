// Longer than 300 lines: one verb, opening a session, with the table of what is refused.

import test, { type ExecutionContext } from 'ava';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import { FakeClock } from '../fake-clock.js';
import {
	audioTrack,
	codedTrack,
	fetchText,
	onDemand,
	type Playback,
	readPlaylist,
	refusal,
	START_MS,
	selector,
	smallAvc,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

const OPERATION = 'GetHLSStreamingSessionURL';
const invalid = 'InvalidArgumentException';
const missing = 'ResourceNotFoundException';
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

async function startDoor(t: ExecutionContext): Promise<Playback> {
	const playback = await startPlayback(t);
	await playback.ingest(videoFragments(5));
	return playback;
}

test('refuses what breaks a rule of the service, in its words', async (t) => {
	const { call } = await startDoor(t);
	for (const [members, status, name, message] of refused) {
		const label = JSON.stringify(members);
		const response = await call(OPERATION, { StreamName: 'door', ...members });
		t.deepEqual([response.status, response.headers.get('x-amzn-ErrorType')], [status, name], label);
		t.regex(response.json.Message, message, label);
	}
});

test('takes what is on the edge of a rule', async (t) => {
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

test('a range counts starts of fragments, and both its ends', async (t) => {
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
	test(`the first fragment is judged when the session is asked for: ${title}`, async (t) => {
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

test('parameter sets are taken from where they are: bare in the private data, or in a key frame', async (t) => {
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

test('a session ends when its URL expires, with everything under it', async (t) => {
	const { open, ingest, clock } = await startPlayback(t);
	await ingest([videoFragment(0, { tracks: [videoTrack, audioTrack] }), videoFragment(1)]);
	const mp4 = await open(onDemand('PRODUCER', { Expires: 600 }));
	const ts = await open(onDemand('PRODUCER', { Expires: 600, ContainerFormat: 'MPEG_TS' }));
	const addresses: (string | URL)[] = [];
	for (const session of [mp4, ts]) {
		const { url, playlist } = await readPlaylist(session);
		const [segment] = playlist.segments;
		addresses.push(session.url, url, new URL(segment?.uri as string, url));
		if (segment?.map !== undefined && segment.map !== null) addresses.push(new URL(segment.map.uri, url));
	}
	t.is(addresses.length, 7);
	clock.nowMs += 599_999;
	for (const address of addresses) t.is((await fetch(address)).status, 200, String(address));
	clock.nowMs++;
	for (const address of addresses) {
		t.deepEqual(await refusal(address), [403, 'AccessDeniedException', 'Streaming session token is expired']);
	}
});

test('a token that was not given out opens nothing', async (t) => {
	const { open, ingest } = await startPlayback(t);
	await ingest(videoFragments(1));
	const { url, token } = await open(onDemand());
	const other = await open(onDemand());
	t.not(other.token, token);
	t.regex(token, /^[A-Za-z0-9_-]{64}$/);
	const bytes = Buffer.from(token, 'base64url');
	const forged = [
		'',
		'x',
		`${token}A`,
		`${token}=`,
		token.slice(0, -1),
		// The id of one session with the code of another.
		Buffer.concat([bytes.subarray(0, 16), Buffer.from(other.token, 'base64url').subarray(16)]).toString(
			'base64url',
		),
		...Array.from(bytes.keys(), (index) => {
			const changed = Buffer.from(bytes);
			changed[index] = (changed[index] as number) ^ 1;
			return changed.toString('base64url');
		}),
	];
	for (const text of forged) {
		const address = url.replace(token, text);
		t.deepEqual((await refusal(address)).slice(0, 2), [403, 'AccessDeniedException'], text);
	}
	const without = new URL(url);
	without.search = '';
	t.is((await refusal(without))[0], 403);
	t.is((await fetch(url)).status, 200);
});

test('a stream has any number of sessions; or as many as it is said to, and the oldest makes room', async (t) => {
	const unbounded = await startDoor(t);
	const many = await Promise.all(Array.from({ length: 20 }, () => unbounded.open(onDemand())));
	for (const { url } of many) t.is((await fetch(url)).status, 200);

	const { open, ingest, clock } = await startPlayback(t, { hlsSessions: 5 });
	await ingest(videoFragments(1));
	await ingest(videoFragments(1), 'gate');
	const elsewhere = await open({ StreamName: 'gate', ...onDemand() });
	const sessions = [];
	for (let i = 0; i < 7; i++) sessions.push(await open(onDemand('PRODUCER', { Expires: 400 + i })));
	const statuses = await Promise.all(sessions.map(async ({ url }) => (await fetch(url)).status));
	t.deepEqual(statuses, [403, 403, 200, 200, 200, 200, 200]);
	t.is((await fetch(elsewhere.url)).status, 200);
	// One that ended by itself takes no room.
	clock.nowMs += 402_000;
	await open(onDemand());
	t.is((await fetch(sessions[3]?.url as string)).status, 200);
	await t.throwsAsync(startPlayback(t, { hlsSessions: 0 }), { code: 'KVS_INVALID_OPTION' });
});

test('a resource has an address of its own, and what is asked for it must fit the session', async (t) => {
	const { open, ingest, url: base } = await startPlayback(t);
	await ingest([videoFragment(0, { tracks: [videoTrack, audioTrack] })]);
	await ingest([videoFragment(7)], 'gate');
	const { token } = await open(onDemand());
	const ts = await open(onDemand('PRODUCER', { ContainerFormat: 'MPEG_TS' }));
	const ask = (resource: string, query: string, of = token): Promise<[number, string, string]> =>
		refusal(`${base}/hls/v1/${resource}?SessionToken=${of}${query}`);
	const refusals: [string, string, number, string, string?][] = [
		['getHLSMediaPlaylist.m3u8', '', 400, invalid],
		['getHLSMediaPlaylist.m3u8', '&TrackNumber=3', 400, invalid],
		['getHLSMediaPlaylist.m3u8', '&TrackNumber=one', 400, invalid],
		['getMP4InitFragment.mp4', '&TrackNumber=1&SequenceNumber=1', 404, missing],
		['getMP4InitFragment.mp4', '&TrackNumber=1&SequenceNumber=-1', 400, invalid],
		['getMP4InitFragment.mp4', '', 400, invalid],
		['getMP4MediaFragment.mp4', '&TrackNumber=1', 404, missing],
		// A fragment of another stream.
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=1000007', 404, missing],
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=../x', 404, missing],
		['getMP4MediaFragment.mp4', '&FragmentNumber=1000000', 400, invalid],
		['getTSFragment.ts', '&FragmentNumber=1000000', 400, invalid],
		['getMP4MediaFragment.mp4', '&TrackNumber=1&FragmentNumber=1000000', 400, invalid, ts.token],
		['getMP4InitFragment.mp4', '&TrackNumber=1', 400, invalid, ts.token],
		['getHLSPlaylist.m3u8', '', 404, 'UnknownOperationException'],
	];
	for (const [resource, query, status, name, of] of refusals) {
		t.deepEqual((await ask(resource, query, of)).slice(0, 2), [status, name], `${resource}${query}`);
	}
	const post = `${base}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=${token}`;
	t.is((await refusal(post, { method: 'POST' }))[0], 404);
});

test('players on pages from anywhere may read it, and know why they may not', async (t) => {
	const { open, ingest, requests } = await startPlayback(t);
	await ingest(videoFragments(1));
	const session = await open(onDemand());
	const { url, playlist } = await readPlaylist(session);
	const [segment] = playlist.segments;
	const resources: [string | URL, string, RegExp][] = [
		[session.url, 'application/vnd.apple.mpegurl', /^no-store$/],
		[url, 'application/vnd.apple.mpegurl', /^no-store$/],
		[new URL(segment?.map.uri as string, url), 'video/mp4', /^private, max-age=300$/],
		[new URL(segment?.uri as string, url), 'video/mp4', /^private, max-age=300$/],
	];
	for (const [address, type, caching] of resources) {
		const get = await fetch(address);
		const body = Buffer.from(await get.arrayBuffer());
		const head = await fetch(address, { method: 'HEAD' });
		for (const { status, headers } of [get, head]) {
			t.is(status, 200);
			t.is(headers.get('access-control-allow-origin'), '*');
			t.is(headers.get('content-type'), type);
			t.is(headers.get('content-length'), String(body.byteLength));
			t.regex(headers.get('cache-control') ?? '', caching);
		}
		t.is((await head.arrayBuffer()).byteLength, 0);
		const preflight = await fetch(address, { method: 'OPTIONS' });
		t.is(preflight.status, 200);
		t.is(preflight.headers.get('access-control-allow-origin'), '*');
		t.is(preflight.headers.get('access-control-allow-headers'), '*');
	}
	const closed = await fetch(session.url.replace(session.token, 'x'));
	t.is(closed.headers.get('access-control-allow-origin'), '*');
	// The record of a request never has its token.
	t.false(JSON.stringify(requests).includes(session.token));
	const names = new Set(requests.map(({ operation }) => operation));
	t.true(names.has('GetMP4MediaFragment') && names.has('GetHLSMasterPlaylist'));
	t.is(requests.find(({ operation }) => operation === 'GetMP4MediaFragment')?.stream, 'door');
});

test('a web page that points its own name here is refused, token or not', async (t) => {
	const { open, ingest, url: base } = await startPlayback(t);
	await ingest(videoFragments(1));
	const { url } = await open(onDemand());
	const { request } = await import('node:http');
	const status = await new Promise<number | undefined>((resolve, reject) => {
		const asked = request(url, { headers: { host: 'evil.example' } }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		asked.on('error', reject).end();
	});
	t.is(status, 403);
	t.true(url.startsWith(base));
});

test('a session has quotas of its own, and its fragments cost its stream', async (t) => {
	const clock = new FakeClock();
	const { open, ingest, requests, call } = await startPlayback(t, { quotas: 'aws', clock });
	await ingest(videoFragments(30));
	const session = await open(onDemand('PRODUCER', { MaxMediaPlaylistFragmentResults: 700 }));
	const other = await open(onDemand());
	const statuses = async (url: string | URL, count: number): Promise<number[]> => {
		const seen: number[] = [];
		for (let i = 0; i < count; i++) seen.push((await fetch(url)).status);
		return seen;
	};
	const { url, playlist } = await readPlaylist(session);
	t.is(requests.at(-1)?.metadataPoints, 700);
	t.deepEqual(await statuses(session.url, 5), [200, 200, 200, 200, 400]);
	t.deepEqual((await refusal(session.url))[1], 'ClientLimitExceededException');
	t.deepEqual(await statuses(url, 5), [200, 200, 200, 200, 400]);
	const [segment] = playlist.segments;
	t.deepEqual(await statuses(new URL(segment?.map.uri as string, url), 6), [200, 200, 200, 200, 200, 400]);
	const media = await statuses(new URL(segment?.uri as string, url), 21);
	t.deepEqual(media.indexOf(400), 20);
	t.is(requests.findLast(({ operation }) => operation === 'GetMP4MediaFragment')?.fragmentsAsked, 0);
	t.is(requests.find(({ operation }) => operation === 'GetMP4MediaFragment')?.fragmentsAsked, 1);
	t.true(requests.at(-1)?.isThrottled);
	// Each session by itself, and each second anew.
	t.is((await fetch(other.url)).status, 200);
	clock.nowMs += 1000;
	t.deepEqual(await statuses(session.url, 1), [200]);
	// 25 sessions a second, and those that are refused are not begun.
	const asked = await Promise.all(
		Array.from({ length: 26 }, () => call(OPERATION, { StreamName: 'door', ...onDemand() })),
	);
	t.deepEqual(
		asked.map(({ status }) => status).sort((a, b) => a - b),
		[...Array(25).fill(200), 400],
	);
});

test("media playlists use up the stream's metadata points", async (t) => {
	const { open, ingest } = await startPlayback(t, { quotas: 'aws', clock: new FakeClock() });
	await ingest(videoFragments(2));
	const members = onDemand('PRODUCER', { MaxMediaPlaylistFragmentResults: 5000 });
	const sessions = [await open(members), await open(members), await open(members)];
	const addresses = sessions.map(
		({ url, token }) => new URL(`getHLSMediaPlaylist.m3u8?SessionToken=${token}&TrackNumber=1`, url),
	);
	const statuses: number[] = [];
	for (const address of addresses) statuses.push((await fetch(address)).status);
	t.deepEqual(statuses, [200, 200, 400]);
});
