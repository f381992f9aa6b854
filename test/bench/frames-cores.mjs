/*
 * node frames-cores.mjs [jpg|picks|raw|memory]: PictureDecoder by all cores beside ffmpeg alone, as whole processes by turns, three
 * rounds after one that does not count; medians of the ratios within a round. Processor time is that of a process and its children; of
 * picks and of raw pictures what is judged is that of the decoders alone, as ffmpeg alone reads its file by itself, and we hand each frame over.
 * `memory`: of pictures of 1, 4 and 16 minutes out of `kvs-archive serve` into shards. Needs ffmpeg, sh and cat, and 1 GB in the
 * temporary directory while it runs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ffmpeg as ffmpegDecoder, KvsArchive, MkvReader, PictureDecoder } from 'kvs-archive';
import { START_SECONDS, scratch, serve } from './recording.mjs';

const ROUNDS = 3;
const quiet = ['-nostdin', '-hide_banner', '-v', 'error', '-y'];
const self = fileURLToPath(import.meta.url);
const [which, ...rest] = process.argv.slice(2);
/** Of the process that runs the others. */
const directory = which === 'decode' || which === 'write' ? '' : scratch();

/** In a process of its own: decodes a file, and says how many pictures came and what that took at most of the memory. */
async function decode(file, options, path) {
	const decoder = new PictureDecoder({ ...JSON.parse(options), decoder: ffmpegDecoder({ path }) });
	pipeline(createReadStream(file), new MkvReader(), decoder, (error) => {
		if (error) throw error;
	});
	let count = 0;
	for await (const _ of decoder) count++;
	process.stdout.write(JSON.stringify({ count, peakMiB: process.resourceUsage().maxRSS / 1024 }));
}

/** In a process of its own: writes shards of so many minutes, and says how many pictures came, the most memory that it had after a collection, and the most of all. */
async function write(endpoint, folder, minutes) {
	const archive = new KvsArchive({ streamName: 'door', endpoint });
	const to = new Date(START_SECONDS * 1000 + minutes * 60_000 - 1);
	let count = 0;
	const sizes = [];
	await archive.exportPictures({ from: new Date(START_SECONDS * 1000), to, by: 'producer' }, folder, {
		layout: 'webdataset',
		shardSizeBytes: 1e6,
		// A minute fills what may be read ahead: with more, a longer range has more of it.
		maxBufferedBytes: 1e6,
		size: { width: 160 },
		onPicture: () => {
			if (++count % 900 !== 0) return;
			globalThis.gc();
			sizes.push(process.memoryUsage.rss() / 2 ** 20);
		},
	});
	await archive.close();
	process.stdout.write(
		JSON.stringify({
			count,
			collectedMiB: Math.max(...sizes),
			peakMiB: process.resourceUsage().maxRSS / 1024,
		}),
	);
}

/** One run of a program to its end: seconds by the clock and of the processor. */
function run(program, args) {
	const script = '"$@"; code=$?; times >&2; exit $code';
	const startMs = performance.now();
	const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', program, ...args], {
		encoding: 'utf8',
	});
	const wallSeconds = (performance.now() - startMs) / 1000;
	if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
	return { wallSeconds, cpuSeconds: childrenSeconds(stderr.trim().split('\n').slice(-2).join('\n')), stdout };
}

/** User and system time of the children that bash has waited for, of each of what `times` has printed. */
function childrenSeconds(printed) {
	const lines = printed.trim().split('\n');
	const children = lines.filter((_, index) => (lines.length - index) % 2 === 1);
	const times = children.flatMap((line) => [...line.matchAll(/(\d+)m(\d+\.\d+)s/g)]);
	return times.reduce((sum, [, minutes, seconds]) => sum + minutes * 60 + +seconds, 0);
}

