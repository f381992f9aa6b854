/*
 * npm run bench:frames: `kvs-archive frames --keyframes` of ten minutes of 1080p out of `kvs-archive serve` in a second process.
 * What its decoder takes of the processor, beside ffmpeg alone on the same key frames: in turns, three rounds, medians. Needs
 * ffmpeg and bash, and 4 GB in the temporary directory while it runs.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	chmodSync,
	createReadStream,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createArchiveServer } from 'kvs-archive/server';
import { START_SECONDS, scratch, serve } from './recording.mjs';

const MINUTES = 10;
const CLIP_SECONDS = 20;
const FRAMES_PER_SECOND = 30;
const SECONDS_PER_KEY_FRAME = 2;
const ROUNDS = 3;

/** Raw pictures have none: what handing 6 MB through a socket takes of ffmpeg depends on how fast the reader comes back. */
const TARGETS = { jpg: 1.1 };

/** What the command's decoder makes of each format, as options of ffmpeg alone; its images then follow one another. */
const FORMATS = {
	jpg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '2'],
	raw: ['-c:v', 'rawvideo', '-pix_fmt', 'rgb24'],
};

/** The least that ffmpeg alone takes is what counts: as it likes, or with one thread. */
const THREADS = { 'its own threads': [], 'one thread': ['-threads', '1'] };

const directory = scratch();
const quiet = ['-nostdin', '-hide_banner', '-v', 'error', '-y'];

function print(what, figure, isMet, target) {
	if (isMet === false) process.exitCode = 1;
	const verdict = target === undefined ? '' : `target ${target}  ${isMet ? 'met' : 'MISSED'}`;
	process.stdout.write(`${what.padEnd(52)} ${figure.padStart(34)}  ${verdict}\n`);
}

/** A recording whose frames are encoded once and then repeated, with their times going on. */
function makeRecording() {
	const clip = join(directory, 'clip.mkv');
	const recording = join(directory, 'recording.mkv');
	const source = `testsrc2=size=1920x1080:rate=${FRAMES_PER_SECOND}:duration=${CLIP_SECONDS}`;
	const group = String(FRAMES_PER_SECOND * SECONDS_PER_KEY_FRAME);
	const encoder = [
		'-c:v',
		'libx264',
		'-preset',
		'ultrafast',
		'-bf',
		'2',
		'-crf',
		'30',
		'-pix_fmt',
		'yuv420p',
	];
	const groups = ['-g', group, '-keyint_min', group, '-sc_threshold', '0'];
	execFileSync('ffmpeg', [...quiet, '-f', 'lavfi', '-i', source, ...encoder, ...groups, clip]);
	const loops = String((MINUTES * 60) / CLIP_SECONDS - 1);
	execFileSync('ffmpeg', [...quiet, '-stream_loop', loops, '-i', clip, '-c', 'copy', recording]);
	return recording;
}

/** The key frames of a file as H.264 with start codes, by ffmpeg. */
function extractKeyFrames(recording) {
	const file = join(directory, 'keyframes.h264');
	const filter = 'noise=drop=not(key),h264_mp4toannexb';
	execFileSync('ffmpeg', [...quiet, '-i', recording, '-c', 'copy', '-bsf:v', filter, '-f', 'h264', file]);
	return file;
}

/** A program that is another one, and says in a file what that took of the processor. */
function timed(name, program, ...first) {
	const path = join(directory, name);
	const report = `${path}.times`;
	const command = [program, ...first].map((word) => `'${word}'`).join(' ');
	writeFileSync(path, `#!/usr/bin/env bash\n${command} "$@"\ncode=$?\ntimes >'${report}'\nexit $code\n`);
	chmodSync(path, 0o700);
	return {
		path,
		/** User and system time of the last run, with those it started and waited for. */
		cpuSeconds() {
			const [, children] = readFileSync(report, 'utf8').trim().split('\n');
			const times = [...children.matchAll(/(\d+)m(\d+\.\d+)s/g)];
			return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
		},
	};
}

