import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { allTimesIn, recordingsIn, startRecorded } from '../helpers/files/record-run.js';
import { recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { env, main } from '../helpers/program/main-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { type Outcome, run, temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

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
		t.regex(whole.stderr, /matches its recordings\.jsonl: 2 files, 3 fragments, 6 frames, \d+ bytes\n$/);
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
		[
			() => appendFile(list, '{"file":'),
			/recordings\.jsonl: line 3 is incomplete; the next run of the recorder repairs it/,
		],
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
	t.regex(
		none.stderr,
		/^KVS_MANIFEST_MISSING: cannot check .*: there is no `manifest\.jsonl` in it, nor a list of recordings\n$/,
	);
});

test('refuses invalid values of --container and --split, and either without -o', async (t) => {
	const { endpoint, directory } = await startRecorded(t);
	const options = ['follow', '--stream', 'cam', '--endpoint', endpoint];
	for (const [more, says] of [
		[
			['-o', directory, '--container', 'avi'],
			/expected `--container` to be mp4, mkv, webm, mov, m4a or wav, got `avi`/,
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

/** A recorder in a process of its own. */
function startRecorder(args: readonly string[]): { child: ChildProcess; ended: Promise<Outcome> } {
	const child = spawn(process.execPath, [main, 'follow', ...args], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, ...env },
	});
	const said = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		child[name]?.on('data', (text) => {
			said[name] += text;
		});
	}
	const ended = once(child, 'close').then(([code]) => ({ code, ...said }));
	return { child, ended };
}

test('SIGTERM finishes the open file, a kill leaves it to the next run', async (t) => {
	const { put, endpoint, directory, untilNow } = await startRecorded(t);
	const options = ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '-o', directory];
	const journal = join(directory, '.recorder.journal');
	const stop = async (signal: NodeJS.Signals): Promise<Outcome> => {
		const { child, ended } = startRecorder([...options, '--container', 'mkv']);
		const steps = (): number => {
			const lines = existsSync(journal) ? readFileSync(journal, 'latin1').split('\n') : [];
			return lines.length - 2;
		};
		await until(
			() => steps() >= 2,
			() => `${steps()} fragments are done`,
		);
		child.kill(signal);
		return within(ended, () => `it goes on after ${signal}`);
	};
	await put(1, 2);
	const terminated = await stop('SIGTERM');
	t.is(terminated.code, 143, terminated.stderr);
	t.is(terminated.stderr, 'KVS_INTERRUPTED: interrupted by SIGTERM\n');
	t.regex(
		terminated.stdout,
		/^cam-1970-01-01T00-00-01\.000Z\.mkv: 1\.080 s, 2 fragments, 4 frames, \d+ bytes\n$/,
	);
	await put(3, 4);
	t.is((await stop('SIGKILL')).code, null);
	t.is((await allTimesIn(directory)).length, 1);
	await put(5);
	const until_ = new Date(await untilNow()).toISOString();
	const last = await commandLine(['follow', ...options, '--container', 'mkv', '--until', until_]);
	t.is(last.code, 0, last.stderr);
	t.deepEqual(await allTimesIn(directory), [
		[1000, 1040, 2000, 2040],
		[3000, 3040, 4000, 4040, 5000, 5040],
	]);
});

testWith('bash')('a full disk is reported; when there is room, the same command resumes', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(20) });
	const directory = join(await temporaryDirectory(t), 'recordings');
	const args = ['follow', '--stream', 'door', '--endpoint', endpoint, '--from', 'earliest', '-o', directory];
	const all = [...args, '--container', 'mkv', '--until', new Date(startMs + 1_000_000).toISOString()];
	// In units of 1,024 bytes.
	for (const limit of [0, 1, 3, 6, 8]) {
		const command = `ulimit -f ${limit} && exec "$0" "$@"`;
		const { code, stderr } = await run('bash', ['-c', command, process.execPath, main, ...all], { env });
		t.is(code, 1, stderr);
		t.regex(stderr, /^KVS_SINK_FAILED: cannot .*larger than the file system allows \(EFBIG\)\n$/);
	}
	const { code, stderr } = await commandLine(all);
	t.is(code, 0, stderr);
	const [recording_, ...more] = await recordingsIn(directory);
	t.deepEqual(more, []);
	t.like(recording_, { frames: 40, failures: [], notices: [] });
	t.is((await commandLine(['verify', directory])).code, 0);
});
