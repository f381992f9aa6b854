import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { startArchive, startMeddler, type TestArchive } from '../helpers/archive.js';
import { commandLine, setEnvironment } from '../helpers/command-line.js';
import { decodeAll } from '../helpers/decoding.js';
import { testWith, withFfmpeg } from '../helpers/needs.js';
import { failureDocument, fragmentNumber, recording } from '../helpers/payload.js';
import { type Outcome, run, temporaryDirectory } from '../helpers/tools.js';

const main = resolve('dist/cli/main.js');
const range = [
	'--stream',
	'door',
	'--from',
	'2026-01-31',
	'--to',
	'2026-01-31T01:00:00Z',
	'--by',
	'producer',
];

/** Credentials and region of whoever runs the tests must not matter. */
const env = {
	AWS_ACCESS_KEY_ID: undefined,
	AWS_PROFILE: undefined,
	AWS_REGION: undefined,
	AWS_ENDPOINT_URL: undefined,
};

const kvs = commandLine;
setEnvironment(env);

/** The same in a process of its own. */
const kvsProcess = (args: readonly string[], options: { input?: Uint8Array } = {}): Promise<Outcome> =>
	run(process.execPath, [main, ...args], { env, ...options });
const objects = (text: string): Record<string, unknown>[] =>
	text
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));

async function door(t: ExecutionContext, count = 3): Promise<TestArchive & { at: readonly string[] }> {
	const archive = await startArchive(t, { door: recording(count) });
	return { ...archive, at: [...range, '--endpoint', archive.endpoint] };
}

/** Nothing but one line `CODE: message` on stderr. */
function assertFailure(
	t: ExecutionContext,
	{ code, stdout, stderr }: Outcome,
	exitCode: number,
	line: RegExp,
): void {
	t.is(stdout, '');
	t.is(code, exitCode, stderr);
	t.regex(stderr, line);
	t.is(stderr.split('\n').length, 2, stderr);
	t.regex(stderr, /^KVS_[A-Z_]+: [^\n]+\n$/);
}

test("list prints the fragments in order, with the service's own field names", async (t) => {
	const { at } = await door(t);
	const { code, stdout, stderr } = await kvsProcess(['list', ...at, '--json']);
	t.is(code, 0, stderr);
	t.is(stderr, '');
	const fragments = objects(stdout);
	t.is(fragments.length, 3);
	const { FragmentSizeInBytes, ...fragment } = fragments[1] ?? {};
	t.true((FragmentSizeInBytes as number) > 100);
	t.deepEqual(fragment, {
		type: 'fragment',
		FragmentNumber: fragmentNumber(2),
		ProducerTimestamp: '2026-01-31T00:00:02.000Z',
		ServerTimestamp: '2026-01-31T00:00:03.000Z',
		FragmentLengthInMilliseconds: 1000,
	});
});

test('list stops after --max-items with a token that another process goes on from', async (t) => {
	const { at, endpoint } = await door(t, 5);
	const first = objects(
		(await kvs(['list', ...at, '--json', '--max-items', '3', '--page-size', '2'])).stdout,
	);
	t.deepEqual(
		first.map(({ type }) => type),
		['fragment', 'fragment', 'fragment', 'next-token'],
	);
	const token = first[3]?.['nextToken'] as string;
	const second = await kvs([
		'list',
		'--stream',
		'door',
		'--endpoint',
		endpoint,
		'--json',
		'--starting-token',
		token,
	]);
	t.deepEqual(
		objects(second.stdout).map(({ FragmentNumber }) => FragmentNumber),
		[fragmentNumber(4), fragmentNumber(5)],
	);
});

test('list and events print a line each for a person', async (t) => {
	const { at } = await door(t);
	const listed = await kvs(['list', ...at]);
	t.is(listed.stdout.split('\n').length, 4);
	t.regex(listed.stdout, new RegExp(`^${fragmentNumber(1)}`));
	const events = await kvs(['events', ...at]);
	t.is(events.stdout.split('\n').length, 13);
	t.regex(
		events.stdout,
		/^fragment 0 .*320x240\n {2}frame {2}track 1 {2}2026-01-31T00:00:00.000Z {2}10 bytes {2}key\n/,
	);
});

