import test from 'ava';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import {
	audioTrack,
	listed,
	readPlaylist,
	type Session,
	START_MS,
	selector,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

/** What a live playlist says: first media sequence, discontinuity sequence, fragments, whether it is over. */
async function look(session: Session, of: 'video' | 'audio' = 'video'): Promise<string> {
	const { playlist } = await readPlaylist(session, of);
	const { mediaSequenceBase, discontinuitySequenceBase = 0, endlist, playlistType } = playlist;
	const end = endlist ? ' end' : playlistType === undefined ? '' : ` ${playlistType}`;
	return `${mediaSequenceBase}/${discontinuitySequenceBase} ${listed(playlist).join(' ')}${end}`;
}

test('a live playlist holds the newest fragments, slides, and is the same for video and audio', async (t) => {
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

test('a segment that left a live playlist can still be loaded for a while', async (t) => {
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

test('a recording with future timestamps plays live as the clock advances', async (t) => {
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

test('a live playlist by producer timestamp selects by server timestamp, and lists no timestamp twice', async (t) => {
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

test('a replay begins at its start, advances with the clock, and ends with its range', async (t) => {
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

test('a replay without an end continues with new fragments', async (t) => {
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
