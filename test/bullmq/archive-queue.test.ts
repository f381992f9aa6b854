import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { readManifest } from 'kvs-archive';
import { ArchiveQueue, ArchiveWorker, type ArchiveWorkerOptions, type SliceWork } from 'kvs-archive/bullmq';
import { readSliceJob } from '#lib/bullmq/slice-job.js';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { runWithoutPeers } from '../helpers/package/without-packages.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { startRedis, type TestRedis } from '../helpers/store/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { within } from '../helpers/wait.js';

const withRedis = testWith('redis-server');

/** A local archive of twelve fragments of two seconds, a Redis, and folders of a worker. */
interface Setup extends TestArchive {
	readonly redis: TestRedis;
	readonly out: string;
	readonly handlers: string;
	readonly queue: ArchiveQueue;
	readonly startWorker: (options?: Partial<ArchiveWorkerOptions>) => Promise<ArchiveWorker>;
	/** Submits slices of eight seconds, three of them. */
	readonly submit: (work: SliceWork, output?: string) => ReturnType<ArchiveQueue['submit']>;
}

async function setUp(t: ExecutionContext, options: Parameters<typeof startArchive>[2] = {}): Promise<Setup> {
	const archive = await startArchive(t, { door: recording(12) }, options);
	const redis = await startRedis(t);
	const folder = await temporaryDirectory(t);
	const [out, handlers] = [join(folder, 'out'), join(folder, 'handlers')];
	await mkdir(handlers);
	const queue = new ArchiveQueue({ url: redis.url });
	t.teardown(() => queue.close());
	return {
		...archive,
		redis,
		out,
		handlers,
		queue,
		startWorker: async (more = {}) => {
			const worker = new ArchiveWorker({ url: redis.url, out, handlers, ...more });
			t.teardown(() => worker.close());
			await worker.start();
			return worker;
		},
		submit: (work, output) =>
			queue.submit({
				stream: { streamName: 'door', endpoint: archive.endpoint },
				range: { from: startMs, to: startMs + 60_000, by: 'producer' },
				sliceMs: 8000,
				work,
				output,
			}),
	};
}

const EXPORT: SliceWork = { kind: 'export', container: 'mkv' };

withRedis('an export in slices has every fragment once; what was done is not done twice', async (t) => {
	const { submit, startWorker, out, redis, count } = await setUp(t);
	const progress: number[] = [];
	const submission = await submit(EXPORT, 'day/one');
	await startWorker();
	const summary = await submission.wait({ onProgress: ({ delivered }) => progress.push(delivered) });
	t.like(summary, {
		isComplete: true,
		slices: 3,
		slicesFailed: 0,
		slicesKnown: 0,
		fragments: 12,
		delivered: 12,
	});
	t.is(progress.at(-1), 12);
	t.deepEqual(
		summary.outcomes.map(({ from, to, error }) => [from, to, error]),
		[
			['2026-01-31T00:00:00.000Z', '2026-01-31T00:00:07.999Z', null],
			['2026-01-31T00:00:08.000Z', '2026-01-31T00:00:15.999Z', null],
			['2026-01-31T00:00:16.000Z', '2026-01-31T00:01:00.000Z', null],
		],
	);
	t.deepEqual(
		summary.files,
		['00', '08', '16'].map((second) => `day/one/door-2026-01-31T00-00-${second}.000Z.mkv`),
	);
	const exported: string[] = [];
	for (const file of summary.files) {
		const manifest = await readManifest(join(out, file));
		exported.push(...(manifest?.fragments ?? []).map((fragment) => fragment.fragmentNumber ?? ''));
	}
	t.deepEqual(
		exported,
		Array.from({ length: 12 }, (_, index) => fragmentNumber(index + 1)),
	);

	const calls = count('GetMediaForFragmentList');
	await rm(join(out, summary.files[1] as string));
	const again = await (await submit(EXPORT, 'day/one')).wait();
	t.like(again, { isComplete: true, slices: 3, slicesKnown: 2, fragments: 12, delivered: 12 });
	t.deepEqual(again.files, summary.files);
	t.is(count('GetMediaForFragmentList'), calls + 1);
	for (const key of await redis.client.keys('*')) t.regex(key, /^kvs-archive:(work|work-follow|quota):/);
});

