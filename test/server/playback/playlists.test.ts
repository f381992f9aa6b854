// Longer than 300 lines: one kind of resource: a test for each parameter that changes a playlist.

import test from 'ava';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import {
	audioTrack,
	codedTrack,
	fetchText,
	largeAvc,
	listed,
	onDemand,
	type Playback,
	readMaster,
	readPlaylist,
	refusal,
	type Session,
	START_MS,
	selector,
	smallAvc,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

const largeTrack = codedTrack(1, 'V_MPEG4/ISO/AVC', largeAvc);

/** Fragments that are ingested, and what of them a session on demand lists. */
async function list(
	{ ingest, open }: Playback,
	fragments: readonly FragmentFixture[],
	members: object,
): Promise<number[]> {
	await ingest(fragments);
	return listed((await readPlaylist(await open(members))).playlist);
}

test('a master playlist says what the stream is made of', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const audio = Array.from({ length: 94 }, (_, index) => ({
		trackNumber: 2,
		relativeTicks: Math.round((index * 1024) / 48),
		keyframe: true,
		data: Buffer.alloc(100, index),
	}));
	const { blocks = [] } = videoFragment(0);
	await ingest([videoFragment(0, { tracks: [videoTrack, audioTrack], blocks: [...blocks, ...audio] })]);
	const mp4 = await open(onDemand());
	const text = await fetchText(mp4.url);
	const bandwidth = Number(/BANDWIDTH=(\d+)/.exec(text)?.[1]);
	// 9,800 bytes of frames in two seconds, and what a container takes.
	t.true(bandwidth > 40_000 && bandwidth < 60_000, text);
	t.is(
		text.replaceAll(mp4.token, 'T').replace(/BANDWIDTH=\d+/, 'BANDWIDTH=N'),
		`#EXTM3U
#EXT-X-VERSION:1
#EXT-X-MEDIA:AUTOSELECT=YES,FORCED=NO,TYPE=AUDIO,URI="getHLSMediaPlaylist.m3u8?SessionToken=T&TrackNumber=2",GROUP-ID="audio",DEFAULT=NO,NAME="audio"
#EXT-X-STREAM-INF:CODECS="avc1.64000d,mp4a.40.2",RESOLUTION=320x240,FRAME-RATE=25.000,BANDWIDTH=N,AUDIO="audio"
getHLSMediaPlaylist.m3u8?SessionToken=T&TrackNumber=1
`,
	);
	const master = await readMaster(mp4);
	t.deepEqual(master.variants[0]?.resolution, { width: 320, height: 240 });
	// One playlist for a stream that has both.
	const ts = await open(onDemand('PRODUCER', { ContainerFormat: 'MPEG_TS' }));
	const [variant] = (await readMaster(ts)).variants;
	t.is(variant?.uri, `getHLSMediaPlaylist.m3u8?SessionToken=${ts.token}`);
	t.is(variant?.codecs, 'avc1.64000d,mp4a.40.2');
	t.deepEqual(variant?.audio, []);
});

test('what is not said is as the service has it', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	await ingest(videoFragments(1100));
	clock.nowMs = START_MS + 1100 * 2000;
	const count = async (members: object): Promise<number> =>
		(await readPlaylist(await open(members))).playlist.segments.length;
	const all = selector('PRODUCER', { to: 2_200_000 });
	t.is(await count({}), 5);
	t.is(await count({ PlaybackMode: 'LIVE_REPLAY', ...all }), 5);
	t.is(await count({ PlaybackMode: 'ON_DEMAND', ...all }), 1000);
	t.is(await count({ PlaybackMode: 'ON_DEMAND', ...all, MaxMediaPlaylistFragmentResults: 5000 }), 1100);
	// LIVE, in MP4, by the server's clock, with a discontinuity each, without times.
	const session = await open();
	const { text } = await readPlaylist(session);
	t.regex(text, /getMP4MediaFragment/);
	t.notRegex(text, /EXT-X-PLAYLIST-TYPE|EXT-X-ENDLIST|EXT-X-PROGRAM-DATE-TIME/);
	t.is(text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length, 5);
	const { text: silent } = await readPlaylist(await open({ DisplayFragmentTimestamp: 'NEVER' }));
	t.notRegex(silent, /EXT-X-PROGRAM-DATE-TIME/);
	// A range without a clock is the server's: the second fragment came at three seconds.
	const TimestampRange = { StartTimestamp: START_MS / 1000 + 3, EndTimestamp: START_MS / 1000 + 5 };
	const { playlist } = await readPlaylist(
		await open({ PlaybackMode: 'ON_DEMAND', HLSFragmentSelector: { TimestampRange } }),
	);
	t.deepEqual(listed(playlist), [1, 2]);
	// Five minutes.
	clock.nowMs += 299_999;
	t.is((await fetch(session.url)).status, 200);
	clock.nowMs++;
	t.is((await fetch(session.url)).status, 403);
});

