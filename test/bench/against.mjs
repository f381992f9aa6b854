/*
 * npm run bench:against -- DIRECTORY [PART…]: this checkout beside another one that is built, a process each, by turns: the time
 * to start, exports, the listing, the demuxer, pictures and playback. Prints what this one takes, times the other: 1.00 is
 * the same, and below it better. PART: start, export, list, demux, frames or playback; all of them without. Linux only; a
 * quarter of an hour, with nothing beside it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createArchiveServer } from 'kvs-archive/server';
import { corpora, corpus } from './corpora.mjs';
import { MemorySource } from './programs.mjs';
import { record, scratch, serve } from './recording.mjs';

const self = fileURLToPath(import.meta.url);
const here = resolve(self, '../../..');
/** Passes of the demuxer over a corpus in one process; the first ones are not timed. */
const PASSES = 18;
const WARM_PASSES = 4;
const CHUNK_BYTES = 64 * 1024;
const PLAYBACK_SECONDS = '60';

if (process.argv[2] === 'pass') await demuxer(...process.argv.slice(3));
else await compareAll(...process.argv.slice(2));

/** The processor time of a pass of a checkout's demuxer, in milliseconds; all in this process. */
async function demuxer(checkout, name, deliver) {
	const { MkvReader } = await import(pathToFileURL(join(checkout, 'dist/index.js')).href);
	const truth = corpus(name);
	const bytes = readFileSync(truth.path);
	const times = [];
	for (let pass = 0; pass < PASSES; pass++) {
		let frames = 0;
		const reader = new MkvReader({ deliver });
		reader.on('data', (events) => {
			for (const { type } of deliver === 'batch' ? events : [events]) if (type === 'frame') frames++;
		});
		const before = process.cpuUsage();
		await pipeline(new MemorySource(bytes, CHUNK_BYTES), reader);
		const { user, system } = process.cpuUsage(before);
		if (frames !== truth.frames) throw new Error(`${frames} frames, not ${truth.frames}`);
		if (pass >= WARM_PASSES) times.push((user + system) / 1000);
	}
	process.stdout.write(JSON.stringify({ cpuMs: median(times) }));
}

async function compareAll(other, ...parts) {
	if (other === undefined) throw new Error('usage: npm run bench:against -- DIRECTORY [PART…]');
	const programs = { start, export: exports, list, demux, frames, playback };
	const chosen = parts.length === 0 ? Object.keys(programs) : parts;
	for (const part of chosen) await programs[part]([here, resolve(other)]);
}

async function start(checkouts) {
	const load = ['--input-type=module', '-e', "await import('kvs-archive')"];
	for (const [what, args] of [
		['import', load],
		['--help', ['dist/cli/main.js', '--help']],
	]) {
		compare(what, checkouts, 15, (checkout) => {
			const { cpuMs, wallMs } = run(checkout, args);
			return { cpuMs, wallMs };
		});
	}
}

async function exports(checkouts) {
	await withArchive({ fragments: 400, frames: 200, frameBytes: 8000 }, ({ directory, endpoint, range }) => {
		for (const format of ['mp4', 'mkv']) {
			const file = join(directory, `export.${format}`);
			const options = JSON.stringify({ range, file });
			compare(`640 MB into ${format}`, checkouts, 11, (checkout) => {
				const result = run(checkout, ['test/bench/export-run.mjs', 'export', endpoint, options]);
				const { peakMib, summary } = JSON.parse(result.stdout);
				rmSync(file);
				rmSync(`${file}.json`);
				return { cpuMs: result.cpuMs, peakMib, found: summary.frames };
			});
		}
	});
}

async function list(checkouts) {
	await withArchive({ fragments: 50_000, frames: 1, frameBytes: 10 }, ({ endpoint, range }) => {
		const args = ['--expose-gc', 'test/bench/export-run.mjs', 'list', endpoint, JSON.stringify({ range })];
		compare('50,000 fragments listed', checkouts, 7, (checkout) => {
			const { cpuMs, stdout } = run(checkout, args);
			return { cpuMs, found: JSON.parse(stdout).summary.fragments };
		});
	});
}

async function demux(checkouts) {
	for (const name of Object.keys(corpora)) {
		for (const deliver of ['event', 'batch']) {
			compare(`${name}, ${deliver}`, checkouts, 9, (checkout) => {
				return JSON.parse(run(here, [self, 'pass', checkout, name, deliver]).stdout);
			});
		}
	}
}