test('events prints every event as its documented JSON', async (t) => {
	const { at } = await door(t, 1);
	const { code, stdout } = await kvs(['events', ...at, '--json']);
	t.is(code, 0);
	const [fragment, frame, , end] = objects(stdout);
	t.like(fragment, {
		type: 'fragment',
		index: 0,
		fragmentNumber: fragmentNumber(1),
		serverTimestamp: '2026-01-31T00:00:01.000Z',
		producerTimestamp: '2026-01-31T00:00:00.000Z',
	});
	const [track] = (fragment?.['tracks'] ?? []) as object[];
	t.like(track, {
		number: 1,
		type: 'video',
		codecId: 'V_TEST',
		codec: null,
		width: 320,
		height: 240,
	});
	t.deepEqual(frame, {
		type: 'frame',
		index: 0,
		fragmentNumber: fragmentNumber(1),
		track: 1,
		timestampMs: Date.UTC(2026, 0, 31),
		timestamp: '2026-01-31T00:00:00.000Z',
		timecodeNs: '0',
		keyframe: true,
		durationMs: null,
		size: 10,
	});
	t.like(end, { type: 'fragment-end', index: 0, frames: 2, bytes: 20, complete: true });
});

test('timeline prints spans, gaps and a total, in JSON and for a person', async (t) => {
	const startMs = Date.UTC(2026, 0, 31);
	const later = recording(5, { startMs: startMs + 60_000 }).toString('latin1');
	// Numbers of their own: the second half of the recording must not be the first again.
	const renumbered = Buffer.from(later.replaceAll('9134385233318143239', '9134385233318143240'), 'latin1');
	const { endpoint } = await startArchive(t, { door: Buffer.concat([recording(3), renumbered]) });
	const at = [...range, '--endpoint', endpoint];
	const { code, stdout, stderr } = await kvs(['timeline', ...at, '--json']);
	t.is(code, 0, stderr);
	t.is(stderr, '');
	const [span, gap, , total, ...rest] = objects(stdout);
	t.deepEqual(rest, []);
	t.like(span, {
		type: 'span',
		from: '2026-01-31T00:00:00.000Z',
		to: '2026-01-31T00:00:06.000Z',
		fragments: 3,
		firstFragmentNumber: fragmentNumber(1),
		serverFrom: '2026-01-31T00:00:01.000Z',
	});
	const [track] = (span?.['tracks'] ?? []) as object[];
	t.like(track, { number: 1, codecId: 'V_TEST' });
	t.deepEqual(gap, {
		type: 'gap',
		from: '2026-01-31T00:00:06.000Z',
		to: '2026-01-31T00:01:00.000Z',
		kind: 'gap',
	});
	t.like(total, { type: 'total', fragments: 8, spans: 2, gaps: 1, codecChanges: 0, storedMs: 16_000 });
	const shown = await kvs(['timeline', ...at, '--no-codecs']);
	t.is(shown.code, 0);
	t.is(shown.stderr, '');
	const lines = shown.stdout.split('\n');
	t.is(lines.length, 5);
	t.regex(
		lines[0] ?? '',
		/^span 0 {2}\[# {23}\] 2026-01-31T00:00:00\.000Z to 2026-01-31T00:00:06\.000Z {2}6\.000 s {2}3 fragments {2}\d+ bytes {2}[\d.]+ kbit\/s$/,
	);
	t.is(lines[1], 'gap  2026-01-31T00:00:06.000Z to 2026-01-31T00:01:00.000Z  54.000 s');
	t.regex(
		lines[3] ?? '',
		/^total {4}2 spans, 1 gaps, .* 8 fragments, .* 16\.000 s stored, 54\.000 s missing/,
	);
});

test('an empty range is said and is no failure, but for an export', async (t) => {
	const { endpoint } = await door(t);
	const at = ['--stream', 'door', '--from', '2020-01-01', '--to', '2020-01-02', '--endpoint', endpoint];
	for (const command of ['list', 'events', 'timeline']) {
		t.deepEqual(await kvs([command, ...at]), { code: 0, stdout: '', stderr: 'no fragments in the range\n' });
	}
	const directory = await temporaryDirectory(t);
	assertFailure(
		t,
		await kvs(['export', ...at, '-o', join(directory, 'x.mkv')]),
		1,
		/^KVS_EMPTY_RANGE: .*x\.mkv/,
	);
	t.deepEqual(await readdir(directory), []);
});

test('export writes one file and ends with one summary line', async (t) => {
	const { at } = await door(t);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const said = await kvs(['export', ...at, '-o', file]);
	t.is(said.code, 0);
	t.regex(said.stderr, /^wrote .*x\.mkv: 3 of 3 fragments, 6 frames, 60 bytes, [^\n]+\n$/);
	const again = await kvs(['export', ...at, '-o', join(directory, 'y.mkv'), '--json']);
	t.is(again.stderr, '');
	const [summary, ...rest] = objects(again.stdout);
	t.deepEqual(rest, []);
	t.deepEqual(Object.keys(summary ?? {}), [
		'type',
		'isComplete',
		'fragments',
		'delivered',
		'failed',
		'missing',
		'frames',
		'bytes',
		'gaps',
		'calls',
		'throttled',
		'elapsedMs',
		'failures',
		'merged',
		'mergedGapMs',
		'notices',
		'file',
		'files',
		'manifest',
		'resumed',
		'discarded',
		'verified',
	]);
	t.like(summary, {
		type: 'summary',
		fragments: 3,
		delivered: 3,
		failed: 0,
		missing: 0,
		frames: 6,
		bytes: 60,
		verified: false,
	});
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'x.mkv.json', 'y.mkv', 'y.mkv.json']);
});

