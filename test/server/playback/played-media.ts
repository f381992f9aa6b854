import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeRecording } from '../../helpers/media/recordings.js';
import { startServer } from '../../helpers/service/start-server.js';
import { run } from '../../helpers/tools.js';
import { START_MS } from './start-playback.js';

/** Arguments of ffmpeg for a test picture of that size. */
export const video = (size: string, seconds: number): string[] =>
	`-f lavfi -i testsrc2=size=${size}:rate=25:duration=${seconds}`.split(' ');
/** The same for a tone. */
export const tone = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=d=${seconds}:r=48000`];
/** A key frame a second: fragments of that length. */
export const avc = [
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
/** Frames that are shown in another order than they are decoded in. */
export const BFRAMES = ['-bf', '3', '-b_strategy', '0'];
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
export interface Source {
	readonly files: readonly (readonly string[])[];
	readonly startsSeconds: readonly number[];
	readonly frames: number;
}

/** Streams that are played in every container, by what is in them. */
export const playedSources: Readonly<Record<string, Source>> = {
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

/** These, and those that single tests play. */
export const sources: Readonly<Record<string, Source>> = {
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
export interface Decoded {
	readonly video: readonly string[];
	readonly audio: readonly string[];
}

/** What a player reads of all it is given, and what it had to complain about. */
export interface Played {
	readonly decoded: readonly Decoded[];
	readonly stderr: string;
	readonly code: number | null;
}

let outputs = 0;

/** A path of its own for what ffmpeg writes. */
export function outputFile(ending: string): string {
	return join(directory, `${outputs++}.${ending}`);
}

/** Plays all inputs in one process: the start of one takes longer than a recording of some seconds. */
export async function play(
	inputs: readonly string[],
	{
		before = [],
		streams = '',
		after = [],
	}: { before?: readonly string[]; streams?: string; after?: readonly string[] } = {},
): Promise<Played> {
	const files = inputs.map(() => outputFile('framehash'));
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
export interface Original {
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
export function original(title: keyof typeof sources): Promise<Original> {
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

/** Ingests files, each at its time, and plays a session of each of `members`. */
export async function playAll(
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
export function complaints({ stderr }: Played): string {
	return stderr.replace(/^\[mov,.*Found duplicated MOOV Atom\. Skipped it\n/gm, '');
}