/** Decodes a file in a process of its own; `decoderSeconds`: what its decoders took of the processor. */
const ours = (file, options) => () => {
	const path = join(directory, 'decoder');
	const report = `${path}.times`;
	if (!existsSync(path)) {
		const script = `#!/usr/bin/env bash\nffmpeg "$@"\ncode=$?\ntimes >>'${report}'\nexit $code\n`;
		writeFileSync(path, script, { mode: 0o700 });
	}
	rmSync(report, { force: true });
	const result = run(process.execPath, [self, 'decode', file, JSON.stringify(options), path]);
	return { ...result, decoderSeconds: childrenSeconds(readFileSync(report, 'utf8')) };
};
const ffmpeg =
	(...args) =>
	() =>
		run('ffmpeg', [...quiet, ...args]);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs programs by turns. Returns the ratios of the first to each other one, for each measure. */
function compare(what, programs) {
	const runs = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
	for (let round = 0; round <= ROUNDS; round++) {
		for (const [name, program] of Object.entries(programs)) {
			const result = program();
			if (round > 0) runs[name].push(result);
		}
	}
	for (const [name, results] of Object.entries(runs)) {
		const figures = results.map(
			({ wallSeconds, cpuSeconds, decoderSeconds }) =>
				`${[wallSeconds, cpuSeconds, ...(decoderSeconds === undefined ? [] : [decoderSeconds])].map((seconds) => seconds.toFixed(2)).join('/')}`,
		);
		process.stdout.write(
			`${what}: ${name}: ${figures.join(', ')} s (clock/processor/decoders) ${results.at(-1).stdout}\n`,
		);
	}
	return (of, to, measure, toMeasure = measure) =>
		median(runs[of].map((result, index) => result[measure] / runs[to][index][toMeasure]));
}

function print(what, ratio, isMet, target) {
	if (isMet === false) process.exitCode = 1;
	const verdict = target === undefined ? '' : `  target ${target}  ${isMet ? 'met' : 'MISSED'}`;
	process.stdout.write(`${what.padEnd(72)} ${ratio.toFixed(2)}${verdict}\n`);
}

function film(name, { size, seconds, gop, more = [] }) {
	const file = join(directory, name);
	const source = `testsrc2=size=${size}:rate=30:duration=${seconds}`;
	const groups = [
		'-g',
		`${gop}`,
		'-keyint_min',
		`${gop}`,
		'-sc_threshold',
		'0',
		'-bf',
		'2',
		'-pix_fmt',
		'yuv420p',
	];
	execFileSync('ffmpeg', [
		...quiet,
		'-f',
		'lavfi',
		'-i',
		source,
		'-c:v',
		'libx264',
		...groups,
		...more,
		file,
	]);
	return file;
}

