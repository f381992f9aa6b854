import test from 'ava';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import {
	audioTrack,
	codedTrack,
	largeAvc,
	listed,
	onDemand,
	type Playback,
	readPlaylist,
	refusal,
	START_MS,
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

test('of two fragments with one producer timestamp, keeps the one with the larger number; overlaps stay', async (t) => {
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

test('playback continues with a producer that resends its last fragment after a long outage', async (t) => {
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

test('changed codec private data starts a discontinuity, and in MP4 another initialization segment', async (t) => {
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

test('a fragment with a change after the 500th, or with other tracks, is listed but its segment is refused', async (t) => {
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
