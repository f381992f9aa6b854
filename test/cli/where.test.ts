import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { callsRecording } from '../helpers/media/calls.js';
import { connectRecording, secondsOfWav } from '../helpers/media/connect-calls.js';
import { fragmentDocument, fragmentNumber, tags } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { range } from '../helpers/program/door.js';
import { env, main } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { startArchive } from '../helpers/service/archive.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

setEnvironment(env);

test('events of one call: every given tag must match, and skipped fragments are reported', async (t) => {
	const pairs = [
		[
			['Call', 'a'],
			['Side', 'in'],
		],
		[
			['Call', 'a'],
			['Side', 'out'],
		],
		[
			['Call', 'b'],
			['Side', 'in'],
		],
	] as const;
	const door = pairs.map((after, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + index * 2000,
			after: tags(...after),
		}),
	);
	const { endpoint } = await startArchive(t, { door: Buffer.concat(door) });
	const at = ['events', ...range, '--endpoint', endpoint];
	const { code, stdout, stderr } = await commandLine([
		...at,
		'--where',
		'Call=a',
		'--where',
		'Side=in',
		'--json',
	]);
	t.is(code, 0, stderr);
	t.deepEqual(
		objects(stdout).map(({ type, fragmentNumber: number }) => [type, number]),
		['fragment', 'frame', 'fragment-end'].map((type) => [type, fragmentNumber(1)]),
	);
	t.is(stderr, '2 of 3 fragments left out by --where\n');
	const none = await commandLine([...at, '--where', 'Call=']);
	t.deepEqual([none.code, none.stdout, none.stderr], [0, '', '3 of 3 fragments left out by --where\n']);
});

test('every command that takes a tag refuses a malformed one, and names the flag', async (t) => {
	for (const command of [
		['events', ...range],
		['export', ...range, '-o', 'never-written.mkv'],
		['export', ...range, '--raw', 'never-written.mkv'],
		['frames', ...range, '-o', 'never-written'],
		['follow', '--stream', 'door'],
		['follow', '--stream', 'door', '-o', 'never-written'],
	]) {
		const run = (...where: string[]) =>
			commandLine([...command, '--endpoint', 'http://127.0.0.1:9', ...where]);
		const line = /^KVS_INVALID_OPTION: expected `--where` to be NAME=VALUE, got `foo`$/m;
		assertFailure(t, await run('--where', 'Call=a', '--where', 'foo'), 2, line);
		assertFailure(t, await run('--where', '=foo'), 2, /`--where` to be NAME=VALUE, got `=foo`/);
		const twice = await run('--where', 'Call=a', '--where', 'Call=b');
		assertFailure(t, twice, 2, /`--where` to be given with one value for each name, got `Call=b`/);
	}
	const tag = await commandLine(['export', ...range, '-o', 'never-written.mkv', '--split', 'tag:']);
	assertFailure(t, tag, 2, /`--split` to be `gap`, `codec`, `tag:NAME`, a length like 10m .*, got `tag:`/);
	const recorded = ['follow', '--stream', 'door', '-o', 'never-written', '--split', 'tag:Call'];
	assertFailure(
		t,
		await commandLine(recorded),
		2,
		/`--split` to be a rule other than \{ tag \} in a recorder/,
	);
});

test('one command gives one call as a WAV, another a file for each call', async (t) => {
	const seconds = [
		{ call: 'one', at: 0, level: 1, isAgentFirst: true },
		{ call: 'one', at: 1, level: 2, isAgentFirst: true },
		{ call: 'two, too', at: 60, level: 3 },
	];
	const { endpoint } = await startArchive(t, { door: connectRecording(seconds) });
	const directory = await temporaryDirectory(t);
	const at = ['export', ...range, '--endpoint', endpoint];
	const file = join(directory, 'call.wav');
	const one = await commandLine([...at, '--where', 'ContactId=two, too', '-o', file]);
	t.is(one.code, 0, one.stderr);
	t.regex(one.stderr, /^wrote .*call\.wav: 1 of 3 fragments, .*, 2 left out by --where\n$/);
	t.deepEqual(await secondsOfWav(file, 2), [[3], [103]]);
	const each = await commandLine([...at, '--split', 'tag:ContactId', '-o', join(directory, 'calls.wav')]);
	t.is(each.code, 0, each.stderr);
	t.regex(
		each.stderr,
		/^wrote 2 files: .*\n {2}\S+calls-001\.wav \(ContactId=one\): 2\.000 s, .*\n {2}\S+calls-002\.wav \(ContactId=two, too\): 1\.000 s, .*; new at fragment \d+ \(tag: ContactId is `two, too`, not `one`\)\n$/,
	);
	const json = await commandLine([
		...at,
		'--split',
		'gap,tag:ContactId',
		'-o',
		join(directory, 'json.wav'),
		'--json',
	]);
	const [summary] = objects(json.stdout);
	t.like(summary, { type: 'summary', skipped: 0, delivered: 3 });
	t.deepEqual(
		((summary?.['files'] ?? []) as { tag: unknown }[]).map(({ tag }) => tag),
		['one', 'two, too'].map((value) => ({ name: 'ContactId', value })),
	);
	const nothing = await commandLine([...at, '--where', 'ContactId=three', '-o', join(directory, 'none.wav')]);
	assertFailure(
		t,
		nothing,
		1,
		/^KVS_EMPTY_RANGE: .* but for 3 fragments that the option `--where` leaves out$/m,
	);
});