test('no playlist promises less than a player has to load, however small the frames', async (t) => {
	const { ingest, open } = await startPlayback(t);
	await ingest([videoFragment(0), videoFragment(1, { frames: 1 }), videoFragment(2, { frames: 2 })]);
	for (const ContainerFormat of ['FRAGMENTED_MP4', 'MPEG_TS']) {
		const session = await open(onDemand('PRODUCER', { ContainerFormat }));
		const [variant] = (await readMaster(session)).variants;
		const { playlist } = await readPlaylist(session);
		t.is(playlist.segments.length, 3);
		for (const { uri, duration } of playlist.segments) {
			const response = await fetch(new URL(uri, session.url));
			const { byteLength } = await response.arrayBuffer();
			const bandwidth = (byteLength * 8) / duration;
			t.true(
				bandwidth <= (variant?.bandwidth ?? 0),
				`${ContainerFormat}: ${bandwidth} of ${variant?.bandwidth}`,
			);
		}
	}
});

test("a playlist on demand stands as the service's own", async (t) => {
	const { ingest, open } = await startPlayback(t);
	// 30 frames over 1,796 ms: a capture of the service has this fragment with the same duration.
	const steps = Array.from({ length: 30 }, (_, index) => Math.round((index * 1796) / 29));
	const blocks = steps.map((relativeTicks, index) => ({
		trackNumber: 1,
		relativeTicks,
		keyframe: index === 0,
		data: Buffer.from([0, 0, 0, 1, 0x65]),
	}));
	await ingest([videoFragment(0, { blocks }), videoFragment(1)]);
	const session = await open(
		onDemand('PRODUCER', { DisplayFragmentTimestamp: 'ALWAYS', DiscontinuityMode: 'NEVER' }),
	);
	const { text } = await readPlaylist(session);
	t.is(
		text.replaceAll(session.token, 'T'),
		`#EXTM3U
#EXT-X-VERSION:7
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=T&TrackNumber=1&SequenceNumber=0"
#EXT-X-PROGRAM-DATE-TIME:2026-01-31T00:00:00.000Z
#EXTINF:1.857,
getMP4MediaFragment.mp4?FragmentNumber=1000000&SessionToken=T&TrackNumber=1
#EXT-X-PROGRAM-DATE-TIME:2026-01-31T00:00:02.000Z
#EXTINF:2.0,
getMP4MediaFragment.mp4?FragmentNumber=1000001&SessionToken=T&TrackNumber=1
#EXT-X-ENDLIST
`,
	);
	const ts = await open(
		onDemand('SERVER', { ContainerFormat: 'MPEG_TS', DisplayFragmentTimestamp: 'ALWAYS' }),
	);
	t.is(
		(await readPlaylist(ts)).text.replaceAll(ts.token, 'T'),
		`#EXTM3U
#EXT-X-VERSION:3
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:1
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-31T00:00:01.000Z
#EXTINF:1.857,
getTSFragment.ts?FragmentNumber=1000000&SessionToken=T
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-31T00:00:03.000Z
#EXTINF:2.0,
getTSFragment.ts?FragmentNumber=1000001&SessionToken=T
#EXT-X-ENDLIST
`,
	);
});