withRedis('a slice that is in the queue is not put there a second time', async (t) => {
	const { submit, startWorker, redis } = await setUp(t);
	const first = await submit(EXPORT, '.');
	const second = await submit(EXPORT, '.');
	t.is(await redis.client.llen('kvs-archive:work:wait'), 3);
	await startWorker({ concurrency: 3 });
	for (const { delivered, slicesKnown } of [await first.wait(), await second.wait()]) {
		t.is(delivered, 12);
		t.is(slicesKnown, 0);
	}
});

withRedis('fragments that fail are named, and so are slices of which every attempt failed', async (t) => {
	const { submit, startWorker, handlers } = await setUp(t, {
		faults: [{ fault: 'exception', code: 4005, fragmentNumber: fragmentNumber(6) }],
	});
	await startWorker();
	const exported = await (await submit(EXPORT, 'out')).wait();
	t.like(exported, { isComplete: false, slices: 3, slicesFailed: 0, fragments: 12 });
	t.deepEqual(
		exported.failures.map((failure) => failure.fragmentNumber),
		[fragmentNumber(6)],
	);

	const text = `export default ({ from }) => {
		if (from.getUTCSeconds() === 8) throw Object.assign(new Error('refused'), { code: 'KVS_DENIED' });
	};`;
	await writeFile(join(handlers, 'fails.mjs'), text);
	const handled = await (await submit({ kind: 'handler', module: 'fails.mjs' })).wait();
	t.like(handled, { isComplete: false, slices: 3, slicesFailed: 1, fragments: 12, delivered: 8, missing: 4 });
	t.deepEqual(
		handled.outcomes.map(({ error }) => error),
		[null, 'refused', null],
	);
});

withRedis(
	'a handler gets its slice, an archive and a folder; what it returns is in the summary',
	async (t) => {
		const { submit, startWorker, handlers, out } = await setUp(t);
		await writeFile(
			join(handlers, 'count.mjs'),
			`import { writeFile } from 'node:fs/promises';
		import { join } from 'node:path';
		export default async ({ from, to, by, padStart, directory, options }, archive, signal) => {
			let frames = 0;
			for await (const _ of archive.frames({ from, to, by }, { padStart, signal })) frames++;
			await writeFile(join(directory, 'frames.txt'), String(frames));
			return { frames, options };
		};`,
		);
		await startWorker();
		const work: SliceWork = { kind: 'handler', module: 'count.mjs', options: { model: 7 } };
		const summary = await (await submit(work, 'counts')).wait();
		const values = summary.outcomes.map(({ result }) => result?.value);
		t.deepEqual(
			values,
			[8, 8, 8].map((frames) => ({ frames, options: { model: 7 } })),
		);
		const folder = 'counts/door-2026-01-31T00-00-08.000Z';
		t.is(summary.files[1], folder);
		t.is(await readFile(join(out, folder, 'frames.txt'), 'utf8'), '8');
		// Done before: the handler is not called where its folder is what it left.
		await rm(join(out, folder, 'frames.txt'));
		t.is((await (await submit(work, 'counts')).wait()).slicesKnown, 2);
		t.deepEqual((await readdir(join(out, folder))).toSorted(), ['frames.txt', 'slice.json']);
		t.is((await readdir(join(out, 'counts'))).length, 3);
	},
);

withRedis('paths out of the folders of the worker are refused, also through links', async (t) => {
	const { submit, startWorker, out, handlers, redis } = await setUp(t);
	for (const output of ['../x', '/x', 'a/../../x', 'a\\..\\x', '', 'a//b', 'C:/x']) {
		await t.throwsAsync(submit(EXPORT, output), { code: 'KVS_INVALID_OPTION' }, output);
	}
	await t.throwsAsync(submit({ kind: 'handler', module: '../x.mjs' }), { code: 'KVS_INVALID_OPTION' });
	// What a file's name ends with must not lead elsewhere, whoever has put the job into Redis.
	const ending = { kind: 'export', container: 'x/../../../outside.mkv' } as never;
	await t.throwsAsync(submit(ending, 'day'), { code: 'KVS_INVALID_OPTION' });
	await mkdir(out);
	await symlink(join(out, '..'), join(out, 'link'));
	await writeFile(join(out, '..', 'outside.mjs'), 'export default () => 1;');
	await symlink(join(out, '..', 'outside.mjs'), join(handlers, 'link.mjs'));
	await writeFile(join(handlers, 'none.mjs'), 'export const value = 1;');
	await startWorker();
	for (const [work, output, refusal] of [
		[EXPORT, 'link/x', /refuses the job: `link\/x` leads out of/],
		[{ kind: 'handler', module: 'link.mjs' }, undefined, /refuses the job: `link.mjs` leads out of/],
		[{ kind: 'handler', module: 'none.mjs' }, undefined, /no function as its default export/],
	] as const) {
		const { outcomes } = await (await submit(work, output)).wait();
		t.regex(outcomes[0]?.error ?? '', refusal);
	}
	const [key = ''] = await redis.client.keys('kvs-archive:work:slice-*');
	const data = JSON.parse((await redis.client.hget(key, 'data')) ?? '');
	t.throws(() => readSliceJob({ ...data, work: ending, output: 'day' }), { code: 'KVS_JOB_REFUSED' });
	t.deepEqual(Object.keys(data), [
		'version',
		'stream',
		'from',
		'to',
		'by',
		'padStart',
		'fragments',
		'work',
		'output',
	]);
});

