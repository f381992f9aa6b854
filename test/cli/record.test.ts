import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { commandLine } from '../helpers/command-line.js';
import { startRecorded } from '../helpers/record-run.js';

test('follow -o records, prints each file, and verify checks them', async (t) => {
	const { put, endpoint, directory, untilNow } = await startRecorded(t);
	const numbers = await put(1, 2, 3);
	const until = new Date(await untilNow()).toISOString();
	const options = ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '--until', until];
	const recorded = await commandLine([
		'follow',
		...options,
		'-o',
		directory,
		'--container',
		'mkv',
		'--split',
		'2s',
	]);
	t.is(recorded.code, 0, recorded.stderr);
	t.regex(
		recorded.stdout,
		/^cam-1970-01-01T00-00-01\.000Z\.mkv: 1\.080 s, 2 fragments, 4 frames, \d+ bytes\ncam-1970-01-01T00-00-03\.000Z\.mkv: /,
	);
	const list = join(directory, 'recordings.jsonl');
	for (const path of [directory, list]) {
		const whole = await commandLine(['verify', path]);
		t.is(whole.code, 0, whole.stderr);
		t.regex(whole.stderr, /is what its recordings\.jsonl says: 2 files, 3 fragments, 6 frames, \d+ bytes\n$/);
	}
	const json = await commandLine(['verify', directory, '--json']);
	t.like(JSON.parse(json.stdout), {
		type: 'summary',
		recordings: 2,
		fragments: 3,
		failures: 0,
		intact: true,
	});

	const text = await readFile(list, 'utf8');
	const file = join(directory, 'cam-1970-01-01T00-00-01.000Z.mkv');
	const bytes = await readFile(file);
	const damages: readonly [what: () => Promise<void>, says: RegExp][] = [
		[() => writeFile(file, bytes.subarray(1)), /00-01\.000Z\.mkv: it has \d+ bytes, not \d+\n$/],
		[
			() => writeFile(file, Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])])),
			/00-01\.000Z\.mkv: its bytes have changed\n$/,
		],
		[() => appendFile(list, '{"file":'), /recordings\.jsonl: line 3 is not whole/],
		[() => appendFile(list, '{"file":"../x"}\n'), /recordings\.jsonl: line 3 is not a recording/],
		[
			() => writeFile(list, text.replace(`["${numbers[2]}"]`, `["${numbers[0]}"]`)),
			/00-03\.000Z\.mkv, fragment \d+: it is in cam-1970-01-01T00-00-01\.000Z\.mkv too\n$/,
		],
		[
			() => writeFile(list, text.replace('00-01.000Z.mkv', '00-09.000Z.mkv')),
			/cannot be read: it does not exist/,
		],
	];
	for (const [damage, says] of damages) {
		await damage();
		const { code, stderr } = await commandLine(['verify', directory]);
		t.is(code, 1, stderr);
		t.regex(stderr, /^KVS_EXPORT_DAMAGED: /);
		t.regex(stderr, says);
		await writeFile(list, text);
		await writeFile(file, bytes);
	}
	const none = await commandLine(['verify', join(directory, '..')]);
	t.is(none.code, 1);
	t.regex(none.stderr, /^KVS_MANIFEST_MISSING: cannot check .*: there is no `recordings\.jsonl` in it\n$/);
});

test('what -o does not take is said, and --split without -o', async (t) => {
	const { endpoint, directory } = await startRecorded(t);
	const options = ['follow', '--stream', 'cam', '--endpoint', endpoint];
	for (const [more, says] of [
		[
			['-o', directory, '--container', 'avi'],
			/expected `container` to be one of mkv, webm, mp4, mov, m4a, wav, got `avi`/,
		],
		[['-o', directory, '--split', 'often'], /expected `--split` to be /],
		[['--split', '5m'], /expected `--split` to be given with -o only/],
		[['--container', 'mkv'], /expected `--container` to be given with -o only/],
	] as const) {
		const { code, stderr } = await commandLine([...options, ...more]);
		t.is(code, 2, stderr);
		t.regex(stderr, says);
	}
});
