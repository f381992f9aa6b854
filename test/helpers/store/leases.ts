import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Checkpoint, CheckpointStore } from 'kvs-archive';

/** The key of the checkpoints that tests share. */
export const KEY = 'cam/default';

/** A checkpoint of one fragment. */
export function checkpointAt(fromMs: number): Checkpoint {
	return { version: 1, key: KEY, fromMs, done: { [fromMs]: fromMs } };
}

/** Loads as soon as the lease of another is over. */
export async function takeOver(store: CheckpointStore): Promise<Checkpoint | null> {
	for (;;) {
		try {
			return await store.load(KEY);
		} catch (error) {
			if ((error as { code: string }).code !== 'KVS_CHECKPOINT_IN_USE') throw error;
		}
	}
}

/** Starts a process that takes the place and saves `checkpointAt(7)`; `held` is its first message. */
export function startHolder(
	t: ExecutionContext,
	place: string,
	leaseMs: number,
	env: NodeJS.ProcessEnv = {},
): ChildProcess {
	const script = fileURLToPath(new URL('./checkpoint-holder.js', import.meta.url));
	const holder = fork(script, [place, String(leaseMs)], { env: { ...process.env, ...env } });
	t.teardown(() => holder.kill('SIGKILL'));
	return holder;
}