testWith('redis-server', 'ffmpeg')(
	'pictures in slices are those of the whole range, each once',
	async (t) => {
		const { endpoint, queue, startWorker, out, server } = await setUp(t);
		const start = new Date(startMs);
		await server.archive.ingest('clock', 'examples/media/clock.mkv', { start });
		const range = { from: startMs + 500, to: startMs + 3_600_000, by: 'producer' };
		await startWorker({ decoders: 1 });
		const stream = { streamName: 'clock', endpoint };
		const options = { size: { width: 32 }, select: { everyNth: 5 }, layout: 'files' } as const;
		const submit = () =>
			queue.submit({ stream, range, sliceMs: 4000, work: { kind: 'frames', options }, output: 'clock' });
		const summary = await (await submit()).wait();
		t.true(summary.isComplete);
		const times: string[] = [];
		for (const file of summary.files) {
			const list = await readFile(join(out, file, 'frames.jsonl'), 'utf8');
			for (const line of list.split('\n').filter(Boolean)) times.push(JSON.parse(line).timestamp);
		}
		t.true(summary.slices > 1);
		t.is(times.length, summary.pictures);
		t.is(new Set(times).size, times.length);
		t.deepEqual(times, times.toSorted());
		t.is((await (await submit()).wait()).slicesKnown, summary.slices);
	},
);

testProp(
	'refuses a malformed job, whatever its value',
	[fc.anything().filter((value) => typeof value !== 'boolean' && typeof value !== 'number')],
	(t, value) => {
		t.throws(() => readSliceJob(value), { code: 'KVS_JOB_REFUSED' });
		const stream = { streamName: 'door' };
		const [from, to] = ['2026-01-31T00:00:00.000Z', '2026-01-31T00:00:07.999Z'];
		const fields = { version: 1, stream, from, to, by: 'server', padStart: true, fragments: 4, output: '.' };
		const job = { ...fields, work: EXPORT };
		t.is(readSliceJob(job), job as never);
		for (const name of ['version', 'stream', 'padStart', 'fragments', 'work'])
			t.throws(() => readSliceJob({ ...job, [name]: value }), { code: 'KVS_JOB_REFUSED' }, name);
	},
);

withRedis('a queue that cannot be reached is an error at once, without its password', async (t) => {
	const redis = await startRedis(t, { password: 'right' });
	for (const [url, says] of [
		[
			'redis://user:secret@127.0.0.1:1',
			/^cannot reach the queue in redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/,
		],
		[`redis://:secret@127.0.0.1:${redis.port}`, /WRONGPASS/],
	] as const) {
		const error = await t.throwsAsync(new ArchiveWorker({ url }).start(), {
			code: 'KVS_QUEUE_FAILED',
			message: says,
		});
		t.notRegex(String(error?.message), /secret/);
	}
	t.throws(() => new ArchiveQueue({ url: 'http://user:secret@host' }), { message: /got `http:\/\/…`/ });
	const worker = new ArchiveWorker({ url: redis.url });
	await worker.start();
	await within(worker.close(), () => 'it does not close');
});

test('without its packages one line says what to install', async (t) => {
	const program = `
		import { ArchiveWorker } from './dist/bullmq/index.js';
		const worker = new ArchiveWorker({ url: 'redis://127.0.0.1' });
		await worker.start().catch(({ code, message }) => console.log(code, message));`;
	t.deepEqual(await runWithoutPeers(t, program), {
		code: 0,
		stdout: 'KVS_PEER_MISSING this needs the package `bullmq`, which is not installed: npm install bullmq\n',
		stderr: '',
	});
});
