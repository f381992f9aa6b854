// Longer than 300 lines: originals are encoded once and played in every container.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { makeRecording } from '../../helpers/media/recordings.js';
import { sample, testWith, withFfmpeg } from '../../helpers/needs.js';
import { type Json, startServer } from '../../helpers/service/start-server.js';
import { run } from '../../helpers/tools.js';
import { within } from '../../helpers/wait.js';
import {
	dashOnDemand,
	onDemand,
	readPlaylist,
	type Session,
	START_MS,
	selector,
	startPlayback,
	videoFragment,
} from './start-playback.js';

const CONTAINERS = ['FRAGMENTED_MP4', 'MPEG_TS'] as const;

const video = (size: string, seconds: number): string[] =>
	`-f lavfi -i testsrc2=size=${size}:rate=25:duration=${seconds}`.split(' ');
const tone = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=d=${seconds}:r=48000`];
/** A key frame a second: fragments of that length. */
const avc = [
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-g',
	'25',
	'-keyint_min',
	'25',
	'-sc_threshold',
	'0',
];
const BFRAMES = ['-bf', '3', '-b_strategy', '0'];
const PLAIN = ['-bf', '0'];
const aac = ['-c:a', 'aac', '-ac', '2'];
const hevc = [
	'-c:v',
	'libx265',
	'-preset',
	'ultrafast',
	'-x265-params',
	'log-level=none:keyint=25:min-keyint=25:scenecut=0',
];

/** A stream to be played: the arguments that make its files, and how many seconds after the start each begins. */
interface Source {
	readonly files: readonly (readonly string[])[];
	readonly startsSeconds: readonly number[];
	readonly frames: number;
}

const playedSources: Readonly<Record<string, Source>> = {
	'video without B-frames': {
		files: [[...video('160x120', 4), ...avc, ...PLAIN]],
		startsSeconds: [0],
		frames: 100,
	},
	'B-frames and audio': {
		files: [[...video('160x120', 4), ...tone(4), ...avc, ...BFRAMES, ...aac]],
		startsSeconds: [0],
		frames: 100,
	},
	'H.265': { files: [[...video('160x120', 3), ...hevc]], startsSeconds: [0], frames: 75 },
	'audio alone': { files: [[...tone(5), ...aac]], startsSeconds: [0], frames: 0 },
	'a gap': {
		files: [
			[...video('160x120', 2), ...tone(2), ...avc, ...BFRAMES, ...aac],
			[...video('160x120', 3), ...tone(3), ...avc, ...BFRAMES, ...aac],
		],
		startsSeconds: [0, 10],
		frames: 125,
	},
	'a change of resolution, and back': {
		files: [
			[...video('160x120', 2), ...avc, ...BFRAMES],
			[...video('320x240', 3), ...avc, ...PLAIN],
			[...video('160x120', 4), ...avc, ...BFRAMES],
		],
		startsSeconds: [0, 2, 5],
		frames: 225,
	},
};

const sources: Readonly<Record<string, Source>> = {
	...playedSources,
	'nine seconds': {
		files: [[...video('160x120', 9), ...tone(9), ...avc, ...BFRAMES, ...aac]],
		startsSeconds: [0],
		frames: 225,
	},
	'two seconds in three qualities': {
		files: ['20', '24', '28'].map((crf) => [...video('160x120', 2), ...avc, ...BFRAMES, '-crf', crf]),
		startsSeconds: [0, 0.7, 1.1],
		frames: 150,
	},
};

/** What a player reads: hashes of decoded frames of video and of packets of audio, in order. */
interface Decoded {
	readonly video: readonly string[];
	readonly audio: readonly string[];
}

/** What a player reads of all it is given, and what it had to complain about. */
interface Played {
	readonly decoded: readonly Decoded[];
	readonly stderr: string;
	readonly code: number | null;
}

let lists = 0;

/** Plays all inputs in one process: the start of one takes longer than a recording of some seconds. */
async function play(
	inputs: readonly string[],
	{
		before = [],
		streams = '',
		after = [],
	}: { before?: readonly string[]; streams?: string; after?: readonly string[] } = {},
): Promise<Played> {
	const files = inputs.map(() => join(directory, `${lists++}.framehash`));
	// Several are read by threads, which complain of a queue that is full.
	const queue = inputs.length > 1 ? ['-thread_queue_size', '4096'] : [];
	const { code, stderr } = await run('ffmpeg', [
		...'-nostdin -v repeat+warning'.split(' '),
		...inputs.flatMap((input) => [...before, ...queue, '-threads', '1', '-i', input]),
		...files.flatMap((file, index) => [
			// A decoder of audio has a memory; its packets have none.
			...`-map ${index}${streams} -autoscale 0 -c:a copy -bsf:a aac_adtstoasc -fps_mode passthrough`.split(
				' ',
			),
			...after,
			...'-f framehash -hash murmur3'.split(' '),
			file,
		]),
	]);
	const decoded = await Promise.all(files.map(async (file) => parseList(await readFile(file, 'utf8'))));
	return { code, stderr, decoded };
}

function parseList(list: string): Decoded {
	const kinds = new Map([...list.matchAll(/^#media_type (\d): (\w+)/gm)].map(([, at, kind]) => [at, kind]));
	const rows = list.split('\n').filter((line) => /^\d/.test(line));
	const hashes = (wanted: string): string[] =>
		rows
			.map((row) => row.split(',').map((field) => field.trim()))
			.filter(([at]) => kinds.get(at) === wanted)
			.map((fields) => fields[5] as string);
	return { video: hashes('video'), audio: hashes('audio') };
}

/** Files, and what ffmpeg reads in each. */
interface Original {
	readonly files: readonly string[];
	readonly decoded: readonly Decoded[];
}

const originals = new Map<string, Promise<Original>>();
let directory = '';

test.before(async () => {
	directory = await mkdtemp(join(tmpdir(), 'kvs-archive-test-'));
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

/** The files of a source, made once for all tests. */
function original(title: keyof typeof sources): Promise<Original> {
	const known = originals.get(title);
	if (known !== undefined) return known;
	const made = makeOriginal(title);
	originals.set(title, made);
	return made;
}

async function makeOriginal(title: keyof typeof sources): Promise<Original> {
	const files: string[] = [];
	for (const args of (sources[title] as Source).files) files.push(await makeRecording(args));
	const { decoded } = await play(files);
	return { files, decoded };
}

async function playAll(
	t: ExecutionContext,
	files: readonly string[],
	startsSeconds: readonly number[],
	members: readonly object[],
	protocol: 'HLS' | 'DASH' = 'HLS',
): Promise<Played> {
	const { server, call } = await startServer(t, { now: () => START_MS + 3_600_000 });
	for (const [index, file] of files.entries()) {
		const start = new Date(START_MS + (startsSeconds[index] ?? 0) * 1000);
		await server.archive.ingest('door', file, { start });
	}
	const urls: string[] = [];
	for (const more of members) {
		const { json } = await call(`Get${protocol}StreamingSessionURL`, {
			StreamName: 'door',
			PlaybackMode: 'ON_DEMAND',
			...more,
		});
		const url: string | undefined = json[`${protocol}StreamingSessionURL`];
		if (url === undefined) throw new Error(JSON.stringify(json));
		urls.push(url);
	}
	return play(urls);
}

/** ffmpeg reads one initialization of an MP4 and says so of each other; it finds the parameter sets in the media. */
function complaints({ stderr }: Played): string {
	return stderr.replace(/^\[mov,.*Found duplicated MOOV Atom\. Skipped it\n/gm, '');
}

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
		const output = join(directory, `${lists++}.mulaw`);
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
	'media that came faster than they play overlap on the clock, and not in what is played',
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

/** When the frames of each segment of a session are decoded, and for how long: milliseconds from {@link START_MS}. */
async function decodeTimes(session: Session): Promise<{ startMs: number; endMs: number }[]> {
	const { playlist } = await readPlaylist(session);
	const times: { startMs: number; endMs: number }[] = [];
	for (const { uri } of playlist.segments) {
		const response = await fetch(new URL(uri, session.url));
		const boxes = readBoxes(Buffer.from(await response.arrayBuffer()));
		const [time] = boxesAt(boxes, 'moof/traf/tfdt');
		const [run] = boxesAt(boxes, 'moof/traf/trun');
		const startMs = Number(Buffer.from(time?.fields ?? []).readBigUInt64BE(4)) / 90 - START_MS;
		const entries = Buffer.from(run?.fields ?? []).subarray(12);
		let endMs = startMs;
		for (let at = 0; at < entries.byteLength; at += 16) endMs += entries.readUInt32BE(at) / 90;
		times.push({ startMs, endMs });
	}
	return times;
}

test('server times that jitter move no fragment into the one before it, whatever the discontinuities', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const jitterMs = [0, -45, 0, 45, -30, 10, -400, -900, -100, 0, 0];
	await ingest(
		jitterMs.map((ms, index) => videoFragment(index, { serverMs: START_MS + 1000 + 2000 * index + ms })),
	);
	for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
		const times = await decodeTimes(await open(onDemand('SERVER', { DiscontinuityMode })));
		// As the clock says, but for those that came too early: these are played one after the other.
		t.deepEqual(
			times.map(({ startMs }) => startMs),
			[1000, 3000, 5000, 7045, 9045, 11_045, 13_045, 15_045, 17_045, 19_045, 21_045],
			DiscontinuityMode,
		);
	}
});

test('media on their own clock are played when they say, however long fragments are thought to be', async (t) => {
	const { ingest, open } = await startPlayback(t);
	// 29.97 frames a second, and frames that come unevenly: both seem to last longer than until the next.
	const even = Array.from({ length: 30 }, (_, index) => Math.round((index * 1001) / 30));
	const uneven = [0, 900, 1800];
	const at = (index: number): number => (index < 20 ? index * 1001 : 20_020 + (index - 20) * 2000);
	await ingest(
		Array.from({ length: 40 }, (_, index) =>
			videoFragment(index, {
				producerMs: START_MS + at(index),
				serverMs: START_MS + 1000 + at(index),
				blocks: (index < 20 ? even : uneven).map((relativeTicks) => ({
					trackNumber: 1,
					relativeTicks,
					keyframe: relativeTicks === 0,
					data: Buffer.from([0, 0, 0, 1, 0x65]),
				})),
			}),
		),
	);
	for (const clock of ['SERVER', 'PRODUCER'] as const) {
		for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
			const times = await decodeTimes(await open(onDemand(clock, { DiscontinuityMode })));
			t.deepEqual(
				times.map(({ startMs }) => Math.round(startMs)),
				Array.from({ length: 40 }, (_, index) => at(index) + (clock === 'SERVER' ? 1000 : 0)),
				`${clock} ${DiscontinuityMode}`,
			);
		}
	}
});

test('producers that send what they have sent overlap themselves, and are played in a row', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const starts = [0, 2000, 3000, 5000, 7000, 12_000, 14_000];
	await ingest(starts.map((ms, index) => videoFragment(index, { producerMs: START_MS + ms })));
	const times = await decodeTimes(await open(onDemand('PRODUCER')));
	t.deepEqual(
		times.map(({ startMs }) => startMs),
		// Late by the second that came twice, until there is room again.
		[0, 2000, 4000, 6000, 8000, 12_000, 14_000],
	);
});

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

test('a fragment is packaged once, however many ask for it, and the least used go first', async (t) => {
	const { MediaCache } = await import('#lib/server/playback/packaging/media-cache.js');
	const cache = new MediaCache<{ sizeBytes: number; name: string }>(100);
	const made: string[] = [];
	const get = (name: string, sizeBytes = 40): Promise<{ name: string }> =>
		cache.get(name, async () => {
			made.push(name);
			await Promise.resolve();
			return { name, sizeBytes };
		});
	const responses = await Promise.all([get('a'), get('a'), get('b'), get('a')]);
	t.deepEqual(
		responses.map(({ name }) => name),
		['a', 'a', 'b', 'a'],
	);
	t.deepEqual(made, ['a', 'b']);
	await get('a');
	await get('c');
	t.is(cache.sizeBytes, 80);
	await get('a');
	await get('b');
	t.deepEqual(made, ['a', 'b', 'c', 'b']);
	// One that is larger than all the room there is, is given out and not kept.
	await get('huge', 101);
	t.is(cache.sizeBytes, 0);
	let fails = true;
	const fail = (): Promise<{ sizeBytes: number; name: string }> =>
		fails ? Promise.reject(new Error('no')) : Promise.resolve({ name: 'ok', sizeBytes: 1 });
	await t.throwsAsync(cache.get('d', fail), { message: 'no' });
	fails = false;
	t.is((await cache.get('d', fail)).name, 'ok');
});

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