/** Runs a program to its end and discards what it writes. Returns how much that was. */
async function run(path, args, input) {
	const child = spawn(path, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
	if (input !== undefined) createReadStream(input).pipe(child.stdin);
	let bytes = 0;
	child.stdout.on('data', (data) => {
		bytes += data.byteLength;
	});
	let complaints = '';
	child.stderr.setEncoding('utf8').on('data', (text) => {
		complaints += text;
	});
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (code !== 0) throw new Error(`${path} ended with ${code}: ${complaints}`);
	return bytes;
}

/** Hashes of the images that ffmpeg alone makes, in order. */
function expectedHashes(keyFrames, format) {
	const args = [...quiet, '-f', 'h264', '-i', keyFrames, '-vsync', 'passthrough', ...FORMATS[format]];
	const list = execFileSync('ffmpeg', [...args, '-f', 'framemd5', 'pipe:1'], { encoding: 'utf8' });
	const lines = list.split('\n').filter((line) => /^\d/.test(line));
	return lines.map((line) => line.split(',')[5].trim());
}

/** Whether a directory has these images, and no others. Returns their bytes. */
function checkImages(images, hashes) {
	const names = readdirSync(images)
		.filter((name) => !name.endsWith('.jsonl'))
		.sort();
	const found = names.map((name) =>
		createHash('md5')
			.update(readFileSync(join(images, name)))
			.digest('hex'),
	);
	if (found.join() !== hashes.join()) {
		const equal = found.filter((hash, index) => hash === hashes[index]).length;
		throw new Error(`${found.length} images of ${hashes.length} came, ${equal} of them what they have to be`);
	}
	return names.reduce((sum, name) => sum + statSync(join(images, name)).size, 0);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const inSeconds = (values) => `${values.map((value) => value.toFixed(2)).join(', ')} s`;

const recording = makeRecording();
const keyFrames = extractKeyFrames(recording);
const data = join(directory, 'data');
const server = createArchiveServer({ dataDirectory: data });
await server.archive.ingest('camera', recording, { start: new Date(START_SECONDS * 1000) });
server.archive.close();
rmSync(recording);
const { endpoint, stop } = await serve(data);

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const decoder = timed('decoder', 'ffmpeg');
const command = timed('command', process.execPath, main, 'frames');
const images = join(directory, 'images');
const range = [
	'--by',
	'producer',
	'--from',
	String(START_SECONDS),
	'--to',
	String(START_SECONDS + MINUTES * 60),
];
const source = ['--endpoint', endpoint, '--stream', 'camera', ...range];

for (const format of Object.keys(FORMATS)) {
	const hashes = expectedHashes(keyFrames, format);
	if (hashes.length !== (MINUTES * 60) / SECONDS_PER_KEY_FRAME)
		throw new Error(`${hashes.length} key frames`);
	const decoding = [];
	const own = [];
	const alone = Object.fromEntries(Object.keys(THREADS).map((name) => [name, []]));
	for (let round = 0; round < ROUNDS; round++) {
		const options = ['--keyframes', '--format', format, '--ffmpeg', decoder.path, '-o', images];
		await run(command.path, [...source, ...options]);
		decoding.push(decoder.cpuSeconds());
		own.push(command.cpuSeconds() - decoder.cpuSeconds());
		const bytes = checkImages(images, hashes);
		rmSync(images, { recursive: true });
		for (const [name, threads] of Object.entries(THREADS)) {
			const input = [...threads, '-f', 'h264', '-i', 'pipe:0', '-vsync', 'passthrough'];
			const muxer = format === 'raw' ? 'rawvideo' : 'mjpeg';
			const args = ['-hide_banner', '-v', 'error', ...input, ...FORMATS[format], '-f', muxer, 'pipe:1'];
			const made = await run(decoder.path, args, keyFrames);
			if (made !== bytes) throw new Error(`ffmpeg alone made ${made} bytes, and not ${bytes}`);
			alone[name].push(decoder.cpuSeconds());
		}
	}
	for (const [name, seconds] of Object.entries(alone))
		print(`${format}: ffmpeg alone, ${name}`, inSeconds(seconds));
	print(`${format}: the decoder of \`frames --keyframes\``, inSeconds(decoding));
	print(`${format}: our own, receiving and writing with it`, inSeconds(own));
	const ratio = median(decoding) / Math.min(...Object.values(alone).map(median));
	const what = `${format}: ${hashes.length} pictures, decoder, times ffmpeg alone`;
	const target = TARGETS[format];
	if (target === undefined) print(what, ratio.toFixed(3));
	else print(what, ratio.toFixed(3), ratio <= target, `≤ ${target}`);
}
await stop();
