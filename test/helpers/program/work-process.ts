import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { until } from '../wait.js';
import { env, main } from './main-process.js';

/** A `work` in a process of its own. */
export interface WorkProcess {
	readonly process: ChildProcess;
	readonly stdout: () => string;
	readonly stderr: () => string;
	/** Resolves with the exit status; null where a signal ended it. */
	readonly ended: Promise<number | null>;
}

/** Starts a worker process, and waits until it takes jobs. It has these variables, too. Killed when the test is over. */
export async function startWork(
	t: ExecutionContext,
	args: readonly string[],
	environment: Readonly<Record<string, string>> = {},
): Promise<WorkProcess> {
	const child = spawn(process.execPath, [main, 'work', ...args], {
		env: { ...process.env, ...env, ...environment },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const text = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		child[name].on('data', (chunk) => {
			text[name] += chunk;
		});
	}
	const ended = once(child, 'close').then(([code]) => code as number | null);
	await until(
		() => text.stderr.includes('waiting for jobs') || child.exitCode !== null,
		() => `work says: ${text.stderr}`,
	);
	return { process: child, stdout: () => text.stdout, stderr: () => text.stderr, ended };
}
