import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { commandLine } from '../helpers/program/command-line.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { temporaryDirectory } from '../helpers/tools.js';

async function startFollowed(t: ExecutionContext) {
	const { endpoint, put, stream } = await startGrowing(t);
	return {
		endpoint,
		put: async (...seconds: number[]): Promise<number[]> => {
			const numbers = await put(...seconds);
			return numbers.map((number) => stream.fragments.get(number)?.serverMs ?? Number.NaN);
		},
		options: ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest'],
	};
}

test('follow prints what comes until a time, as JSON and for a person', async (t) => {
	const { put, options } = await startFollowed(t);
	const times = await put(1, 2);
	// Its server time is later.
	while ((await put(3)).every((ms) => ms <= Math.max(...times)));
	const until = ['--until', new Date(Math.max(...times)).toISOString()];
	for (const how of [[], ['--live']]) {
		const json = await commandLine(['follow', ...options, ...until, ...how, '--json']);
		t.is(json.code, 0, json.stderr);
		const lines = json.stdout.trimEnd().split('\n');
		t.deepEqual(
			lines.map((line) => JSON.parse(line).type).filter((type) => type !== 'gap'),
			['fragment', 'frame', 'frame', 'fragment-end', 'fragment', 'frame', 'frame', 'fragment-end'],
		);
	}
	const shown = await commandLine(['follow', ...options, ...until]);
	t.regex(shown.stdout, /^fragment 0 {2}\d+ .*\n {2}frame {2}track 1/);
});

test('follow reports what it waits for when it has caught up', async (t) => {
	const { put, options } = await startFollowed(t);
	await put(1);
	const until = '2099-01-31T00:00:00.000Z';
	const child = spawn(
		process.execPath,
		[resolve('dist/cli/main.js'), 'follow', ...options, '--until', until],
		{
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
		},
	);
	const closed = once(child, 'close');
	const printed = text(child.stdout);
	const [line] = await once(createInterface({ input: child.stderr }), 'line');
	t.is(line, `ends when a fragment after ${until} is listed, or 30 s after that time`);
	child.kill('SIGINT');
	t.deepEqual(await closed, [130, null]);
	t.regex(await printed, /\ncaught up; the newest fragment began \d+ ms ago\n$/);
});

test('a killed follower resumes where it was, and repeats at most one fragment', async (t) => {
	const { put, options } = await startFollowed(t);
	const checkpoint = ['--checkpoint', join(await temporaryDirectory(t), 'checkpoint.json')];
	const main = resolve('dist/cli/main.js');
	await put(1, 2, 3, 4, 5, 6);
	const ends: number[][] = [];
	for (const killAfter of [2, 3, 100]) {
		const child = spawn(process.execPath, [main, 'follow', ...options, ...checkpoint, '--json'], {
			stdio: ['ignore', 'pipe', 'inherit'],
			env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
		});
		const closed = once(child, 'close');
		const seen: number[] = [];
		for await (const line of createInterface({ input: child.stdout })) {
			const event = JSON.parse(line);
			if (event.type === 'fragment-end') seen.push(Number(event.index));
			if (event.type === 'fragment') seen.push(Date.parse(event.producerTimestamp) / 1000);
			const whole = seen.length / 2;
			if (whole >= killAfter || event.type === 'caught-up') child.kill('SIGKILL');
		}
		await closed;
		ends.push(seen.filter((_, index) => index % 2 === 0));
	}
	const all = ends.flat();
	t.deepEqual(
		[...new Set(all)].toSorted((a, b) => a - b),
		[1, 2, 3, 4, 5, 6],
	);
	// What was printed and not yet noted when the kill came is printed again: at most one fragment a kill, and those on their way.
	for (const [index, next] of ends.slice(1).entries()) {
		const last = ends[index]?.at(-1) ?? 0;
		t.true((next[0] ?? 7) >= last, `${index}: ${ends.join(' | ')}`);
	}
});