test('a finished export is verified and left; one that was changed is found out, and written again', async (t) => {
	const { at } = await door(t);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	t.is((await kvs(['export', ...at, '-o', file])).code, 0);
	const { mtimeMs } = await stat(file);
	const again = await kvs(['export', ...at, '-o', file]);
	t.is(again.code, 0);
	t.regex(again.stderr, /^.*x\.mkv is already complete, and verified: 3 of 3 fragments, [^\n]+\n$/);
	t.is((await stat(file)).mtimeMs, mtimeMs);
	const intact = await kvs(['verify', file]);
	t.is(intact.code, 0);
	t.regex(intact.stderr, /^.*x\.mkv is what its manifest says: 3 of 3 fragments, 6 frames, \d+ bytes\n$/);

	const whole = await readFile(file);
	const changed = Buffer.from(whole);
	const at3 = whole.indexOf('frame-0003');
	changed[at3] = 0;
	await writeFile(file, changed);
	const number = fragmentNumber(2);
	assertFailure(
		t,
		await kvs(['verify', file]),
		1,
		new RegExp(`^KVS_EXPORT_DAMAGED: x\\.mkv, fragment ${number}: its bytes`),
	);
	const found = await kvs(['verify', file, '--json']);
	t.is(found.code, 1);
	t.like(objects(found.stdout)[0], { type: 'damage', file: 'x.mkv', fragmentNumber: number });
	t.regex((await kvs(['export', ...at, '-o', file])).stderr, /^wrote /);
	t.deepEqual(await readFile(file), whole);

	await writeFile(file, whole.subarray(0, whole.length - 1));
	assertFailure(t, await kvs(['verify', file]), 1, /^KVS_EXPORT_DAMAGED: x\.mkv: it has \d+ bytes, not/);
	await rm(file);
	assertFailure(t, await kvs(['verify', file]), 1, /^KVS_EXPORT_DAMAGED: x\.mkv: it cannot be read/);
	await writeFile(file, whole);
	const text = await readFile(`${file}.json`, 'utf8');
	for (const [from, to, code] of [
		['"frames":2', '"frames":3', 'KVS_EXPORT_DAMAGED: .*: the manifest lists'],
		['"delivered":3', '"delivered":2', 'KVS_EXPORT_DAMAGED: .*: the manifest lists'],
		[/"files":\[.*?\n\]/s, '"files":[]', 'KVS_MANIFEST_INVALID'],
		[/"sha256":"\w+"/, '"sha256":7', 'KVS_MANIFEST_INVALID'],
		['"ranges":[{"file":0', '"ranges":[{"file":1', 'KVS_MANIFEST_INVALID'],
		['"ranges":[{"file":0', '"ranges":[{"file":"0"', 'KVS_MANIFEST_INVALID'],
		['"ranges":[{', '"ranges":[{},{', 'KVS_MANIFEST_INVALID'],
		[/"head":\{/, '"head":null,"body":{', 'KVS_MANIFEST_INVALID'],
	] as const) {
		t.not(text.replace(from, to), text);
		await writeFile(`${file}.json`, text.replace(from, to));
		assertFailure(t, await kvs(['verify', file]), 1, new RegExp(`^${code}`));
	}
	await writeFile(`${file}.json`, '[1]');
	assertFailure(t, await kvs(['verify', file]), 1, /^KVS_MANIFEST_INVALID: /);
	await rm(`${file}.json`);
	assertFailure(t, await kvs(['verify', file]), 1, /^KVS_MANIFEST_MISSING: /);
});

test('an export that lacks a fragment is written and says so with its exit status', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const exception = failureDocument({
		ERROR_CODE: 'KMS_KEY_DISABLED',
		ERROR_ID: '4501',
		FRAGMENT_NUMBER: fragmentNumber(1),
	});
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path === '/getMediaForFragmentList' && nth === 0 ? { body: exception } : null,
	);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { code, stdout } = await kvs(['export', ...range, '--endpoint', endpoint, '-o', file, '--json']);
	t.is(code, 3);
	t.like(objects(stdout)[0], { fragments: 3, delivered: 2, failed: 1 });
	t.true(existsSync(file));
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
		[[], 2, /^KVS_USAGE: no command given, see --help/],
		[['frobnicate'], 2, /^KVS_USAGE: unknown command 'frobnicate'/],
		[['list', '--frobnicate'], 2, /^KVS_USAGE: unknown option '--frobnicate'/],
		[['list', '--from', 'now'], 2, /^KVS_INVALID_OPTION: .*--stream/],
		[['list', '--stream', 'door'], 2, /^KVS_INVALID_OPTION: .*--from/],
		[['list', ...to('door', 'tomorrow', 'now')], 2, /^KVS_INVALID_OPTION: .*--from.*tomorrow/],
		[['list', ...to('door', '-15m', '-20m')], 2, /^KVS_INVALID_OPTION: .*--to/],
		[['list', ...to('door', '-15m', 'now'), '--endpoint', 'x'], 2, /^KVS_INVALID_OPTION: .*endpoint/],
		[['list', ...to('door', '-15m', 'now'), '--by', 'moon'], 2, /^KVS_INVALID_OPTION: .*--by/],
		[['list', ...to('a b', '-15m', 'now'), '--endpoint', endpoint], 2, /^KVS_INVALID_OPTION: .*streamName/],
		[['list', ...at, '--stream-arn', 'arn:x'], 2, /^KVS_INVALID_OPTION: .*not both/],
		[['list', ...at, '--max-items', '0'], 2, /^KVS_INVALID_OPTION: .*maxItems/],
		[['list', ...at, '--page-size', 'ten'], 2, /^KVS_INVALID_OPTION: .*--page-size/],
		[['list', ...at, '--starting-token', 'x'], 2, /^KVS_INVALID_OPTION: .*startingToken/],
		[['list', ...to('gate', '-15m', 'now'), '--endpoint', endpoint], 1, /^KVS_NOT_FOUND: .*`gate`/],
		[
			['list', ...to('door', '-15m', 'now'), '--endpoint', 'http://127.0.0.1:1'],
			1,
			/^KVS_UNREACHABLE: .*127\.0\.0\.1:1 .*ECONNREFUSED/,
		],
		[['export', ...at], 2, /^KVS_INVALID_OPTION: .*-o/],
		[['export', ...at, '-o', 'x.avi'], 2, /^KVS_INVALID_OPTION: .*\.mkv/],
		[['export', ...at, '-o', join(directory, 'none', 'x.mkv')], 1, /^KVS_SINK_FAILED: .*does not exist/],
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

testWith('bash')(
	'a full disk is said; when there is room, the same command goes on from where it stopped',
	async (t) => {
		const { at } = await door(t, 100);
		const directory = await temporaryDirectory(t);
		const command = `ulimit -f 40 && exec "$0" "$@"`;
		const args = ['export', ...at, '-o', join(directory, 'x.mkv')];
		assertFailure(
			t,
			await run('bash', ['-c', command, process.execPath, main, ...args], { env }),
			1,
			/^KVS_SINK_FAILED: cannot write .*x\.mkv/,
		);
		t.deepEqual((await readdir(directory)).sort(), ['.x-001.mkv.part', '.x.mkv.journal.part']);
		const resumed = await kvs(args);
		t.is(resumed.code, 0);
		t.regex(
			resumed.stderr,
			/^wrote .*x\.mkv: 100 of 100 fragments, 200 frames, .* [1-9]\d* fragments resumed/,
		);
		t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'x.mkv.json']);
	},
);

