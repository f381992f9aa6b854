import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { readManifest } from 'kvs-archive';
import { ArchiveQueue, ArchiveWorker, type Submission } from 'kvs-archive/bullmq';
import { startArchive } from '../helpers/archive.js';
import { testWith } from '../helpers/needs.js';
import { fragmentNumber, recording } from '../helpers/payload.js';
import { startMs } from '../helpers/range.js';
import { startRedis } from '../helpers/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

const withRedis = testWith('redis-server');

/** Short enough to be waited for, and long enough for a busy machine. */
const LOCK_MS = 5000;

/** Slices of eight seconds. */
const SLICES = 24;

interface Worker {
	readonly process: ChildProcess;
	/** Attempts that are over. */
	readonly attempts: { readonly from: string; readonly error: string | null }[];
}

async function startWorker(t: ExecutionContext, url: string, out: string): Promise<Worker> {
	const script = fileURLToPath(new URL('../helpers/slice-worker.js', import.meta.url));
	const child = fork(script, [url, out, String(LOCK_MS)]);
	t.teardown(() => child.kill('SIGKILL'));
	await within(once(child, 'message'), () => 'a worker does not start');
	const attempts: Worker['attempts'] = [];
	child.on('message', (attempt) => attempts.push(attempt as Worker['attempts'][0]));
	return { process: child, attempts };
}

/** The fragments of all manifests below a folder, and the names of what else is there that no export leaves. */
async function exportedIn(folder: string): Promise<{ numbers: string[]; left: string[] }> {
	const names = (await readdir(folder)).toSorted();
	const numbers: string[] = [];
	for (const name of names.filter((found) => found.endsWith('.mkv'))) {
		const manifest = await readManifest(join(folder, name));
		numbers.push(...(manifest?.fragments ?? []).map((fragment) => fragment.fragmentNumber ?? ''));
	}
	return { numbers, left: names.filter((name) => !/^door-[\dTZ.-]+\.mkv(\.json)?$/.test(name)) };
}

withRedis(
	'every fragment is exported once, over a killed worker, a Redis that was away, and an empty one',
	async (t) => {
		// Refuses more than five calls a second, so that there is work left at each step.
		const { endpoint } = await startArchive(t, { door: recording(4 * SLICES) }, { quotas: 'aws' });
		const redis = await startRedis(t, { keepsData: true });
		const out = await temporaryDirectory(t);
		const workers = await Promise.all([1, 2, 3].map(() => startWorker(t, redis.url, out)));
		await using queue = new ArchiveQueue({ url: redis.url });
		const submission: Submission = await queue.submit({
			stream: { streamName: 'door', endpoint },
			range: { from: startMs, to: startMs + 1e6, by: 'producer' },
			sliceMs: 8000,
			work: { kind: 'export', container: 'mkv' },
			output: 'day',
		});
		t.is(submission.jobs.length, SLICES);
		const waited = submission.wait();
		const state = () => JSON.stringify(workers.map(({ attempts }) => attempts));
		const over = (count: number) =>
			until(() => workers.reduce((sum, { attempts }) => sum + attempts.length, 0) >= count, state);

		await over(3);
		workers[0]?.process.kill('SIGKILL');
		await over(7);
		await redis.stop();
		await redis.start();
		await over(11);
		await redis.stop();
		await redis.start({ isEmpty: true });
		const summary = await within(waited, state);
		t.like(summary, {
			isComplete: true,
			slices: SLICES,
			slicesFailed: 0,
			fragments: 4 * SLICES,
			delivered: 4 * SLICES,
		});
		const { numbers, left } = await exportedIn(join(out, 'day'));
		t.deepEqual(
			numbers,
			Array.from({ length: 4 * SLICES }, (_, index) => fragmentNumber(index + 1)),
		);
		t.deepEqual(left, []);
	},
);

withRedis('a worker that ends hands its job back, and another goes on with it at once', async (t) => {
	const { endpoint, count } = await startArchive(
		t,
		{ door: recording(4) },
		{
			faults: [{ fault: 'no-answer', operation: 'GetMediaForFragmentList', nth: 1 }],
		},
	);
	const redis = await startRedis(t);
	const out = await temporaryDirectory(t);
	const first = new ArchiveWorker({ url: redis.url, out });
	t.teardown(() => first.close());
	await first.start();
	await using queue = new ArchiveQueue({ url: redis.url });
	const submission = await queue.submit({
		stream: { streamName: 'door', endpoint },
		range: { from: startMs, to: startMs + 1e6, by: 'producer' },
		sliceMs: 1e6,
		work: { kind: 'export', container: 'mkv' },
		output: '.',
	});
	// The response never comes.
	await until(
		() => count('GetMediaForFragmentList') === 1,
		() => 'no media is requested',
	);
	await within(first.close(), () => 'it does not end');
	t.is(await redis.client.llen('kvs-archive:work:wait'), 1);
	const second = new ArchiveWorker({ url: redis.url, out });
	t.teardown(() => second.close());
	await second.start();
	t.like(await within(submission.wait(), () => 'it is not done'), { isComplete: true, delivered: 4 });
	t.deepEqual((await exportedIn(out)).left, []);
});
