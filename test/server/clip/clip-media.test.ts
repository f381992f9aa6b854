import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { frameHashes } from '../../helpers/media/decoding.js';
import { makeRecording } from '../../helpers/media/recordings.js';
import { withFfmpeg } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { run, temporaryDirectory } from '../../helpers/tools.js';
import { START_MS } from '../playback/start-playback.js';
import { clipOf, readClip } from './read-clip.js';

const video = (seconds: number): string[] =>
	`-f lavfi -i testsrc2=size=160x120:rate=25:duration=${seconds}`.split(' ');
const tone = (seconds: number, rate = 48_000): string[] => [
	'-f',
	'lavfi',
	'-i',
	`sine=d=${seconds}:r=${rate}`,
];
/** A key frame a second: fragments of that length. */
const avc = '-c:v libx264 -preset fast -g 25 -keyint_min 25 -sc_threshold 0'.split(' ');
const hevc = '-c:v libx265 -preset fast -x265-params log-level=none:keyint=25:min-keyint=25:scenecut=0'.split(
	' ',
);
const bframes = ['-bf', '3', '-b_strategy', '0'];
const plain = ['-bf', '0'];
const aac = ['-c:a', 'aac', '-ac', '2'];

/** Recordings one after the other: the arguments that make each, and how many seconds after the start it begins. */
interface Source {
	readonly recordings: readonly { readonly startSeconds: number; readonly args: readonly string[] }[];
	/** How long the clip is, in seconds. */
	readonly lengthSeconds: number;
	/** Whether there is video without audio somewhere. @default false */
	readonly hasAudioGap?: boolean;
}

const sources: Readonly<Record<string, Source>> = {
	'video without B-frames': {
		recordings: [{ startSeconds: 0, args: [...video(4), ...avc, ...plain] }],
		lengthSeconds: 4,
	},
	'B-frames and AAC': {
		recordings: [{ startSeconds: 0, args: [...video(4), ...tone(4), ...avc, ...bframes, ...aac] }],
		lengthSeconds: 4,
	},
	'AAC of 44.1 kHz': {
		recordings: [{ startSeconds: 0, args: [...video(4), ...tone(4, 44_100), ...avc, ...bframes, ...aac] }],
		lengthSeconds: 4,
	},
	'H.265 and AAC': {
		recordings: [{ startSeconds: 0, args: [...video(3), ...tone(3), ...hevc, ...aac] }],
		lengthSeconds: 3,
	},
	'G.711 µ-law': {
		recordings: [
			{ startSeconds: 0, args: [...video(4), ...tone(4, 8000), ...avc, ...bframes, '-c:a', 'pcm_mulaw'] },
		],
		lengthSeconds: 4,
	},
	'G.711 A-law': {
		recordings: [
			{ startSeconds: 0, args: [...video(4), ...tone(4, 8000), ...avc, ...plain, '-c:a', 'pcm_alaw'] },
		],
		lengthSeconds: 4,
	},
	'a gap': {
		recordings: [
			{ startSeconds: 0, args: [...video(2), ...tone(2), ...avc, ...bframes, ...aac] },
			{ startSeconds: 60, args: [...video(3), ...tone(3), ...avc, ...bframes, ...aac] },
		],
		lengthSeconds: 5,
	},
	'an overlap': {
		recordings: [
			{ startSeconds: 0, args: [...video(2), ...tone(2), ...avc, ...bframes, ...aac] },
			{ startSeconds: 1.5, args: [...video(3), ...tone(3), ...avc, ...bframes, ...aac] },
		],
		lengthSeconds: 5,
	},
	'audio that stops': {
		recordings: [
			{ startSeconds: 0, args: [...video(3), ...tone(1.5), ...avc, ...plain, ...aac] },
			{ startSeconds: 3, args: [...video(2), ...tone(2), ...avc, ...plain, ...aac] },
		],
		lengthSeconds: 5,
		hasAudioGap: true,
	},
};

/** Decoded audio of a file as a whole: uncompressed audio may lie in other blocks. */
async function decodedAudio(file: string): Promise<string> {
	const { stdout } = await run('ffmpeg', [
		'-v',
		'error',
		'-i',
		file,
		...'-map 0:a -f hash -hash murmur3 -'.split(' '),
	]);
	return stdout;
}

/** Times at which frames of a track are shown or heard, in ticks of the track. */
async function shownTimes(file: string, track: 'v' | 'a'): Promise<number[]> {
	const { stdout } = await run('ffprobe', [
		...`-v error -select_streams ${track} -show_entries packet=pts -of csv=p=0`.split(' '),
		file,
	]);
	return stdout
		.split('\n')
		.flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]))
		.toSorted((a, b) => a - b);
}

async function clipFile(t: ExecutionContext, source: Source): Promise<{ file: string; files: string[] }> {
	const { server, url } = await startServer(t, { now: () => START_MS + 3_600_000 });
	const files: string[] = [];
	for (const { startSeconds, args } of source.recordings) {
		const recording = await makeRecording(args);
		files.push(recording);
		await server.archive.ingest('door', recording, { start: new Date(START_MS + startSeconds * 1000) });
	}
	const file = join(await temporaryDirectory(t), 'clip.mp4');
	await writeFile(file, await readClip(url, clipOf()));
	return { file, files };
}

for (const [title, source] of Object.entries(sources)) {
	withFfmpeg(
		`a clip of ${title} holds every frame of its source once, and ffmpeg has no complaint`,
		async (t) => {
			const isPcm = title.startsWith('G.711');
			const { file, files } = await clipFile(t, source);
			const audioCodec = isPcm ? 'pcm_s16le' : 'copy';
			const originals = await Promise.all(files.map((name) => frameHashes(name, audioCodec)));
			const clip = await frameHashes(file, audioCodec);
			t.deepEqual([clip.code, clip.stderr], [0, '']);
			t.deepEqual(
				clip.video,
				originals.flatMap(({ video: hashes }) => hashes),
			);
			if (isPcm) t.is(await decodedAudio(file), await decodedAudio(files[0] as string));
			else
				t.deepEqual(
					clip.audio,
					originals.flatMap(({ audio }) => audio),
				);
			const { stdout } = await run('ffprobe', [
				...'-v error -show_entries format=duration -of csv=p=0'.split(' '),
				file,
			]);
			t.true(Math.abs(Number(stdout) - source.lengthSeconds) < 0.1, stdout);
			const { recordings, hasAudioGap = false } = source;
			// Where recordings meet, audio that is a part of a frame longer than the video makes its last frame longer.
			const videoSteps = stepsOf(await shownTimes(file, 'v')).filter((ticks) => ticks !== 3600);
			t.true(
				videoSteps.length < recordings.length && videoSteps.every((ticks) => ticks > 3600 && ticks < 7200),
			);
			const audioSteps = stepsOf(await shownTimes(file, 'a')).filter((ticks) => ticks !== 1024);
			t.true(hasAudioGap ? audioSteps.length === 1 : audioSteps.length === 0, String(audioSteps));
		},
	);
}

function stepsOf(times: readonly number[]): number[] {
	return times.slice(1).map((ticks, index) => ticks - (times[index] as number));
}
