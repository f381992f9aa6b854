import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { door, range } from '../helpers/program/door.js';
import { env } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { startArchive } from '../helpers/service/archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const kvs = commandLine;
setEnvironment(env);

test('export --raw writes what the service sends, which another archive serves as its own', async (t) => {
	const { at } = await door(t);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const said = await kvs(['export', ...at, '--raw', file]);
	t.is(said.code, 0, said.stderr);
	t.regex(
		said.stderr,
		/^wrote .*x\.mkv: 3 of 3 fragments, \d+ bytes as they were sent, \d+ calls, [^\n]+\n$/,
	);
	t.true((await readFile(file)).equals(recording(3)));
	const again = await kvs(['export', ...at, '--raw', '-o', join(directory, 'y.mkv'), '--json']);
	t.is(again.stderr, '');
	const [summary, ...rest] = objects(again.stdout);
	t.deepEqual(rest, []);
	t.like(summary, { type: 'summary', isComplete: true, fragments: 3, fileBytes: recording(3).byteLength });
	t.deepEqual((await readdir(directory)).toSorted(), ['x.mkv', 'y.mkv']);

	const other = await startArchive(t, { door: file });
	const listed = ['list', ...range, '--json', '--endpoint'];
	const { stdout } = await kvs([...listed, other.endpoint]);
	t.is(objects(stdout).length, 3);
	t.is(stdout, (await kvs([...listed, at.at(-1) as string])).stdout);
});

test('the time around a moment is written raw too', async (t) => {
	const { endpoint } = await door(t, 5);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const moment = ['--around', '2026-01-31T00:00:03Z', '--before', '2s', '--after', '2s', '--by', 'producer'];
	const { code, stderr } = await kvs([
		'export',
		'--stream',
		'door',
		'--endpoint',
		endpoint,
		...moment,
		'--raw',
		file,
	]);
	t.is(code, 0, stderr);
	t.true(
		(await readFile(file)).equals(recording(5).subarray(recording(1).byteLength, recording(3).byteLength)),
	);
});

test('a fragment that fails is named, and the exit says that the file is incomplete', async (t) => {
	const { endpoint } = await startArchive(
		t,
		{ door: recording(3) },
		{ faults: [{ fault: 'exception', code: 4500, fragmentNumber: fragmentNumber(2), goesOn: true }] },
	);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { code, stderr } = await kvs(['export', ...range, '--endpoint', endpoint, '--raw', file]);
	t.is(code, 3);
	t.regex(
		stderr,
		/^fragment \d+2: KMS_KEY_ACCESS_DENIED: [^\n]+\nwrote .*: 2 of 3 fragments, .*, 1 failed\n$/,
	);
});

test('an empty range is an error, and leaves no file', async (t) => {
	const { endpoint } = await door(t);
	const directory = await temporaryDirectory(t);
	const empty = ['--stream', 'door', '--endpoint', endpoint, '--from', '2020-01-01', '--to', '2020-01-02'];
	const said = await kvs(['export', ...empty, '--raw', join(directory, 'x.mkv')]);
	assertFailure(t, said, 1, /^KVS_EMPTY_RANGE: nothing to write to `.*x\.mkv`: /);
	t.deepEqual(await readdir(directory), []);
});

for (const flags of [
	['--tracks', 'video'],
	['--gaps', 'keep'],
	['--split', '10m'],
	['--channels', 'split'],
	['--faststart'],
	['--no-manifest'],
	['-o', 'y.mkv'],
] as const) {
	test(`--raw FILE and ${flags[0]} do not go together`, async (t) => {
		const said = await kvs(['export', ...range, '--raw', 'x.mkv', ...flags]);
		assertFailure(t, said, 2, new RegExp(`^KVS_INVALID_OPTION: expected \`${flags[0]}\` to be left out `));
	});
}

test('--raw needs a file', async (t) => {
	assertFailure(
		t,
		await kvs(['export', ...range, '--raw']),
		2,
		/^KVS_INVALID_OPTION: expected `--raw` to be given with the file/,
	);
});