test('discontinuities: always, never, or where more than 50 ms are missing or too many', async (t) => {
	const { ingest, open } = await startPlayback(t);
	// Each begins so many milliseconds after where the one before it ends.
	const gaps = [0, 0, 50, 51, -50, -51, 0];
	let at = START_MS;
	const fragments = gaps.map((gapMs, index) => {
		at += gapMs;
		const fragment = videoFragment(index, { producerMs: at, serverMs: START_MS + 1000 + 2000 * index });
		at += 2000;
		return fragment;
	});
	await ingest(fragments);
	const marks = async (clock: 'SERVER' | 'PRODUCER', DiscontinuityMode?: string): Promise<string> => {
		const { playlist } = await readPlaylist(await open(onDemand(clock, { DiscontinuityMode })));
		return playlist.segments.map(({ discontinuity }) => (discontinuity ? 'x' : '-')).join('');
	};
	t.is(await marks('PRODUCER', 'ON_DISCONTINUITY'), '---x-x-');
	t.is(await marks('SERVER', 'ON_DISCONTINUITY'), '-------');
	t.is(await marks('PRODUCER', 'ALWAYS'), 'xxxxxxx');
	t.is(await marks('SERVER', 'NEVER'), '-------');
	// What holds where nothing is said.
	t.is(await marks('SERVER'), 'xxxxxxx');
	t.is(await marks('PRODUCER'), '-------');
});

test('on demand the oldest fragments are listed, in the order of the clock', async (t) => {
	const playback = await startPlayback(t);
	const late = videoFragments(6).map((fragment, index) => ({
		...fragment,
		// The server got the second half first.
		serverMs: START_MS + 10_000 + 2000 * (index < 3 ? index + 3 : index - 3),
	}));
	t.deepEqual(await list(playback, late, onDemand('PRODUCER')), [0, 1, 2, 3, 4, 5]);
	const { open } = playback;
	const only = async (members: object): Promise<number[]> =>
		listed((await readPlaylist(await open(members))).playlist);
	t.deepEqual(await only(onDemand('SERVER')), [3, 4, 5, 0, 1, 2]);
	t.deepEqual(await only(onDemand('PRODUCER', { MaxMediaPlaylistFragmentResults: 2 })), [0, 1]);
	t.deepEqual(await only(onDemand('SERVER', { MaxMediaPlaylistFragmentResults: 4 })), [3, 4, 5, 0]);
});

test('of a producer timestamp that came twice the larger number stays; what overlaps stays too', async (t) => {
	const again = [
		videoFragment(0),
		videoFragment(1),
		// Sent once more after the connection broke.
		videoFragment(2, { producerMs: START_MS + 2000 }),
		videoFragment(3, { producerMs: START_MS + 4000 }),
		videoFragment(4, { producerMs: START_MS + 4500 }),
	];
	t.deepEqual(await list(await startPlayback(t), again, onDemand('PRODUCER')), [0, 2, 3, 4]);
	t.deepEqual(await list(await startPlayback(t), again, onDemand('SERVER')), [0, 1, 2, 3, 4]);
});

test('a producer that was cut off for long, and sends its last fragment again, is played on', async (t) => {
	const before = videoFragments(3);
	const after = [2, 3, 4].map((index) =>
		videoFragment(index + 10, {
			producerMs: START_MS + index * 2000,
			serverMs: START_MS + 600_000 + index * 2000,
		}),
	);
	t.deepEqual(
		await list(await startPlayback(t), [...before, ...after], onDemand('PRODUCER')),
		[0, 1, 12, 13, 14],
	);
});

test('a range that was ingested twice, far apart, is played as it was ingested first', async (t) => {
	const first = videoFragments(40);
	const second = videoFragments(40, 40).map((fragment, index) => ({
		...fragment,
		producerMs: START_MS + index * 2000 + 500,
	}));
	const expected = Array.from({ length: 40 }, (_, index) => index);
	t.deepEqual(await list(await startPlayback(t), [...first, ...second], onDemand('PRODUCER')), expected);
	// Of less than a minute, but much later.
	const later = videoFragments(3, 3).map((fragment, index) => ({
		...fragment,
		producerMs: START_MS + index * 2000,
		serverMs: START_MS + 1_800_000 + index * 2000,
	}));
	t.deepEqual(
		await list(await startPlayback(t), [...videoFragments(3), ...later], onDemand('PRODUCER')),
		[0, 1, 2],
	);
});

