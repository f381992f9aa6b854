import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { ExecutionContext } from 'ava';
import { KvsArchive, verifyRecordings } from 'kvs-archive';
import {
	ArchiveQueue,
	ArchiveWorker,
	type FollowTurn,
	type JobStream,
	listStreams,
} from 'kvs-archive/bullmq';
import { RedisCheckpoints } from 'kvs-archive/redis';
import { testWith } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { Producer } from '../helpers/service/producer.js';
import { startRedis } from '../helpers/store/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';
import { clusterOf, header } from '../server/put-media/body.js';

const withRedis = testWith('redis-server');

const EVERY_MS = 1000;

/** A local archive of streams that grow, a Redis, and a handler that appends each fragment's number to the file of its stream. */
async function setUp(t: ExecutionContext, names: readonly string[]) {
	const { endpoint, server, count } = await startArchive(t, {});
	await server.archive.ready;
	for (const name of names) await server.archive.createStream({ name });
	const { url, client } = await startRedis(t);
	const folder = await temporaryDirectory(t);
	const [out, handlers] = [join(folder, 'out'), join(folder, 'handlers')];
	await mkdir(handlers);
	await writeFile(
		join(handlers, 'note.mjs'),
		`import { appendFile } from 'node:fs/promises';
		export default async ({ streamName, fragmentNumber, frames, isComplete, options }) => {
			await appendFile(options.folder + '/' + streamName, fragmentNumber + ' ' + frames.length + '\\n');
		};`,
	);
	const queue = new ArchiveQueue({ url });
	t.teardown(() => queue.close());
	const turns: FollowTurn[] = [];
	return {
		client,
		count,
		endpoint,
		out,
		queue,
		server,
		turns,
		streams: names.map((streamName): JobStream => ({ streamName, endpoint })),
		work: { kind: 'handler', module: 'note.mjs', options: { folder } } as const,
		startWorker: async (): Promise<ArchiveWorker> => {
			const worker = new ArchiveWorker({ url, out, handlers, onTurn: (turn) => turns.push(turn) });
			t.teardown(() => worker.close());
			await worker.start();
			return worker;
		},
		put: async (stream: string, ...seconds: number[]): Promise<string[]> => {
			const producer = await Producer.open(endpoint, { stream });
			await producer.put(Buffer.concat([header(), ...seconds.map((second) => clusterOf(second * 1000))]));
			return producer.acks.flatMap(({ EventType, FragmentNumber = '' }) =>
				EventType === 'PERSISTED' ? [FragmentNumber] : [],
			);
		},
		noted: async (stream: string): Promise<string[]> => {
			const text = await readFile(join(folder, stream), 'utf8').catch(() => '');
			return text.split('\n').filter(Boolean);
		},
	};
}

withRedis(
	'streams take turns and each fragment is handled once, while streams are added and removed',
	async (t) => {
		const many = await setUp(t, ['a', 'b', 'c']);
		const { queue, streams, work, put, noted, turns } = many;
		const [a, b, c] = streams as [JobStream, JobStream, JobStream];
		t.deepEqual(await queue.follow({ streams: [a, b], work, everyMs: EVERY_MS }), { added: 2, removed: 0 });
		// The same again changes nothing.
		t.deepEqual(await queue.follow({ streams: [a, b], work, everyMs: EVERY_MS }), { added: 0, removed: 0 });
		const first = await many.startWorker();
		const expected = new Map<string, string[]>([
			['a', []],
			['b', []],
			['c', []],
		]);
		const putTo = async (stream: string, ...seconds: number[]): Promise<void> => {
			expected.get(stream)?.push(...(await put(stream, ...seconds)).map((number) => `${number} 2`));
		};
		const areNoted = (...names: string[]) =>
			until(
				async () => {
					for (const name of names)
						if ((await noted(name)).length < (expected.get(name)?.length ?? 0)) return false;
					return true;
				},
				() => JSON.stringify(turns.slice(-5)),
			);
		await putTo('a', 1, 2);
		await putTo('b', 1);
		await putTo('c', 1);
		await areNoted('a', 'b');
		await many.startWorker();
		t.deepEqual(
			await queue.follow({ streams: [b, c], work, everyMs: EVERY_MS, isAll: true, from: 'earliest' }),
			{
				added: 1,
				removed: 1,
			},
		);
		await first.close({ graceMs: 60_000 });
		await putTo('b', 2, 3);
		await putTo('c', 2);
		await areNoted('b', 'c');
		for (const name of ['a', 'b', 'c']) t.deepEqual(await noted(name), expected.get(name), name);
		t.deepEqual(
			(await queue.followed()).map(({ stream, everyMs }) => `${stream.streamName} ${everyMs}`).toSorted(),
			[`b ${EVERY_MS}`, `c ${EVERY_MS}`],
		);
		t.deepEqual(
			turns.filter(({ error }) => error !== null).map(({ error }) => error),
			[],
		);
		t.is(await queue.unfollow({ streams: [a, b, c] }), 2);
		t.deepEqual(await queue.followed(), []);
		t.deepEqual(
			(await listStreams({ endpoint: many.endpoint })).map(({ streamName }) => streamName),
			['a', 'b', 'c'],
		);
	},
);

