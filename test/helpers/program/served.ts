import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { env, main } from './main-process.js';

/** A `serve` in a process of its own. */
export interface Served {
	readonly child: ChildProcess;
	readonly endpoint: string;
	/** What it has written to stderr so far. */
	readonly stderr: () => string;
}

/** Starts it on a free port, and waits until it listens. It is killed with the test. */
export async function startServe(
	t: ExecutionContext,
	args: readonly string[],
	extra: NodeJS.ProcessEnv = {},
): Promise<Served> {
	const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...args], {
		env: { ...process.env, ...env, ...extra },
	});
	t.teardown(() => child.kill('SIGKILL'));
	let stderr = '';
	child.stderr.setEncoding('utf8').on('data', (text) => {
		stderr += text;
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const first = String((await lines.next()).value);
	t.regex(first, /^listening on http:\/\/127\.0\.0\.1:\d+$/);
	return { child, endpoint: first.slice('listening on '.length), stderr: () => stderr };
}

/** Ends it by a signal. Resolves with its exit status, once all that it wrote has come. */
export async function stopServe({ child }: Served, signal: NodeJS.Signals): Promise<number> {
	child.kill(signal);
	const [code] = await once(child, 'close');
	return code;
}
