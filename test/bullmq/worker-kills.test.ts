import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { KvsArchive, readManifest, verifyDataset } from 'kvs-archive';
import { ArchiveQueue, ArchiveWorker, type SliceWork, type SubmissionSummary } from 'kvs-archive/bullmq';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { startWork } from '../helpers/program/work-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { startRedis } from '../helpers/store/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

const withRedis = testWith('redis-server');

/** Short enough to be waited for, and long enough for a busy machine. */
const LOCK_MS = 5000;

/** Slices of eight seconds. */
const SLICES = 16;

interface Worker {
	readonly process: ChildProcess;
	/** Attempts that are over. */
	readonly attempts: { readonly from: string; readonly error: string | null }[];
}

async function startWorker(t: ExecutionContext, url: string, out: string): Promise<Worker> {
	const script = fileURLToPath(new URL('../helpers/store/slice-worker.js', import.meta.url));
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

/**
 * Has the slices of a stream done by three worker processes, of which one is killed after as many attempts as `steps` says first; then
 * Redis is stopped and started with its data, and last without. Resolves with the summary, and the folder of the output.
 */
async function doneInTrouble(
	t: ExecutionContext,
	{
		endpoint,
		work,
		sliceMs,
		steps,
	}: { endpoint: string; work: SliceWork; sliceMs: number; steps: readonly [number, number, number] },
): Promise<{ summary: SubmissionSummary; folder: string }> {
	const redis = await startRedis(t, { keepsData: true });
	const out = await temporaryDirectory(t);
	const workers = await Promise.all([1, 2, 3].map(() => startWorker(t, redis.url, out)));
	await using queue = new ArchiveQueue({ url: redis.url });
	const submission = await queue.submit({
		stream: { streamName: 'door', endpoint },
		range: { from: startMs, to: startMs + 1e6, by: 'producer' },
		sliceMs,
		work,
		output: 'day',
	});
	const waited = submission.wait();
	const state = () => JSON.stringify(workers.map(({ attempts }) => attempts));
	const over = (count: number) =>
		until(() => workers.reduce((sum, { attempts }) => sum + attempts.length, 0) >= count, state);

	await over(steps[0]);
	workers[0]?.process.kill('SIGKILL');
	await over(steps[1]);
	await redis.stop();
	await redis.start();
	await over(steps[2]);
	await redis.stop();
	await redis.start({ isEmpty: true });
	return { summary: await within(waited, state), folder: join(out, 'day') };
}

withRedis(
	'every fragment is exported once, despite a killed worker, an unreachable Redis and an emptied one',
	async (t) => {
		// Refuses more than five calls a second, so that there is work left at each step.
		const { endpoint } = await startArchive(t, { door: recording(4 * SLICES) }, { quotas: 'aws' });
		const work = { kind: 'export', container: 'mkv' } as const;
		const { summary, folder } = await doneInTrouble(t, { endpoint, work, sliceMs: 8000, steps: [3, 7, 11] });
		t.like(summary, {
			isComplete: true,
			slices: SLICES,
			slicesFailed: 0,
			fragments: 4 * SLICES,
			delivered: 4 * SLICES,
		});
		const { numbers, left } = await exportedIn(folder);
		t.deepEqual(
			numbers,
			Array.from({ length: 4 * SLICES }, (_, index) => fragmentNumber(index + 1)),
		);
		t.deepEqual(left, []);
	},
);

testWith('redis-server', 'ffmpeg')(
	'every picture is written once, despite a killed worker, an unreachable Redis and an emptied one',
	async (t) => {
		const { endpoint } = await startArchive(t, { door: 'examples/media/clock.mkv' }, { quotas: 'aws' });
		const work = { kind: 'frames', options: { size: { width: 32 }, layout: 'files' } } as const;
		const { summary, folder } = await doneInTrouble(t, { endpoint, work, sliceMs: 2000, steps: [1, 2, 4] });
		t.like(summary, { isComplete: true, slices: 8, slicesFailed: 0, pictureFailures: 0 });
		const times: string[] = [];
		const folders = (await readdir(folder)).toSorted();
		for (const name of folders) {
			t.like(await verifyDataset(join(folder, name)), { damage: [] });
			const list = await readFile(join(folder, name, 'frames.jsonl'), 'utf8');
			times.push(
				...list
					.trimEnd()
					.split('\n')
					.map((line): string => JSON.parse(line).timestamp),
			);
		}
		t.is(folders.length, 8);
		t.is(times.length, summary.pictures);
		await using archive = new KvsArchive({ streamName: 'door', endpoint });
		const expected: string[] = [];
		const range = { from: startMs, to: startMs + 1e6, by: 'producer' } as const;
		for await (const { timestamp } of archive.pictures(range, { size: { width: 32 } }))
			expected.push(timestamp?.toISOString() ?? '');
		t.deepEqual(
			times.map((time) => new Date(time).toISOString()),
			expected,
		);
	},
);

withRedis('a worker that ends hands its job back, and another resumes it at once', async (t) => {
	const { endpoint, count } = await startArchive(
		t,
		{ door: recording(4) },
		{
			faults: [{ fault: 'no-response', operation: 'GetMediaForFragmentList', nth: 1 }],
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

withRedis(
	'SIGTERM ends a worker whose module does not heed it, and another takes its job over',
	async (t) => {
		const { endpoint } = await startArchive(t, { door: recording(1) });
		const redis = await startRedis(t);
		const handlers = await temporaryDirectory(t);
		await writeFile(
			join(handlers, 'deaf.mjs'),
			`import { existsSync, writeFileSync } from 'node:fs';
		const note = new URL('begun', import.meta.url);
		export default () => {
			if (existsSync(note)) return 'done';
			writeFileSync(note, '');
			return new Promise((resolve) => setTimeout(resolve, 1e9));
		};`,
		);
		const args = [
			'--redis',
			redis.url,
			'--out',
			await temporaryDirectory(t),
			'--handlers',
			handlers,
			'--grace',
			'1s',
		];
		const first = await startWork(t, args);
		await using queue = new ArchiveQueue({ url: redis.url });
		const submission = await queue.submit({
			stream: { streamName: 'door', endpoint },
			range: { from: startMs, to: startMs + 1e6, by: 'producer' },
			sliceMs: 1e6,
			work: { kind: 'handler', module: 'deaf.mjs' },
		});
		await until(
			() => existsSync(join(handlers, 'begun')),
			() => first.stderr(),
		);
		first.process.kill('SIGTERM');
		t.is(await within(first.ended, () => first.stderr()), 0);
		t.regex(first.stderr(), /^queue: 1 job did not stop: other workers take over after 15 s$/m);
		t.notRegex(first.stderr(), /closed/);
		const second = await startWork(t, args);
		const { outcomes } = await within(submission.wait(), () => second.stderr());
		t.is(outcomes[0]?.result?.value, 'done');
	},
);