withRedis('a handler that fails is called with the same fragment in the next turn', async (t) => {
	const many = await setUp(t, ['a']);
	const { queue, streams, turns, put, noted, work } = many;
	await put('a', 1, 2, 3);
	const failing = { ...work, options: { folder: '/nowhere' } };
	await queue.follow({ streams, work: failing, everyMs: EVERY_MS, from: 'earliest' });
	await many.startWorker();
	await until(
		() => turns.some(({ error }) => /ENOENT/.test(error?.message ?? '')),
		() => JSON.stringify(turns),
	);
	t.deepEqual(await queue.follow({ streams, work, everyMs: EVERY_MS }), { added: 1, removed: 0 });
	await until(
		async () => (await noted('a')).length === 3,
		() => JSON.stringify(turns.slice(-5)),
	);
});

withRedis('a recorder whose turn is not over keeps the next turns waiting, which say so', async (t) => {
	const many = await setUp(t, ['a']);
	const { queue, streams, turns, put, out, client, endpoint } = many;
	await put('a', 1);
	// A turn that does not end, as another worker has it.
	const archive = new KvsArchive({ streamName: 'a', endpoint });
	t.teardown(() => archive.close());
	const ended = new AbortController();
	const checkpoint = new RedisCheckpoints({ client });
	const folder = join(out, 'cams', 'a');
	const earlier = archive.record(folder, {
		from: 'earliest',
		consumer: 'workers',
		container: 'mkv',
		checkpoint,
		signal: ended.signal,
	});
	const key = 'kvs-archive:checkpoint:a/workers';
	await until(
		async () => (await client.hexists(key, 'checkpoint')) === 1,
		() => 'the earlier turn records nothing',
	);
	const work = { kind: 'record', container: 'mkv' } as const;
	await queue.follow({ streams, work, everyMs: EVERY_MS, from: 'earliest', output: 'cams' });
	await many.startWorker();
	const state = (): string => inspect(turns.slice(-5));
	await until(() => turns.length >= 2, state);
	t.true(
		turns.every(({ result }) => result?.isBusy === true),
		state(),
	);
	const reason = new Error('enough');
	ended.abort(reason);
	await t.throwsAsync(earlier, { is: reason });
	await put('a', 2, 3);
	await until(async () => (await verifyRecordings(folder)).fragments === 3, state);
	t.deepEqual((await verifyRecordings(folder)).damage, []);
	t.deepEqual(
		turns.flatMap(({ error }) => error ?? []),
		[],
	);
});

withRedis('with an output each turn leaves finished files', async (t) => {
	const many = await setUp(t, ['a']);
	const { queue, streams, turns, put, out } = many;
	await put('a', 1, 2);
	const work = { kind: 'record', container: 'mkv' } as const;
	await queue.follow({ streams, work, everyMs: EVERY_MS, from: 'earliest', output: 'cams' });
	await many.startWorker();
	const recordings = (count: number) =>
		until(
			() => turns.reduce((sum, { result }) => sum + (result?.recordings ?? 0), 0) === count,
			() => JSON.stringify(turns.slice(-5)),
		);
	await recordings(1);
	await put('a', 3);
	await recordings(2);
	t.like(await verifyRecordings(join(out, 'cams', 'a')), { damage: [], recordings: 2, fragments: 3 });
});

withRedis('a turn reports that its stream has no retention, without a request in every turn', async (t) => {
	const many = await setUp(t, []);
	const { queue, turns, work, endpoint, server, count } = many;
	await server.archive.createStream({ name: 'dark', retentionHours: 0 });
	await server.archive.createStream({ name: 'idle' });
	const streams = ['dark', 'idle'].map((streamName) => ({ streamName, endpoint }));
	await queue.follow({ streams, work, everyMs: EVERY_MS });
	await many.startWorker();
	const state = (): string => inspect(turns.slice(-5));
	const turnsOf = (name: string): FollowTurn[] => turns.filter(({ job }) => job.stream.streamName === name);
	await until(() => turnsOf('dark').length >= 3 && turnsOf('idle').length >= 3, state);
	const [first, ...rest] = turnsOf('dark').map(({ error }) => error);
	t.like(first, { code: 'KVS_NO_RETENTION' });
	t.regex(first?.message ?? '', /^stream `dark` keeps nothing: its data retention is 0 hours/);
	t.deepEqual(
		rest.filter((error) => error !== null),
		[],
	);
	t.deepEqual(
		turnsOf('idle').flatMap(({ error }) => error ?? []),
		[],
	);
	t.is(count('DescribeStream'), 2);
});