async function frames(checkouts) {
	const directory = scratch();
	const film = join(directory, 'film.mkv');
	const source = ['-f', 'lavfi', '-i', 'testsrc2=s=1920x1080:r=25:d=60', '-vf', 'noise=alls=12:allf=t'];
	const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-g', '25', '-bf', '0'];
	execFileSync('ffmpeg', ['-v', 'error', ...source, ...encoder, film]);
	const data = join(directory, 'data');
	const { archive } = createArchiveServer({ dataDirectory: data });
	await archive.ingest('camera', film, { start: new Date('2026-01-31T00:00:00Z') });
	archive.close();
	const server = await serve(data);
	const output = join(directory, 'pictures');
	const where = ['--stream', 'camera', '--endpoint', server.endpoint, '--by', 'producer', '-o', output];
	const when = ['--from', '2026-01-31T00:00:00Z', '--to', '2026-01-31T00:02:00Z'];
	for (const choice of [['--keyframes'], ['--every', '1s'], ['--all']]) {
		compare(`frames ${choice.join(' ')}`, checkouts, 5, (checkout) => {
			const result = run(checkout, ['dist/cli/main.js', 'frames', ...where, ...when, ...choice]);
			const found = readdirSync(output).filter((name) => name.endsWith('.jpg')).length;
			rmSync(output, { recursive: true });
			return { cpuMs: result.cpuMs, wallMs: result.wallMs, found };
		});
	}
	await server.stop();
}

async function playback(checkouts) {
	const load = resolve(self, '../playback-load.mjs');
	compare('a hundred players of HLS', checkouts, 3, (checkout) => {
		const args = [load, '--protocol', 'hls', '--seconds', PLAYBACK_SECONDS, '--checkout', checkout];
		const { stdout } = run(here, args);
		const figures = (line) =>
			stdout
				.split('\n')
				.find((text) => text.startsWith(line))
				.match(/[\d.]+/g)
				.map(Number);
		const [, p99Ms] = figures('milliseconds').slice(-3);
		const [, lastMib, peakMib] = figures('memory');
		const [cpuMs] = figures('processor time of the server').slice(-1);
		return { cpuMs, p99Ms, lastMib, peakMib };
	});
}

/** Records a stream, serves it by this checkout, and removes it. */
async function withArchive(recording, use) {
	const directory = scratch();
	const data = join(directory, 'data');
	const range = await record(data, recording);
	const server = await serve(data);
	use({ directory, endpoint: server.endpoint, range });
	await server.stop();
	rmSync(directory, { recursive: true });
}

/** Runs `node` with these arguments to its end, in a checkout. Its processor time includes that of what it starts. */
function run(checkout, args) {
	const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
	const startedMs = performance.now();
	const before = childrenMs();
	const { status, stdout, stderr } = spawnSync(process.execPath, args, {
		cwd: checkout,
		env,
		encoding: 'utf8',
	});
	if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status} in ${checkout}: ${stderr}`);
	return { cpuMs: childrenMs() - before, wallMs: performance.now() - startedMs, stdout };
}

/** Processor time of the children that have ended. Linux counts it in hundredths of a second (proc(5): cutime, cstime). */
function childrenMs() {
	const fields = readFileSync('/proc/self/stat', 'utf8').split(' ');
	return (Number(fields[15]) + Number(fields[16])) * 10;
}

function median(values) {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Measures both checkouts by turns, and prints the medians of each figure. The first round fills caches. */
function compare(what, [ours, other], rounds, measure) {
	const results = { [ours]: [], [other]: [] };
	for (let round = 0; round <= rounds; round++) {
		const order = round % 2 === 0 ? [ours, other] : [other, ours];
		for (const checkout of order) {
			const { found, ...figures } = measure(checkout);
			if (round > 0) results[checkout].push({ found, figures });
		}
	}
	const found = new Set([...results[ours], ...results[other]].map((result) => result.found));
	if (found.size !== 1) throw new Error(`${what}: different results: ${[...found].join(', ')}`);
	const texts = Object.keys(results[ours][0].figures).map((name) => {
		const [mine, theirs] = [ours, other].map((checkout) =>
			median(results[checkout].map(({ figures }) => figures[name])),
		);
		return `${name} ${(mine / theirs).toFixed(2)} (${mine.toFixed(0)}, ${theirs.toFixed(0)})`;
	});
	process.stdout.write(`${what.padEnd(28)} ${texts.join('  ')}\n`);
}
