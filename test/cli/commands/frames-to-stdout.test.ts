import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { runCommand } from '#lib/cli/run-command.js';
import { Terminal } from '#lib/cli/terminal.js';
import { startMs } from '../../helpers/media/range.js';
import { makeRecording } from '../../helpers/media/recordings.js';
import { withFfmpeg } from '../../helpers/needs.js';
import { commandLine } from '../../helpers/program/command-line.js';
import { env, main } from '../../helpers/program/main-process.js';
import { startArchive } from '../../helpers/service/archive.js';
import { type Outcome, run, temporaryDirectory } from '../../helpers/tools.js';

const film = (size: string): Promise<string> =>
	makeRecording([
		...`-f lavfi -i testsrc2=s=${size}:r=30000/1001:d=2`.split(' '),
		...'-c:v libx264 -g 15 -bf 2 -pix_fmt yuv420p'.split(' '),
	]);

/** The arguments of `frames` over all of a local archive: a film, and the others one minute after each other. */
async function door(t: ExecutionContext, ...sizes: readonly string[]): Promise<string[]> {
	const { endpoint, server } = await startArchive(t, { door: await film('162x120') });
	for (const [index, size] of sizes.entries()) {
		const start = new Date(startMs + 60_000 * (index + 1));
		await server.archive.ingest('door', await film(size), { start });
	}
	const range = [
		'--from',
		new Date(startMs).toISOString(),
		'--to',
		new Date(startMs + 3_600_000).toISOString(),
	];
	return ['frames', '--stream', 'door', ...range, '--by', 'producer', '--endpoint', endpoint, '-o', '-'];
}

/** Runs the command with its stdout in a pipe that a program reads; its exit status and stderr, and what the program printed. */
async function piped(
	args: readonly string[],
	[program, ...its]: readonly string[],
): Promise<{ readonly code: number; readonly said: string; readonly read: Outcome }> {
	const reader = spawn(program as string, its, { stdio: ['pipe', 'pipe', 'pipe'] });
	const printed = Promise.all([text(reader.stdout), text(reader.stderr), once(reader, 'close')]);
	let said = '';
	const stderr = new Writable({
		write(chunk: Buffer, _encoding, callback) {
			said += chunk.toString();
			callback();
		},
	});
	const terminal = new Terminal(
		reader.stdin as unknown as NodeJS.WriteStream,
		stderr as unknown as NodeJS.WriteStream,
	);
	const code = await runCommand(args, { terminal, signal: new AbortController().signal, nowMs: Date.now() });
	reader.stdin.end();
	const [stdout, errors, [exit]] = await printed;
	return { code, said, read: { code: exit as number, stdout, stderr: errors } };
}

const hashing = ['-f', 'framemd5', '-'];

const hashesOf = ({ stdout }: Outcome): string[] =>
	stdout.split('\n').flatMap((line) => (/^\d/.test(line) ? [line.split(',').at(-1)?.trim() as string] : []));

/** Hashes of ffmpeg's own pictures of a file. */
async function decoded(file: string, pixels: string, filters: readonly string[] = []): Promise<string[]> {
	const form = ['-vsync', 'passthrough', ...filters, '-c:v', 'rawvideo', '-pix_fmt', pixels];
	return hashesOf(await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, ...form, ...hashing]));
}

withFfmpeg('raw pictures and Y4M are read from the pipe by ffmpeg, as its own', async (t) => {
	const at = await door(t);
	const file = await film('162x120');
	const times = join(await temporaryDirectory(t), 'times.jsonl');
	for (const [format, input, pixels] of [
		['rgb24', ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '162x120'], 'rgb24'],
		['nv12', ['-f', 'rawvideo', '-pix_fmt', 'nv12', '-s', '162x120'], 'nv12'],
		['y4m', ['-f', 'yuv4mpegpipe'], 'yuv420p'],
	] as const) {
		const reader = [
			'ffmpeg',
			'-nostdin',
			'-v',
			'info',
			...input,
			'-i',
			'-',
			'-vsync',
			'passthrough',
			...hashing,
		];
		const { code, read, said } = await piped([...at, '--format', format, '--times', times], reader);
		t.is(code, 0, said);
		t.regex(said, /^wrote stdout: 60 pictures, 4 of 4 fragments, [\d.]+ s\n$/);
		t.deepEqual(hashesOf(read), await decoded(file, pixels), format);
		if (format === 'y4m') t.regex(read.stderr, /yuv420p\(tv[^)]*\), 162x120, .*29\.97 fps/);
	}
	const lines = (await readFile(times, 'utf8')).trim().split('\n');
	t.is(lines.length, 60);
	t.like(JSON.parse(lines[30] as string), {
		timestamp: new Date(startMs + 1001).toISOString(),
		keyframe: true,
		track: 1,
		width: 162,
		height: 120,
	});
});