test('other codec private data is another initialization, in both containers', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const sizes = ['s', 's', 'l', 'l', 's', 'l'];
	await ingest(
		sizes.map((size, index) => videoFragment(index, { tracks: [size === 's' ? videoTrack : largeTrack] })),
	);
	const session = await open(onDemand('PRODUCER', { DiscontinuityMode: 'NEVER' }));
	const { playlist, url } = await readPlaylist(session);
	const numbers = playlist.segments.map(({ map }) => /SequenceNumber=(\d+)/.exec(map.uri)?.[1]).join('');
	t.is(numbers, '001123');
	const marks = playlist.segments.map(({ discontinuity }) => (discontinuity ? 'x' : '-')).join('');
	t.is(marks, '--x-xx');
	for (const { map } of playlist.segments) {
		const init = Buffer.from(await (await fetch(new URL(map.uri, url))).arrayBuffer());
		const isLarge = ['1', '3'].includes(/SequenceNumber=(\d)/.exec(map.uri)?.[1] ?? '');
		t.is(init.includes(largeAvc), isLarge, map.uri);
		t.is(init.includes(smallAvc), !isLarge, map.uri);
	}
	const ts = await open(onDemand('PRODUCER', { ContainerFormat: 'MPEG_TS', DiscontinuityMode: 'NEVER' }));
	const { segments } = (await readPlaylist(ts)).playlist;
	t.is(segments.map(({ discontinuity }) => (discontinuity ? 'x' : '-')).join(''), '--x-xx');
});

test('after 500 changes, and for other tracks, a fragment is listed and cannot be had', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const flicker = Array.from({ length: 503 }, (_, index) =>
		videoFragment(index, { tracks: [index % 2 === 0 ? videoTrack : largeTrack], frames: 2 }),
	);
	await ingest(flicker);
	const { playlist, url } = await readPlaylist(await open(onDemand()));
	t.is(playlist.segments.length, 503);
	const status = async (index: number): Promise<number> =>
		(await fetch(new URL(playlist.segments[index]?.uri as string, url))).status;
	t.is(await status(500), 200);
	t.is(await status(501), 400);
	t.is(await status(502), 200);

	await ingest(
		[
			videoFragment(0),
			videoFragment(1, { tracks: [videoTrack, audioTrack] }),
			videoFragment(2, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)] }),
			videoFragment(3),
		],
		'gate',
	);
	const gate = await readPlaylist(await open({ StreamName: 'gate', ...onDemand() }));
	t.deepEqual(listed(gate.playlist), [0, 1, 2, 3]);
	const names = await Promise.all(
		gate.playlist.segments.slice(1, 3).map(({ uri }) => refusal(new URL(uri, gate.url))),
	);
	t.deepEqual(
		names.map(([code, name]) => [code, name]),
		[
			[400, 'UnsupportedStreamMediaTypeException'],
			[400, 'MissingCodecPrivateDataException'],
		],
	);
	t.is((await fetch(new URL(gate.playlist.segments[3]?.uri as string, gate.url))).status, 200);
});

/** What a live playlist says: first media sequence, discontinuity sequence, fragments, whether it is over. */
async function look(session: Session, of: 'video' | 'audio' = 'video'): Promise<string> {
	const { playlist } = await readPlaylist(session, of);
	const { mediaSequenceBase, discontinuitySequenceBase = 0, endlist, playlistType } = playlist;
	const end = endlist ? ' end' : playlistType === undefined ? '' : ` ${playlistType}`;
	return `${mediaSequenceBase}/${discontinuitySequenceBase} ${listed(playlist).join(' ')}${end}`;
}

