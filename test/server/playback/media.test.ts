import { readFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { makeRecording } from '../../helpers/media/recordings.js';
import { sample, testWith, withFfmpeg } from '../../helpers/needs.js';
import { type Json, startServer } from '../../helpers/service/start-server.js';
import { run } from '../../helpers/tools.js';
import { within } from '../../helpers/wait.js';
import {
	avc,
	BFRAMES,
	complaints,
	type Decoded,
	original,
	outputFile,
	play,
	playAll,
	playedSources,
	type Source,
	sources,
	tone,
	video,
} from './played-media.js';
import { dashOnDemand, onDemand, START_MS, selector } from './start-playback.js';

const CONTAINERS = ['FRAGMENTED_MP4', 'MPEG_TS'] as const;

for (const [title, source] of Object.entries(playedSources)) {
	for (const ContainerFormat of CONTAINERS) {
		withFfmpeg(`ffmpeg plays ${title} as it was recorded: ${ContainerFormat}`, async (t) => {
			const made = await original(title);
			const played = await playAll(t, made.files, source.startsSeconds, [
				{ ContainerFormat, ...selector('SERVER') },
				{ ContainerFormat, ...selector('PRODUCER') },
				{ ContainerFormat, ...selector('PRODUCER'), DiscontinuityMode: 'ON_DISCONTINUITY' },
			]);
			t.is(played.code, 0);
			t.is(complaints(played), '');
			t.is(played.decoded.length, 3);
			for (const decoded of played.decoded) {
				t.is(decoded.video.length, source.frames);
				t.deepEqual(
					decoded.video,
					made.decoded.flatMap(({ video }) => video),
				);
				t.deepEqual(
					decoded.audio,
					made.decoded.flatMap(({ audio }) => audio),
				);
			}
		});
	}
}

for (const title of ['video without B-frames', 'B-frames and audio', 'H.265', 'a gap'] as const) {
	withFfmpeg(`ffmpeg plays ${title} as it was recorded: DASH`, async (t) => {
		const made = await original(title);
		const { files, startsSeconds, frames } = { ...(sources[title] as Source), files: made.files };
		const members = [dashOnDemand('SERVER'), dashOnDemand('PRODUCER')];
		const played = await playAll(t, files, startsSeconds, members, 'DASH');
		t.is(played.code, 0);
		t.is(complaints(played), '');
		for (const decoded of played.decoded) {
			t.is(decoded.video.length, frames);
			t.deepEqual(
				decoded.video,
				made.decoded.flatMap(({ video }) => video),
			);
			// ffmpeg's reader of DASH ends with the track that ends first, and may lose the last frame of the other.
			const audio = made.decoded.flatMap((one) => one.audio);
			t.deepEqual(decoded.audio, audio.slice(0, decoded.audio.length));
			t.true(decoded.audio.length >= audio.length - 1);
		}
	});
}

withFfmpeg('G.711 is played as it was recorded: DASH', async (t) => {
	const g711 = '-c:a pcm_mulaw -ar 8000'.split(' ');
	const file = await makeRecording([...video('160x120', 4), ...tone(4), ...avc, ...BFRAMES, ...g711]);
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', file, { start: new Date(START_MS) });
	const { json } = await call('GetDASHStreamingSessionURL', { StreamName: 'door', ...dashOnDemand() });
	const audioOf = async (input: string): Promise<Buffer> => {
		const output = outputFile('mulaw');
		const copy = ['-map', '0:a', '-c', 'copy', '-f', 'mulaw', output];
		t.is((await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', input, ...copy])).stderr, '');
		return readFile(output);
	};
	t.true((await audioOf(json.DASHStreamingSessionURL)).equals(await audioOf(file)));
});

for (const ContainerFormat of CONTAINERS) {
	withFfmpeg(
		`ffmpeg copies a session with B-frames into a file without a complaint: ${ContainerFormat}`,
		async (t) => {
			const made = await original('B-frames and audio');
			const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
			await server.archive.ingest('door', made.files[0] as string, { start: new Date(START_MS) });
			const members = { StreamName: 'door', ...onDemand('SERVER', { ContainerFormat }) };
			const { json } = await call('GetHLSStreamingSessionURL', members);
			const copy = ['-c', 'copy', '-f', 'mpegts', '-y', '/dev/null'];
			const { code, stderr } = await run('ffmpeg', [
				...'-nostdin -v repeat+warning -i'.split(' '),
				json.HLSStreamingSessionURL,
				...copy,
			]);
			t.is(code, 0);
			t.is(stderr, '');
		},
	);
}

/**
 * A server whose clock moves when a player does: a second for each fragment of the tracks it plays that it has asked for, but
 * the last, as ffmpeg asks for one ahead. However slow the player is, the fragment it needs next is listed, and two more.
 */
async function startFollowed(
	t: ExecutionContext,
	{ nowMs, tracks }: { nowMs: number; tracks: readonly string[] },
): Promise<Awaited<ReturnType<typeof startServer>> & { readonly lastRequests: () => string }> {
	const asked = new Map(tracks.map((track) => [track, new Set<string>()]));
	const requests: string[] = [];
	const fragmentsMoved = (): number =>
		Math.max(0, Math.min(...[...asked.values()].map(({ size }) => size)) - 1);
	const started = await startServer(t, { now: () => nowMs + fragmentsMoved() * 1000 });
	started.server.prependListener('request', ({ url = '' }) => {
		const { pathname, searchParams } = new URL(url, started.url);
		const [fragment, track] = [searchParams.get('FragmentNumber'), searchParams.get('TrackNumber') ?? ''];
		requests.push(`${pathname} ${track} ${fragment?.slice(-4) ?? ''}`);
		if (fragment !== null) asked.get(track)?.add(fragment);
	});
	return {
		...started,
		lastRequests: () =>
			`the clock moved ${fragmentsMoved()} s; last requests: ${requests.slice(-8).join(', ')}`,
	};
}

for (const ContainerFormat of CONTAINERS) {
	for (const PlaybackMode of ['LIVE', 'LIVE_REPLAY'] as const) {
		withFfmpeg(
			`ffmpeg follows a session from its first fragment to its last: ${PlaybackMode} ${ContainerFormat}`,
			async (t) => {
				const made = await original('nine seconds');
				const [file] = made.files as [string];
				const [recorded] = made.decoded as [Decoded];
				const isLive = PlaybackMode === 'LIVE';
				const { server, call, lastRequests } = await startFollowed(t, {
					// Four fragments are there, each a second after it was recorded.
					nowMs: START_MS + (isLive ? 4000 : 3_600_000),
					tracks: ContainerFormat === 'MPEG_TS' ? [''] : isLive ? ['1'] : ['1', '2'],
				});
				await server.archive.ingest('door', file, { start: new Date(START_MS) });
				const { json } = await call('GetHLSStreamingSessionURL', {
					StreamName: 'door',
					PlaybackMode,
					ContainerFormat,
					DiscontinuityMode: 'ON_DISCONTINUITY',
					MaxMediaPlaylistFragmentResults: 4,
					...(!isLive && selector('SERVER', { from: 0, to: 60_000 })),
				});
				const url: string = json.HLSStreamingSessionURL;
				t.truthy(url, JSON.stringify(json));
				// What is live has no end: eight of its nine seconds.
				const part = isLive ? { streams: ':v', after: ['-frames:v', '200'] } : {};
				const played = await within(
					play([url], { before: ['-live_start_index', '0'], ...part }),
					lastRequests,
				);
				t.is(played.code, 0);
				t.is(complaints(played), '', lastRequests());
				const [decoded] = played.decoded as [Decoded];
				t.deepEqual(decoded.video, isLive ? recorded.video.slice(0, 200) : recorded.video);
				if (!isLive) t.deepEqual(decoded.audio, recorded.audio);
			},
		);
	}
}

withFfmpeg(
	'fragments that arrive faster than they play overlap on the server clock, but not in playback',
	async (t) => {
		const made = await original('two seconds in three qualities');
		const played = await playAll(
			t,
			made.files,
			sources['two seconds in three qualities']?.startsSeconds ?? [],
			CONTAINERS.map((ContainerFormat) => ({ ContainerFormat, ...selector('SERVER') })),
		);
		t.is(played.code, 0);
		t.is(complaints(played), '');
		for (const decoded of played.decoded) {
			t.is(decoded.video.length, 150);
			// In the order of the server's clock, which mixes the files.
			t.deepEqual(decoded.video.toSorted(), made.decoded.flatMap(({ video }) => video).toSorted());
		}
	},
);

for (const [name, frames] of [
	['output_get_media.mkv', 300],
	['output_get_media_sparse_fragments.mkv', 180],
] as const) {
	testWith('ffmpeg', name)(`a real capture plays with all its frames: ${name}`, async (t) => {
		const file = sample(name);
		const { server, call } = await startServer(t, { now: () => Date.UTC(2017, 11, 1) });
		await server.archive.ingest('door', file);
		const TimestampRange = { StartTimestamp: 1_511_852_000, EndTimestamp: 1_511_853_000 };
		const urls: string[] = [];
		for (const [ContainerFormat, FragmentSelectorType] of [
			['FRAGMENTED_MP4', 'SERVER_TIMESTAMP'],
			['MPEG_TS', 'PRODUCER_TIMESTAMP'],
		]) {
			const { json } = await call('GetHLSStreamingSessionURL', {
				StreamName: 'door',
				PlaybackMode: 'ON_DEMAND',
				ContainerFormat,
				HLSFragmentSelector: { FragmentSelectorType, TimestampRange },
			});
			urls.push(json.HLSStreamingSessionURL);
		}
		const { code, stderr, decoded } = await play(urls);
		t.is(code, 0);
		t.is(stderr, '');
		t.deepEqual(
			decoded.map(({ video: { length } }) => length),
			[frames, frames],
		);
	});
}

withFfmpeg('MP4 segments carry their number and their time', async (t) => {
	const made = await original('B-frames and audio');
	const { server, call, url } = await startServer(t, { now: () => START_MS + 3_600_000 });
	await server.archive.ingest('door', made.files[0] as string, { start: new Date(START_MS) });
	for (const clock of ['SERVER', 'PRODUCER'] as const) {
		const { json }: Json = await call('GetHLSStreamingSessionURL', {
			StreamName: 'door',
			PlaybackMode: 'ON_DEMAND',
			...selector(clock),
		});
		const token = new URL(json.HLSStreamingSessionURL).searchParams.get('SessionToken');
		const base = `${url}/hls/v1/`;
		for (const track of [1, 2]) {
			const list = `${base}getHLSMediaPlaylist.m3u8?SessionToken=${token}&TrackNumber=${track}`;
			const lines = (await (await fetch(list)).text()).split('\n');
			const uris = lines.filter((line) => line.startsWith('getMP4Media'));
			t.is(uris.length, 4);
			for (const [index, uri] of uris.entries()) {
				const boxes = readBoxes(Buffer.from(await (await fetch(base + uri)).arrayBuffer()));
				t.deepEqual(
					boxes.map(({ type }) => type),
					['styp', 'moof', 'mdat'],
				);
				const [header] = boxesAt(boxes, 'moof/mfhd');
				t.is(Buffer.from(header?.fields ?? []).readUInt32BE(4), index + 1);
				const [time] = boxesAt(boxes, 'moof/traf/tfdt');
				const ticks = Number(Buffer.from(time?.fields ?? []).readBigUInt64BE(4));
				const ms = (ticks * 1000) / (track === 1 ? 90_000 : 48_000);
				const expected = START_MS + index * 1000 + (clock === 'SERVER' ? 1000 : 0);
				// Frames of audio go across the borders of fragments.
				t.true(Math.abs(ms - expected) <= (track === 1 ? 0 : 150), `${ms - expected}`);
			}
		}
	}
});