withFfmpeg(
	'whole images follow each other, with their times on stderr; Y4M says the rate of what is selected',
	async (t) => {
		const at = await door(t);
		for (const format of ['jpg', 'png', 'webp']) {
			const codec = { jpg: 'mjpeg', png: 'png', webp: 'webp' }[format] as string;
			const reader = [
				'ffmpeg',
				'-nostdin',
				'-v',
				'error',
				'-f',
				'image2pipe',
				'-c:v',
				codec,
				'-i',
				'-',
				...hashing,
			];
			const { code, read, said } = await piped([...at, '--format', format, '--every', '500ms'], reader);
			t.is(code, 0, said + read.stderr);
			t.is(hashesOf(read).length, 4, format);
			const lines = said.trim().split('\n');
			t.is(lines.length, 5);
			t.regex(
				lines[1] as string,
				/^\{"fragmentNumber":"\d+","track":1,"timestamp":"2026-01-31T00:00:00\.50\dZ",/,
			);
		}
		for (const [select, rate] of [
			[['--every', '1500ms'], '2:3'],
			[['--every', '5'], '6000:1001'],
			[['--every', '700ms'], '10:7'],
			[['--keyframes'], '(?:2:1|1000:501)'],
			[['--count', '1'], '25:1'],
		] as const) {
			const { read, said } = await piped(
				[...at, '--format', 'y4m', '--size', '64x48', ...select],
				['head', '-n', '1'],
			);
			const header = `^YUV4MPEG2 W64 H48 F${rate} Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED\n$`;
			t.regex(read.stdout, new RegExp(header), said);
		}
	},
);

withFfmpeg('a change of picture size is an error, unless pictures are scaled', async (t) => {
	const at = await door(t, '64x48');
	const first = 162 * 120 * 3 * 60;
	const { code, read, said } = await piped(
		[...at, '--format', 'rgb24', '--times', '/dev/null'],
		['wc', '-c'],
	);
	t.is(code, 1);
	t.is(Number(read.stdout), first);
	t.regex(
		said,
		/^KVS_SINK_FAILED: cannot write a picture of 64x48 at 2026-01-31T00:01:00\.000Z to stdout, which begins with 162x120 of track 1, .* --size 162x120\n$/,
	);
	const scaled = await piped(
		[...at, '--format', 'gray', '--size', '32x24', '--times', '/dev/null'],
		['wc', '-c'],
	);
	t.is(scaled.code, 0, scaled.said);
	t.is(Number(scaled.read.stdout), 32 * 24 * 120);
});

withFfmpeg(
	'a reader that goes away is a normal end, and one that is slow holds the decoder up',
	async (t) => {
		const at = await door(t);
		const args = [main, ...at, '--format', 'rgb24', '--size', '640x480', '--times', '/dev/null'];
		const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
		let said = '';
		child.stderr.on('data', (chunk) => {
			said += chunk;
		});
		await once(child.stdout, 'data');
		child.stdout.destroy();
		const [code] = await once(child, 'close');
		t.is(code, 0, said);
		t.is(said, '');
	},
);

withFfmpeg('refuses options that do not fit together', async (t) => {
	const at = await door(t);
	const directory = await temporaryDirectory(t);
	for (const [args, line] of [
		[[...at, '--json'], /^KVS_INVALID_OPTION: .*`--json`/],
		[[...at, '--layout', 'files'], /^KVS_INVALID_OPTION: .*`--layout`/],
		[[...at.slice(0, -1), directory, '--format', 'y4m'], /^KVS_INVALID_OPTION: .*`--format`.*y4m/],
		[[...at.slice(0, -1), directory, '--times', 'x'], /^KVS_INVALID_OPTION: .*`--times`/],
		[[...at, '--times', join(directory, 'no', 'times')], /^KVS_SINK_FAILED: cannot write the times/],
		[
			[...at.slice(0, 4), '2026-01-30', ...at.slice(5, 6), '2026-01-30T01:00Z', ...at.slice(7)],
			/^KVS_EMPTY_RANGE: nothing to write to stdout/,
		],
	] as const) {
		const { code, stdout, stderr } = await commandLine(args);
		t.is(code, stderr.startsWith('KVS_INVALID') ? 2 : 1, stderr);
		t.is(stdout, '');
		t.regex(stderr, line);
	}
});
