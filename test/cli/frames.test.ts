import { existsSync } from 'node:fs';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { startArchive } from '../helpers/service/archive.js';
import { type Outcome, run, temporaryDirectory } from '../helpers/tools.js';

setEnvironment({
	AWS_ACCESS_KEY_ID: undefined,
	AWS_PROFILE: undefined,
	AWS_REGION: undefined,
	AWS_ENDPOINT_URL: undefined,
});

interface Door {
	readonly output: string;
	readonly frames: (args: readonly string[], from?: string) => Promise<Outcome>;
}

/** Two seconds of film at 30 frames a second, a key frame each half second, in a local archive. */
async function door(t: ExecutionContext): Promise<Door> {
	const directory = await temporaryDirectory(t);
	const film = join(directory, 'film.mkv');
	const source = ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=30:d=2'];
	const codec = ['-c:v', 'libx264', '-g', '15', '-bf', '2', '-pix_fmt', 'yuv420p'];
	const { code, stderr } = await run('ffmpeg', [...source, ...codec, film]);
	t.is(code, 0, stderr);
	const { endpoint } = await startArchive(t, { door: film });
	const output = join(directory, 'images');
	return {
		output,
		frames: (args, from = '2026-01-31') => {
			const to = new Date(new Date(from).getTime() + 60_000).toISOString();
			const range = ['--stream', 'door', '--from', from, '--to', to, '--by', 'producer'];
			return commandLine(['frames', ...range, '--endpoint', endpoint, ...args]);
		},
	};
}

for (const [args, count, extension, start] of [
	[['--keyframes'], 4, '.jpg', 'ffd8ff'],
	[['--every', '500ms', '--format', 'png'], 4, '.png', '89504e'],
	[['--every', '10'], 6, '.jpg', 'ffd8ff'],
	[['--count', '7'], 7, '.jpg', 'ffd8ff'],
	[['--all', '--format', 'raw'], 60, '.rgb', null],
	[['--every', '1s', '--format', 'nv12'], 2, '.nv12', null],
	[['--every', '1s', '--format', 'webp', '--size', '64x64', '--fit', 'contain'], 2, '.webp', '524946'],
	[['--every', '1.5h'], 1, '.jpg', 'ffd8ff'],
] as const) {
	withFfmpeg(`frames ${args.join(' ')} writes ${count} ${extension}`, async (t) => {
		const { output, frames } = await door(t);
		const { code, stdout, stderr } = await frames([...args, '-o', output, '--json']);
		t.is(code, 0, stderr);
		const lines = stdout
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line) as Record<string, unknown>);
		t.is(lines.filter(({ type }) => type === 'picture').length, count);
		t.like(lines.at(-1), { type: 'summary', pictures: count, pictureFailures: 0 });
		const list = (await readFile(join(output, 'frames.jsonl'), 'utf8')).trim().split('\n');
		const names = list.map((line) => (JSON.parse(line) as { file: string }).file);
		t.is(names.length, count);
		t.is(names[0], `2026-01-31T00.00.00.${args[0] === '--count' ? 133 : '000'}Z${extension}`);
		t.deepEqual((await readdir(output)).sort(), [...names, 'frames.jsonl', 'manifest.jsonl'].sort());
		const first = await readFile(join(output, names[0] as string));
		if (start === null) t.is(first.length, 160 * 120 * (extension === '.rgb' ? 3 : 1.5));
		else t.is(first.subarray(0, 3).toString('hex'), start);
	});
}

withFfmpeg('an empty range, no ffmpeg and nonsense fail in one line and leave no directory', async (t) => {
	const { output, frames } = await door(t);
	for (const [exitCode, line, outcome] of [
		[1, /^KVS_EMPTY_RANGE: /, await frames(['-o', output], '2026-01-30T12:00:00Z')],
		[1, /^KVS_FFMPEG_NOT_FOUND: /, await frames(['-o', output, '--ffmpeg', '/nowhere/ffmpeg'])],
		[2, /^KVS_INVALID_OPTION: .*-o/, await frames([])],
		[2, /^KVS_INVALID_OPTION: .*--every/, await frames(['-o', output, '--every', 'often'])],
		[2, /^KVS_INVALID_OPTION: .*--every/, await frames(['-o', output, '--every', '0'])],
		[2, /^KVS_INVALID_OPTION: .*--every/, await frames(['-o', output, '--every', '2', '--all'])],
		[2, /^KVS_INVALID_OPTION: .*--count/, await frames(['-o', output, '--count', '0'])],
		[2, /^KVS_INVALID_OPTION: .*--scene/, await frames(['-o', output, '--scene', '3'])],
		[2, /^KVS_INVALID_OPTION: .*--scene and --all/, await frames(['-o', output, '--scene', '1', '--all'])],
		[2, /^KVS_INVALID_OPTION: .*--format/, await frames(['-o', output, '--format', 'gif'])],
		[2, /^KVS_INVALID_OPTION: .*--size/, await frames(['-o', output, '--size', '0x5'])],
		[2, /^KVS_INVALID_OPTION: .*--fit/, await frames(['-o', output, '--fit', 'contain'])],
	] as const) {
		t.is(outcome.code, exitCode, outcome.stderr);
		t.regex(outcome.stderr, line);
		t.is(outcome.stderr.trim().split('\n').length, 1);
		t.false(existsSync(output));
	}
});

