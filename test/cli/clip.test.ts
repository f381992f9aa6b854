import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { range } from '../helpers/program/door.js';
import { env } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { readClip } from '../server/clip/read-clip.js';
import { START_MS, startPlayback, videoFragment, videoFragments } from '../server/playback/start-playback.js';

const kvs = commandLine;
setEnvironment(env);

test('clip writes a range into one MP4, and says what it is made of', async (t) => {
	const { url, ingest } = await startPlayback(t);
	await ingest(videoFragments(3));
	const at = [...range, '--endpoint', url];
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mp4');
	const said = await kvs(['clip', ...at, '-o', file]);
	t.is(said.code, 0, said.stderr);
	t.is(said.stdout, '');
	t.regex(said.stderr, /^wrote .*x\.mp4: 3 fragments, 6\.000 s, \d+ bytes, \d+ calls, \d+\.\d s\n$/);
	t.deepEqual(await readFile(file), await readClip(url));
	const again = await kvs(['clip', ...at, '-o', file, '--json']);
	t.is(again.stderr, '');
	const [summary] = objects(again.stdout);
	t.like(summary, { type: 'summary', file, isComplete: true, fragments: 3, durationMs: 6000 });
	t.deepEqual(await readdir(directory), ['x.mp4']);
	const piped = await kvs(['clip', ...at, '-o', '-']);
	t.is(piped.code, 0, piped.stderr);
	t.is(piped.stdout.slice(4, 8), 'ftyp');
	t.regex(piped.stderr, /^wrote the clip: 3 fragments/);
});

test('a clip that is short is incomplete, and the message says of which range', async (t) => {
	const { url, ingest } = await startPlayback(t);
	await ingest(videoFragments(3));
	await ingest(
		[0, 1, 2, 3, 4].map((index) => ({
			...videoFragment(100 + index, { serverMs: START_MS + 900_000 }),
			producerMs: START_MS + index * 2000 + 1000,
		})),
	);
	const file = join(await temporaryDirectory(t), 'x.mp4');
	const { code, stderr } = await kvs(['clip', ...range, '--endpoint', url, '-o', file]);
	t.is(code, 3, stderr);
	t.regex(
		stderr,
		/\n {2}from 2026-01-31T00:00:00\.000Z to 2026-01-31T00:00:09\.000Z the service gave 6\.000 s/,
	);
});

test('an error of clip is one line', async (t) => {
	const { url, ingest } = await startPlayback(t);
	await ingest(videoFragments(1));
	const at = [...range, '--endpoint', url];
	const file = join(await temporaryDirectory(t), 'x.mp4');
	assertFailure(t, await kvs(['clip', ...at]), 2, /^KVS_INVALID_OPTION: .*`-o`/);
	assertFailure(t, await kvs(['clip', ...at, '-o', '-', '--json']), 2, /^KVS_INVALID_OPTION: .*`--json`/);
	const empty = ['--from', '2026-01-30', '--to', '2026-01-30T01:00:00Z', '--by', 'producer'];
	const stream = ['--stream', 'door', '--endpoint', url];
	assertFailure(
		t,
		await kvs(['clip', ...stream, ...empty, '-o', file]),
		1,
		/^KVS_EMPTY_RANGE: no fragment of stream `door` begins .* on the producer's clock; check the range and its clock \(option `--by`\)/,
	);
	const future = ['--from', '2026-01-30', '--to', '2126-01-30'];
	assertFailure(
		t,
		await kvs(['clip', ...stream, ...future, '-o', file]),
		2,
		/^KVS_INVALID_OPTION: .*`--to` to be not in the future/,
	);
	t.deepEqual(await readdir(join(file, '..')), []);
});
