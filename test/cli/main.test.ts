import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { decodeAll } from '../helpers/media/decoding.js';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { door } from '../helpers/program/door.js';
import { env, kvsProcess } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { startServe, stopServe } from '../helpers/program/served.js';
import { temporaryDirectory } from '../helpers/tools.js';

const kvs = commandLine;
setEnvironment(env);

test('--help and --version go to stdout', async (t) => {
	const help = await kvsProcess(['--help']);
	t.is(help.stderr, '');
	t.is(help.code, 0);
	for (const command of ['serve', 'list', 'timeline', 'events', 'inspect', 'export', 'demo'])
		t.true(help.stdout.includes(command));
	const { version } = JSON.parse(await readFile('package.json', 'utf8'));
	t.deepEqual(await kvsProcess(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('bad input is one clear line', async (t) => {
	const { at, endpoint } = await door(t);
	const directory = await temporaryDirectory(t);
	const x = join(directory, 'x.mkv');
	const text = join(directory, 'text');
	const empty = join(directory, 'empty');
	const cut = join(directory, 'cut.mkv');
	await writeFile(text, 'no media at all');
	await writeFile(empty, '');
	await writeFile(cut, recording(1).subarray(0, -3));
	const before = await readdir(directory);
	const to = (stream: string, from: string, until: string): string[] => [
		'--stream',
		stream,
		'--from',
		from,
		'--to',
		until,
	];
	const cases: [readonly string[], number, RegExp][] = [
		[['frobnicate'], 2, /^KVS_USAGE: unknown command 'frobnicate'/],
		[['list', '--frobnicate'], 2, /^KVS_USAGE: unknown option '--frobnicate'/],
		[['list', '--from', 'now'], 2, /^KVS_INVALID_OPTION: .*--stream/],
		[['list', '--stream', 'door'], 2, /^KVS_INVALID_OPTION: .*--from/],
		[['list', ...to('door', 'tomorrow', 'now')], 2, /^KVS_INVALID_OPTION: .*--from.*tomorrow/],
		[['list', ...to('door', '-15m', '-20m')], 2, /^KVS_INVALID_OPTION: .*--to/],
		[['list', ...to('door', '-15m', 'now'), '--endpoint', 'x'], 2, /^KVS_INVALID_OPTION: .*endpoint/],
		[['list', ...to('door', '-15m', 'now'), '--by', 'moon'], 2, /^KVS_INVALID_OPTION: .*--by/],
		[
			['list', ...to('a b', '-15m', 'now'), '--endpoint', endpoint],
			2,
			/^KVS_INVALID_OPTION: expected `--stream` /,
		],
		[
			['list', ...at, '--stream-arn', 'arn:x'],
			2,
			/^KVS_INVALID_OPTION: expected `--stream` to be left out where --stream-arn is given/,
		],
		[['list', ...at, '--max-items', '0'], 2, /^KVS_INVALID_OPTION: expected `--max-items` /],
		[['list', ...at, '--page-size', 'ten'], 2, /^KVS_INVALID_OPTION: .*--page-size/],
		[['list', ...at, '--starting-token', 'x'], 2, /^KVS_INVALID_OPTION: expected `--starting-token` /],
		[
			['list', ...to('gate', '-15m', 'now'), '--endpoint', endpoint],
			1,
			/^KVS_NOT_FOUND: .*`gate`.*; check the name, the region and the account\n$/,
		],
		[
			['list', ...to('door', '-15m', 'now'), '--endpoint', 'http://127.0.0.1:1'],
			1,
			/^KVS_UNREACHABLE: .*127\.0\.0\.1:1: the connection was refused \(ECONNREFUSED\); check the endpoint and the network\n$/,
		],
		[['export', ...at], 2, /^KVS_INVALID_OPTION: .*-o/],
		[['export', ...at, '-o', 'x.avi'], 2, /^KVS_INVALID_OPTION: expected `-o` .*\.mkv/],
		[['export', ...at, '-o', join(directory, 'none', 'x.mkv')], 1, /^KVS_SINK_FAILED: .*does not exist/],
		[
			['frames', ...at, '-o', text],
			1,
			/^KVS_SINK_FAILED: .*: a file of that name is there \(EEXIST\); choose another name\n$/,
		],
		[
			['frames', ...at, '-o', join(text, 'x')],
			1,
			/^KVS_SINK_FAILED: .*: a part of its path is a file and not a directory \(ENOTDIR\); choose another place\n$/,
		],
		[
			['follow', '--stream', 'door', '--endpoint', endpoint, '--checkpoint', join(text, 'x')],
			1,
			/^KVS_CHECKPOINT_FAILED: cannot make the directory `[^`]*text` of the checkpoint .* \(EEXIST\); choose another name\n$/,
		],
		[['export', ...to('gate', '-15m', 'now'), '--endpoint', endpoint, '-o', x], 1, /^KVS_NOT_FOUND: /],
		[
			['export', ...to('door', '-15m', 'now'), '--endpoint', 'http://127.0.0.1:1', '-o', x],
			1,
			/^KVS_UNREACHABLE: /,
		],
		[
			['events', ...at, '--tracks', 'audio'],
			1,
			/^KVS_NO_SUCH_TRACK: .*`audio`.*which has 1 \(video, V_TEST\)/,
		],
		[['inspect'], 2, /^KVS_USAGE: missing required argument/],
		[['inspect', join(directory, 'none')], 1, /^KVS_FILE_UNREADABLE: .*no such file/],
		[['inspect', directory], 1, /^KVS_FILE_UNREADABLE: .*directory/],
		[
			['inspect', '/dev/zero'],
			1,
			/^KVS_MKV_MALFORMED: `\/dev\/zero` is not a readable Matroska file: .* at byte 0\n$/,
		],
		[['inspect', text], 1, /^KVS_MKV_MALFORMED: .*text.*at byte 0/],
		[['inspect', empty], 1, /^KVS_MKV_MALFORMED: .*empty.*no media/],
		[['serve', '--host', '0.0.0.0'], 2, /^KVS_INVALID_OPTION: .*loopback/],
		[['serve', '--credentials', 'sesame'], 2, /^KVS_INVALID_OPTION: .*KEY:SECRET.*got `\*\*\*`/],
		[['serve', '--port', '70000'], 2, /^KVS_INVALID_OPTION: .*--port/],
		[['serve', '--port', new URL(endpoint).port], 1, /^KVS_SERVER_FAILED: .*in use/],
		[['serve', '--ingest', 'door'], 2, /^KVS_INVALID_OPTION: .*STREAM=FILE/],
		[['serve', '--ingest', `door=${join(directory, 'none')}`], 1, /^KVS_INGEST_FAILED: .*no such file/],
		[['serve', '--ingest', `door=${text}`], 1, /^KVS_MEDIA_UNSUPPORTED: .*text/],
		[['serve', '--ingest', `door=${cut}`], 1, /^KVS_MEDIA_TRUNCATED: .*cut\.mkv/],
	];
	for (const [args, exitCode, line] of cases) assertFailure(t, await kvs(args), exitCode, line);
	assertFailure(t, await kvsProcess(['frobnicate']), 2, /^KVS_USAGE: unknown command/);
	t.deepEqual(await readdir(directory), before);
});

test('inspect reads a file and stdin alike', async (t) => {
	const file = join(await temporaryDirectory(t), 'x.mkv');
	await writeFile(file, recording(2));
	const fromFile = await kvs(['inspect', file, '--json']);
	t.is(fromFile.code, 0);
	t.deepEqual(
		objects(fromFile.stdout).map(({ type }) => type),
		['fragment', 'frame', 'frame', 'fragment-end', 'fragment', 'frame', 'frame', 'fragment-end'],
	);
	t.deepEqual(await kvsProcess(['inspect', '-', '--json'], { input: recording(2) }), fromFile);
});

test('inspect shows what a truncated file has, and that it is truncated', async (t) => {
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const media = recording(2);
	await writeFile(file, media);
	await truncate(file, media.length - 3);
	const { code, stdout } = await kvs(['inspect', file, '--json']);
	t.is(code, 3);
	const events = objects(stdout);
	t.like(events.at(-2), {
		type: 'fragment-failure',
		fragmentNumber: fragmentNumber(2),
		offset: media.length - 3,
	});
	t.like(events.at(-1), { type: 'fragment-end', frames: 1, complete: false });
});

test('serve keeps its media over a restart, and the same file adds nothing', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'clip@home.mkv');
	await writeFile(file, await readFile(resolve('examples/media/clock.mkv')));
	const args = ['--data', join(directory, 'data'), '--ingest', `clip=${file}@2026-01-31T14:03:00Z`];
	const at = [
		'--stream',
		'clip',
		'--from',
		'2026-01-31T14:00:00Z',
		'--to',
		'2026-01-31T15:00:00Z',
		'--by',
		'producer',
		'--json',
	];
	const listings: string[] = [];
	for (const signal of ['SIGINT', 'SIGKILL'] as const) {
		const served = await startServe(t, args);
		listings.push((await kvs(['list', ...at, '--endpoint', served.endpoint])).stdout);
		const code = await stopServe(served, signal);
		if (signal === 'SIGINT') t.is(code, 130);
	}
	const served = await startServe(t, args.slice(0, 2));
	listings.push((await kvs(['list', ...at, '--endpoint', served.endpoint])).stdout);
	t.is(await stopServe(served, 'SIGTERM'), 0);
	t.is(served.stderr(), '');
	t.is(objects(listings[0] ?? '').length, 8);
	t.is(objects(listings[0] ?? '')[0]?.['ProducerTimestamp'], '2026-01-31T14:03:00.000Z');
	t.is(listings[1], listings[0]);
	t.is(listings[2], listings[0]);
});

withFfmpeg('the demo shows what it did and leaves a file that plays', async (t) => {
	const file = join(await temporaryDirectory(t), 'demo.mp4');
	const { code, stdout, stderr } = await kvs(['demo', '-o', file]);
	t.is(code, 0, stderr);
	t.is(stderr, '');
	t.regex(stdout, /4 of 4 fragments, 495 frames/);
	const decoded = await decodeAll(file);
	t.deepEqual(decoded, { code: 0, stdout: '', stderr: '' });
});