withFfmpeg('reports why nothing could be decoded', async (t) => {
	const { output, frames } = await door(t);
	const { code, stderr } = await frames(['-o', output, '--keyframes', '--ffmpeg', 'false']);
	t.is(code, 1);
	t.regex(stderr, /^no picture of 2026-01-31T00:00:00\.000Z: `false` ended with code 1\n/);
	t.regex(stderr, /\nKVS_EMPTY_RANGE: .*none of 4 frames could be decoded\n$/);
	const scene = await frames(['-o', output, '--scene', '1']);
	t.regex(scene.stderr, /^KVS_EMPTY_RANGE: .*, or none differs from the one before by more than 1\n$/);
	t.false(existsSync(output));
});

withFfmpeg(
	'--at writes the picture on the screen at each time, and names the times without one',
	async (t) => {
		const directory = await temporaryDirectory(t);
		const film = join(directory, 'film.mkv');
		const source = ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=30:d=2'];
		const made = await run('ffmpeg', [...source, '-c:v', 'libx264', '-g', '15', '-bf', '2', film]);
		t.is(made.code, 0, made.stderr);
		const { endpoint } = await startArchive(t, { door: film });
		const output = join(directory, 'images');
		const frames = (...args: readonly string[]): Promise<Outcome> => {
			const common = ['--stream', 'door', '--endpoint', endpoint, '--by', 'producer', '-o', output];
			return commandLine(['frames', ...common, ...args]);
		};
		const first = await frames('--at', '2026-01-31T00:00:01.050Z', '--at', '2026-01-31T00:00:30Z', '--json');
		t.is(first.code, 0, first.stderr);
		const times = first.stdout
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line) as { type: string; timestamp?: string })
			.filter(({ type }) => type === 'picture')
			.map(({ timestamp }) => timestamp);
		t.deepEqual(times, ['2026-01-31T00:00:01.033Z', '2026-01-31T00:00:01.967Z']);

		const twice = await frames('--at', '2026-01-31T00:00:01Z', '--at', '2026-01-31T01:00:01+01:00');
		t.is(twice.code, 0, twice.stderr);

		const partly = await frames('--at', '2026-01-31T00:00:01Z', '--at', '2026-01-30T00:00:00Z');
		t.is(partly.code, 3);
		t.regex(partly.stderr, /1 picture,.*no picture for 1 of the --at times/);

		const none = await frames('--at', '2026-01-31T00:05:00Z', '--lookback', '30s');
		t.is(none.code, 1);
		t.regex(
			none.stderr,
			/^KVS_EMPTY_RANGE: .*no picture at or up to 30 s before 2026-01-31T00:05:00.000Z\n$/,
		);

		for (const wrong of [
			['--at', 'soon'],
			['--at', '2026-01-31T00:00:01Z', '--from', '2026-01-31'],
			['--at', '2026-01-31T00:00:01Z', '--all'],
			['--at', '2026-01-31T00:00:01Z', '--lookback', 'far'],
			['--from', '2026-01-31', '--lookback', '5s'],
		]) {
			t.is((await frames(...wrong)).code, 2, wrong.join(' '));
		}
	},
);

withFfmpeg('--layout webdataset writes shards, and verify finds out what has changed of them', async (t) => {
	const { output, frames } = await door(t);
	const args = ['--all', '--layout', 'webdataset', '--shard-size', '100KB', '-o', output];
	const done = await frames(args);
	t.is(done.code, 0, done.stderr);
	t.regex(done.stderr, /^wrote .*: 60 pictures, 4 of 4 fragments, /);
	t.regex((await frames(args)).stderr, /^verified .*: 60 pictures, 4 of 4 fragments, /);
	const whole = await commandLine(['verify', output]);
	t.is(whole.code, 0);
	t.regex(whole.stderr, /^.* matches its manifest\.jsonl: webdataset, 60 pictures, \d+ files, \d+ bytes\n$/);
	await appendFile(join(output, 'door-000001.tar'), 'x');
	const damaged = await commandLine(['verify', join(output, 'manifest.jsonl'), '--json']);
	t.is(damaged.code, 1);
	t.regex(damaged.stderr, /^KVS_EXPORT_DAMAGED: door-000001\.tar: it has \d+ bytes, not \d+\n$/);
	const [damage, summary] = damaged.stdout
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line));
	t.like(damage, { type: 'damage', file: 'door-000001.tar' });
	t.like(summary, { type: 'summary', layout: 'webdataset', pictures: 60, intact: false });
	for (const wrong of [
		['--layout', 'tar'],
		['--shard-size', '1MB'],
		['--layout', 'webdataset', '--shard-size', 'big'],
		['--layout', 'imagefolder', '--format', 'gray'],
	]) {
		t.is((await frames([...wrong, '-o', output])).code, 2, wrong.join(' '));
	}
});