const benches = {
	jpg() {
		const file = film('720.mkv', {
			size: '1280x720',
			seconds: 33.4,
			gop: 60,
			more: ['-frames:v', '1000', '-preset', 'veryfast'],
		});
		const size = { width: 320, height: 180 };
		const alone = ['-vf', 'scale=320:180', '-c:v', 'mjpeg', '-q:v', '2', '-f', 'image2pipe', '/dev/null'];
		const ratio = compare('720p to 320x180 JPEG', {
			ours: ours(file, { size }),
			'one decoder': ours(file, { size, decoders: 1 }),
			ffmpeg: ffmpeg('-i', file, ...alone),
		});
		const [times, gain] = [
			ratio('ours', 'ffmpeg', 'wallSeconds'),
			ratio('one decoder', 'ours', 'wallSeconds'),
		];
		print('1,000 pictures of 720p as JPEG: time, times ffmpeg alone', times, times <= 1.25, '1.25');
		print('the same: time with one decoder, times that with all', gain, gain >= 1.4, '≥ 1.4');
	},

	picks() {
		const clip = film('clip.mkv', {
			size: '1920x1080',
			seconds: 20,
			gop: 60,
			more: ['-preset', 'ultrafast', '-crf', '30'],
		});
		const file = join(directory, '1080.mkv');
		execFileSync('ffmpeg', [...quiet, '-stream_loop', '29', '-i', clip, '-c', 'copy', file]);
		const minute = join(directory, 'minute.mkv');
		execFileSync('ffmpeg', [...quiet, '-stream_loop', '2', '-i', clip, '-c', 'copy', minute]);
		// What is picked is the key frame of every fifth group.
		const keys = join(directory, 'needed.mkv');
		execFileSync('ffmpeg', [...quiet, '-i', file, '-c', 'copy', '-bsf:v', 'noise=drop=mod(n\\,300)', keys]);
		const jpg = ['-vsync', 'passthrough', '-c:v', 'mjpeg', '-q:v', '2', '-f', 'image2pipe', '/dev/null'];
		const ratio = compare('every 10 s of 1080p', {
			ours: ours(file, { select: { everyMs: 10_000 } }),
			'ffmpeg, what is needed': ffmpeg('-i', keys, ...jpg),
			'ours, everything of one minute': ours(minute, { select: 'all' }),
		});
		const needed = ratio('ours', 'ffmpeg, what is needed', 'decoderSeconds', 'cpuSeconds');
		const whole = ratio('ours', 'ffmpeg, what is needed', 'cpuSeconds');
		const all = ratio('ours', 'ours, everything of one minute', 'cpuSeconds') / 10;
		print(
			'every 10 s of ten minutes: decoders, times ffmpeg on what is needed',
			needed,
			needed <= 1.15,
			'1.15',
		);
		print('the same with our process, which reads 600 MB to find them', whole);
		print('the same: processor, times decoding everything', all, all <= 0.25, '0.25');
	},

	raw() {
		const file = film('raw.mkv', {
			size: '1920x1080',
			seconds: 10,
			gop: 60,
			more: ['-preset', 'ultrafast', '-crf', '30'],
		});
		const script = 'ffmpeg -nostdin -v error -i "$1" -pix_fmt rgb24 -f rawvideo pipe:1 | cat > /dev/null';
		const ratio = compare('raw RGB 1080p', {
			ours: ours(file, { format: 'rgb24' }),
			'ffmpeg into cat': () => run('sh', ['-c', script, 'sh', file]),
		});
		const decoders = ratio('ours', 'ffmpeg into cat', 'decoderSeconds', 'cpuSeconds');
		print('raw RGB of 1080p: decoders, times ffmpeg into cat', decoders, decoders <= 1.15, '1.15');
		print('the same by the clock', ratio('ours', 'ffmpeg into cat', 'wallSeconds'));
	},

	async memory() {
		const clip = film('clip.mkv', { size: '320x180', seconds: 60, gop: 30 });
		const file = join(directory, '16.mkv');
		execFileSync('ffmpeg', [...quiet, '-stream_loop', '15', '-i', clip, '-c', 'copy', file]);
		const server = await serve(
			join(directory, 'data'),
			'--quotas',
			'off',
			'--ingest',
			`door=${file}@${new Date(START_SECONDS * 1000).toISOString()}`,
		);
		const peaks = [1, 4, 16].map((minutes) => {
			const folder = join(directory, `shards-${minutes}`);
			const { stdout } = run(process.execPath, [
				'--expose-gc',
				self,
				'write',
				server.endpoint,
				folder,
				`${minutes}`,
			]);
			process.stdout.write(`${minutes} minutes into shards: ${stdout}\n`);
			return JSON.parse(stdout).collectedMiB;
		});
		await server.stop();
		const growth = peaks[2] / peaks[0];
		print('memory after a collection: with 16 minutes, times that with one', growth, growth <= 1.1, '1.1');
	},
};

if (which === 'decode') await decode(...rest);
else if (which === 'write') await write(...rest);
else {
	for (const [name, bench] of Object.entries(benches))
		if (which === undefined || which === name) await bench();
}
