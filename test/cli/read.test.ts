import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { door, range } from '../helpers/program/door.js';
import { env, kvsProcess, main } from '../helpers/program/main-process.js';
import { assertFailure, objects } from '../helpers/program/outcome.js';
import { startArchive } from '../helpers/service/archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const kvs = commandLine;
setEnvironment(env);

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

test('list stops after --max-items with a token that another process continues from', async (t) => {
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
	t.regex(lines[3] ?? '', /^total {4}2 spans, 1 gap, .* 8 fragments, .* 16\.000 s stored, 54\.000 s in gaps/);
});

test('an empty range is reported, and is a failure only of an export', async (t) => {
	const { endpoint } = await door(t);
	const at = ['--stream', 'door', '--from', '2020-01-01', '--to', '2020-01-02', '--endpoint', endpoint];
	const elsewhere =
		'check the range and its clock (option `--by`), or see what is stored: kvs-archive timeline';
	for (const [command, advice] of [
		['list', elsewhere],
		['events', elsewhere],
		['timeline', 'check --from, --to and --by'],
	] as const) {
		const stderr = `no fragments in the range; ${advice}\n`;
		t.deepEqual(await kvs([command, ...at]), { code: 0, stdout: '', stderr });
	}
	const directory = await temporaryDirectory(t);
	assertFailure(
		t,
		await kvs(['export', ...at, '-o', join(directory, 'x.mkv')]),
		1,
		/^KVS_EMPTY_RANGE: .*x\.mkv`: there are no frames in the range; check the range and its clock \(option `--by`\), or /,
	);
	t.deepEqual(await readdir(directory), []);
});

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