test('a killed export of one call resumes where it was', async (t) => {
	const calls = Array.from({ length: 400 }, (_, index) => (index % 3 === 0 ? 'a' : 'b'));
	const { endpoint } = await startArchive(t, { door: callsRecording(calls) });
	const directory = await temporaryDirectory(t);
	const at = ['export', ...range, '--endpoint', endpoint, '--where', 'Call=a', '--json', '-o'];
	const whole = join(directory, 'whole.mkv');
	t.is((await commandLine([...at, whole])).code, 0);
	const file = join(directory, 'x.mkv');
	const journal = join(directory, '.x.mkv.journal.part');
	const child = spawn(process.execPath, [main, ...at, file], {
		stdio: 'ignore',
		env: { ...process.env, ...env },
	});
	const closed = once(child, 'close');
	let lines = 0;
	await until(
		async () => {
			lines = (await readFile(journal, 'latin1').catch(() => '')).split('\n').length;
			return lines > 20;
		},
		() => `${lines} lines of the journal`,
	);
	child.kill('SIGKILL');
	await closed;
	const { code, stdout, stderr } = await commandLine([...at, file]);
	t.is(code, 0, stderr);
	const [summary] = objects(stdout);
	t.like(summary, { delivered: 134, skipped: 266, frames: 268 });
	t.true((summary?.['resumed'] as number) >= 19, String(summary?.['resumed']));
	t.deepEqual(await readFile(file), await readFile(whole));
});

test('follow gives the fragments of one call, as they come', async (t) => {
	const { endpoint, putCalls, stream } = await startGrowing(t);
	const numbers = await putCalls([1, 'a'], [2, 'b'], [3, 'a']);
	const last = Math.max(...numbers.map((number) => stream.fragments.get(number)?.serverMs ?? 0));
	// What is listed after it says that no more can come.
	while (!(await putCalls([4, 'a'])).some((number) => (stream.fragments.get(number)?.serverMs ?? 0) > last));
	const command = ['follow', '--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '--json'];
	const { code, stdout, stderr } = await commandLine([
		...command,
		'--until',
		new Date(last).toISOString(),
		'--where',
		'Call=a',
	]);
	t.is(code, 0, stderr);
	t.deepEqual(
		objects(stdout).flatMap(({ type, fragmentNumber: number }) => (type === 'fragment-end' ? [number] : [])),
		[numbers[0], numbers[2]],
	);
});

withFfmpeg('frames writes the pictures of one call', async (t) => {
	const { endpoint } = await startArchive(t, {});
	const archive = openArchive(t, endpoint);
	for (const [call, start] of [
		['a', startMs],
		['b', startMs + 60_000],
	] as const) {
		const clip = 'examples/media/clock.mkv';
		const feed = archive.feed(clip, { start: new Date(start), tags: { Call: call }, create: true });
		for await (const _ of feed);
	}
	const directory = join(await temporaryDirectory(t), 'pictures');
	const where = ['--where', 'Call=b', '--keyframes', '-o', directory];
	const { code, stderr } = await commandLine(['frames', ...range, '--endpoint', endpoint, ...where]);
	t.is(code, 0, stderr);
	t.regex(stderr, /^wrote .*: 8 pictures, 8 of 16 fragments, .*, 8 left out by --where\n$/);
	const images = (await readdir(directory)).filter((name) => name.endsWith('.jpg'));
	t.deepEqual(
		images.map((name) => name.replace(/^(2026-01-31T00.01).*$/, '$1')),
		Array(8).fill('2026-01-31T00.01'),
	);
	const none = ['--where', 'Call=c', '-o', join(directory, 'none')];
	assertFailure(
		t,
		await commandLine(['frames', ...range, '--endpoint', endpoint, ...none]),
		1,
		/^KVS_EMPTY_RANGE: nothing to write to `.*`: .*, but for 16 fragments that the option `--where` leaves out$/m,
	);
});
