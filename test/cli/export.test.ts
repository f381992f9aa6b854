import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { failureDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { testWith } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { door, range } from '../helpers/program/door.js';
import { env, main } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const kvs = commandLine;
setEnvironment(env);

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
		'skipped',
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
	t.regex(intact.stderr, /^.*x\.mkv matches its manifest: 3 of 3 fragments, 6 frames, \d+ bytes\n$/);

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
		['"frames":2', '"frames":3', 'KVS_MANIFEST_INVALID: .*: it was changed after it was written'],
		['"delivered":3', '"delivered":2', 'KVS_MANIFEST_INVALID: .*: it was changed after it was written'],
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

testWith('bash')('a full disk is reported; when there is room, the same command resumes', async (t) => {
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
	t.regex(resumed.stderr, /^wrote .*x\.mkv: 100 of 100 fragments, 200 frames, .* [1-9]\d* fragments resumed/);
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'x.mkv.json']);
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