test('a live playlist holds the newest, slides, and says the same of video and audio', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	const both = { tracks: [videoTrack, audioTrack] };
	const live = (index: number): FragmentFixture => videoFragment(index, both);
	clock.nowMs = START_MS + 20_000;
	await ingest(Array.from({ length: 8 }, (_, index) => live(index)));
	const session = await open({ MaxMediaPlaylistFragmentResults: 3 });
	t.is(await look(session), '1/0 5 6 7');
	t.is(await look(session, 'audio'), '1/0 5 6 7');
	await ingest([live(8)]);
	t.is(await look(session, 'audio'), '2/1 6 7 8');
	t.is(await look(session), '2/1 6 7 8');
	// Many at once: each has its number all the same.
	clock.nowMs = START_MS + 40_000;
	await ingest([9, 10, 11, 12, 13].map(live));
	t.is(await look(session), '7/6 11 12 13');
	t.is(await look(session, 'audio'), '7/6 11 12 13');
	// What comes too late is left out; gaps are not filled.
	await ingest([videoFragment(50, { ...both, producerMs: START_MS + 24_500 }), live(14)]);
	t.is(await look(session), '8/7 12 13 14');
	// A session of its own begins where the stream is.
	t.is(await look(await open({ MaxMediaPlaylistFragmentResults: 3 })), '1/0 50 13 14');
});

test('the lists of video and audio move on together', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	clock.nowMs = START_MS + 5000;
	await ingest(
		Array.from({ length: 9 }, (_, index) => videoFragment(index, { tracks: [videoTrack, audioTrack] })),
	);
	const session = await open();
	t.is(await look(session), '1/0 0 1 2');
	// A fragment has come since, but the audio is requested right after the video.
	clock.nowMs += 1999;
	t.is(await look(session, 'audio'), '1/0 0 1 2');
	t.is(await look(session, 'audio'), '1/0 0 1 2');
	clock.nowMs += 1;
	t.is(await look(session, 'audio'), '1/0 0 1 2 3');
	t.is(await look(session), '1/0 0 1 2 3');
	// Not so after a while: no player gets a list of yesterday.
	clock.nowMs += 2000;
	t.is(await look(session), '1/0 0 1 2 3 4');
	clock.nowMs += 2000;
	t.is(await look(session, 'audio'), '2/1 1 2 3 4 5');
});

test('what has slid out of a live playlist can still be had for a while', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	clock.nowMs = START_MS + 110_000;
	await ingest(videoFragments(47));
	const session = await open({ MaxMediaPlaylistFragmentResults: 3 });
	const { playlist, url } = await readPlaylist(session);
	const first = new URL(playlist.segments[0]?.uri as string, url);
	const statuses: number[] = [];
	for (let index = 47; index < 51; index++) {
		await ingest([videoFragment(index)]);
		await readPlaylist(session);
		statuses.push((await fetch(first)).status);
	}
	t.deepEqual(statuses, [200, 200, 200, 404]);
});

test('a recording whose time is yet to come plays live as the clock goes on', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	await ingest(videoFragments(30));
	clock.nowMs = START_MS + 4999;
	const session = await open();
	t.is(await look(session), '1/0 0 1');
	clock.nowMs = START_MS + 5000;
	t.is(await look(session), '1/0 0 1 2');
	clock.nowMs = START_MS + 15_000;
	t.is(await look(session), '4/3 3 4 5 6 7');
	clock.nowMs = START_MS + 200_000;
	t.is(await look(session), '26/25 25 26 27 28 29');
});

test("live on the producer's clock: chosen by the server's, and no timestamp twice", async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	clock.nowMs = START_MS + 20_000;
	const duplicate = videoFragment(4, { producerMs: START_MS + 6000, serverMs: START_MS + 7500 });
	await ingest([...videoFragments(4), duplicate]);
	const session = await open({
		HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
		DisplayFragmentTimestamp: 'ALWAYS',
	});
	t.is(await look(session), '1/0 0 1 2 4');
	await ingest([
		videoFragment(5, { producerMs: START_MS + 6000, serverMs: START_MS + 8000 }),
		videoFragment(6, { producerMs: START_MS + 8000, serverMs: START_MS + 9000 }),
	]);
	t.is(await look(session), '1/0 0 1 2 4 6');
	const { playlist } = await readPlaylist(session);
	t.is(playlist.segments.at(-1)?.programDateTime?.getTime(), START_MS + 8000);
});

