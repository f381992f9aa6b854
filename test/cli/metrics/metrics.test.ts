import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { startGate } from '../../follow/gate.js';
import { readExposition, sampleValue } from '../../helpers/exposition.js';
import { commandLine } from '../../helpers/program/command-line.js';
import { env, main } from '../../helpers/program/main-process.js';
import { startGrowing } from '../../helpers/service/growing-stream.js';
import { until, within } from '../../helpers/wait.js';

/** A command in a process of its own, and where it serves its metrics. */
async function start(
	t: ExecutionContext,
	args: readonly string[],
): Promise<{ child: ChildProcess; url: string; health: () => Promise<[number, string]> }> {
	const child = spawn(process.execPath, [main, ...args, '--metrics', '0'], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, ...env },
	});
	t.teardown(() => child.kill('SIGKILL'));
	child.stdout.resume();
	const said = once(createInterface({ input: child.stderr }), 'line') as Promise<[string]>;
	const [line] = await within(said, () => `${args[0]} says nothing`);
	const [, url = ''] = /^metrics on (http:\/\/127\.0\.0\.1:\d+)\/metrics$/.exec(line) ?? [];
	t.not(url, '', line);
	const health = async (): Promise<[number, string]> => {
		const response = await fetch(`${url}/healthz`);
		return [response.status, await response.text()];
	};
	return { child, url, health };
}

const TWO_HOURS_MS = 7_200_000;

test('follow --metrics: health fails while listed fragments do not arrive, and the text counts those that did', async (t) => {
	const now = (): number => Date.now() - TWO_HOURS_MS;
	const { endpoint, put } = await startGrowing(t, [], { now });
	await put(1, 2, 3);
	let open = (): void => {};
	const isOpen = new Promise<void>((resolve) => {
		open = resolve;
	});
	const gate = await startGate(t, endpoint, async (path) => {
		if (path === '/getMediaForFragmentList') await isOpen;
		return null;
	});
	const options = ['--stream', 'cam', '--endpoint', gate, '--from', 'earliest', '--max-lag', '1h'];
	const { child, url, health } = await start(t, ['follow', ...options]);
	let state: [number, string] = [0, ''];
	const isHealth = (status: number) => async (): Promise<boolean> => {
		state = await health();
		return state[0] === status;
	};
	await until(isHealth(503), () => state.join(' '));
	t.regex(state[1], /^stream cam: lag 7[2-9]\d\d\.?\d* s, more than 3600 s\n$/);
	open();
	await until(isHealth(200), () => state.join(' '));
	const read = readExposition(await (await fetch(`${url}/metrics`)).text());
	t.is(sampleValue(read, 'kvs_archive_fragments_total', { stream: 'cam', outcome: 'delivered' }), 3);
	t.is(sampleValue(read, 'kvs_archive_frames_total', { stream: 'cam' }), 6);
	t.is(read.get('kvs_archive_checkpoint_age_seconds')?.samples.length, 0);
	const closed = once(child, 'close');
	child.kill('SIGTERM');
	t.deepEqual(await within(closed, () => 'it goes on'), [143, null]);
	await t.throwsAsync(fetch(url));
});

test('serve --metrics', async (t) => {
	const { child, url, health } = await start(t, ['serve', '--port', '0']);
	t.deepEqual(await health(), [200, 'ok\n']);
	const response = await fetch(`${url}/metrics`);
	t.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
	t.is(readExposition(await response.text()).get('kvs_archive_server_requests_total')?.type, 'counter');
	const closed = once(child, 'close');
	child.kill('SIGTERM');
	t.deepEqual(await within(closed, () => 'it goes on'), [0, null]);
});

test('refuses invalid values of --metrics and --max-lag, and --max-lag alone', async (t) => {
	for (const [args, says] of [
		[['--metrics', '70000'], /expected `--metrics` to be from 0 to 65535, got `70000`/],
		[['--metrics', 'x'], /expected `--metrics` to be a whole number/],
		[
			['--metrics', '0', '--max-lag', 'soon'],
			/expected `--max-lag` to be a length of time such as 60s, got `soon`/,
		],
		[['--max-lag', '5s'], /expected `--max-lag` to be given with --metrics only/],
	] as const) {
		const { code, stderr } = await commandLine(['follow', '--stream', 'cam', ...args]);
		t.is(code, 2, stderr);
		t.regex(stderr, says);
	}
});
