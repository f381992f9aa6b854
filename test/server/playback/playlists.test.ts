import test from 'ava';
import {
	audioTrack,
	fetchText,
	listed,
	onDemand,
	readMaster,
	readPlaylist,
	START_MS,
	selector,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

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

test('omitted members have the defaults of the service', async (t) => {
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

test('BANDWIDTH is at least what a player has to load, however small the frames', async (t) => {
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

test('an on-demand playlist is written as the service writes it', async (t) => {
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

test('discontinuities are marked always, never, or at gaps and overlaps of more than 50 ms', async (t) => {
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

test('without a count of video frames, as in older archives, the duration of a fragment is estimated', async (t) => {
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