test('a reader that goes away ends the command quietly', async (t) => {
	const { at } = await door(t, 500);
	const child = spawn(process.execPath, [main, 'events', ...at, '--json'], {
		env: { ...process.env, ...env },
	});
	let stderr = '';
	child.stderr.on('data', (chunk) => {
		stderr += chunk;
	});
	await once(child.stdout, 'data');
	child.stdout.destroy();
	const [code] = await once(child, 'close');
	t.is(code, 0);
	t.is(stderr, '');
});

interface Served {
	readonly child: ChildProcess;
	readonly endpoint: string;
}

async function serve(t: ExecutionContext, args: readonly string[]): Promise<Served> {
	const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...args], {
		env: { ...process.env, ...env },
	});
	t.teardown(() => child.kill('SIGKILL'));
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const first = String((await lines.next()).value);
	t.regex(first, /^listening on http:\/\/127\.0\.0\.1:\d+$/);
	return { child, endpoint: first.slice('listening on '.length) };
}

async function stop({ child }: Served, signal: NodeJS.Signals): Promise<number> {
	child.kill(signal);
	const [code] = await once(child, 'exit');
	return code;
}

test('serve keeps what it was given, over a restart too, and the same file adds nothing', async (t) => {
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
		const served = await serve(t, args);
		listings.push((await kvs(['list', ...at, '--endpoint', served.endpoint])).stdout);
		const code = await stop(served, signal);
		if (signal === 'SIGINT') t.is(code, 130);
	}
	const served = await serve(t, args.slice(0, 2));
	listings.push((await kvs(['list', ...at, '--endpoint', served.endpoint])).stdout);
	await stop(served, 'SIGTERM');
	t.is(objects(listings[0] ?? '').length, 8);
	t.is(objects(listings[0] ?? '')[0]?.['ProducerTimestamp'], '2026-01-31T14:03:00.000Z');
	t.is(listings[1], listings[0]);
	t.is(listings[2], listings[0]);
});

test('an interrupt ends a command with 130 and leaves no file', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const directory = await temporaryDirectory(t);
	const children: ChildProcess[] = [];
	const endpoint = await startMeddler(t, archive, ({ path, body }) => {
		if (path !== '/getMediaForFragmentList') return null;
		children[0]?.kill('SIGINT');
		return { body: body.subarray(0, 100), hang: true };
	});
	const args = [main, 'export', ...range, '--endpoint', endpoint, '-o', join(directory, 'x.mkv')];
	const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
	children.push(child);
	const [code] = await once(child, 'close');
	t.is(code, 130);
	t.deepEqual(await readdir(directory), []);
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

test('--help and --version go to stdout', async (t) => {
	const help = await kvsProcess(['--help']);
	t.is(help.code, 0);
	for (const command of ['serve', 'list', 'timeline', 'events', 'inspect', 'export', 'demo'])
		t.true(help.stdout.includes(command));
	const { version } = JSON.parse(await readFile('package.json', 'utf8'));
	t.deepEqual(await kvsProcess(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});