test('the target duration of a live playlist does not shrink', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	clock.nowMs = START_MS + 30_000;
	await ingest([videoFragment(0, { stepMs: 100 })]);
	const session = await open({ MaxMediaPlaylistFragmentResults: 1 });
	t.is((await readPlaylist(session)).playlist.targetDuration, 5);
	await ingest([videoFragment(10)]);
	const { playlist } = await readPlaylist(session);
	t.deepEqual(listed(playlist), [10]);
	t.is(playlist.targetDuration, 5);
});

test('a replay begins at its start, goes on as time does, and ends with its range', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	await ingest(videoFragments(10));
	const replay = { PlaybackMode: 'LIVE_REPLAY', MaxMediaPlaylistFragmentResults: 3 };
	const session = await open({ ...replay, ...selector('PRODUCER', { from: 2000, to: 14_000 }) });
	const opened = clock.nowMs;
	t.is(await look(session), '1/0 1 2 3');
	clock.nowMs = opened + 1999;
	t.is(await look(session), '1/0 1 2 3');
	clock.nowMs = opened + 2000;
	t.is(await look(session), '2/0 2 3 4');
	clock.nowMs = opened + 6500;
	t.is(await look(session), '4/0 4 5 6');
	clock.nowMs = opened + 8000;
	t.is(await look(session), '5/0 5 6 7 end');
	clock.nowMs = opened + 200_000;
	t.is(await look(session), '5/0 5 6 7 end');
});

test('a replay without an end goes on with what comes in', async (t) => {
	const { ingest, open, clock } = await startPlayback(t);
	await ingest(videoFragments(3));
	const session = await open({
		PlaybackMode: 'LIVE_REPLAY',
		MaxMediaPlaylistFragmentResults: 2,
		...selector('SERVER', { to: null }),
	});
	const opened = clock.nowMs;
	clock.nowMs = opened + 60_000;
	t.is(await look(session), '2/1 1 2');
	await ingest(videoFragments(4, 3));
	// What was waited for is not made up for: one fragment every two seconds.
	t.is(await look(session), '3/2 2 3');
	clock.nowMs = opened + 61_999;
	t.is(await look(session), '3/2 2 3');
	clock.nowMs = opened + 62_000;
	t.is(await look(session), '4/3 3 4');
	clock.nowMs = opened + 300_000 - 1;
	t.is(await look(session), '6/5 5 6');
});

test('a fragment of one frame lasts until the next', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const single = { frames: 1 };
	await ingest([0, 1, 2].map((index) => videoFragment(index, single)));
	const { playlist } = await readPlaylist(await open(onDemand()));
	t.deepEqual(
		playlist.segments.map(({ duration }) => duration),
		[2, 2, 0.04],
	);
});

test('archives of before have no count of video frames, and the same playlists', async (t) => {
	const { fragmentDurationMs } = await import('#lib/server/playback/sessions/session-entry.js');
	const { readTracks } = await import('#lib/mkv/tracks.js');
	const { childrenOf } = await import('#lib/ebml/element-body.js');
	const { master } = await import('#lib/ebml/ebml-writer.js');
	const [body] = [...childrenOf(Buffer.concat(master('Tracks', [videoTrack, audioTrack])))];
	const tracks = readTracks(body?.body as Uint8Array);
	const stored = {
		number: '1',
		payload: '',
		offset: 0,
		sizeBytes: 1,
		producerMs: 0,
		serverMs: 0,
		lengthMs: 1984,
		frames: 50 + 94,
	};
	// The audio is 24 ms longer than the video: a guess, and a good one.
	t.true(Math.abs(fragmentDurationMs(stored, tracks, null) - 2000) < 30);
	t.is(fragmentDurationMs({ ...stored, pictures: 50, picturesMs: 1960 }, tracks, null), 2000);
});
