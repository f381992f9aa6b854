import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ArchiveQueue, WorkerMetrics } from 'kvs-archive/bullmq';
import { renderMetrics } from '#lib/metrics/exposition.js';
import { readExposition, sampleValue } from '../helpers/exposition.js';
import { testWith } from '../helpers/needs.js';
import { startWork } from '../helpers/program/work-process.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { startRedis } from '../helpers/store/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

testWith('redis-server')('work --metrics: jobs, and the streams that it follows', async (t) => {
	const { endpoint, put } = await startGrowing(t);
	const { url } = await startRedis(t);
	const handlers = join(await temporaryDirectory(t), 'handlers');
	await mkdir(handlers);
	await writeFile(join(handlers, 'none.mjs'), 'export default () => {};\n');
	await writeFile(join(handlers, 'bad.mjs'), "export default () => { throw new Error('bad'); };\n");
	const work = await startWork(t, ['--redis', url, '--handlers', handlers, '--metrics', '0']);
	const [, at = ''] = /metrics on (\S+)\/metrics/.exec(work.stderr()) ?? [];
	await put(1, 2, 3);
	const queue = new ArchiveQueue({ url });
	t.teardown(() => queue.close());
	const stream = { streamName: 'cam', endpoint };
	await queue.follow({
		streams: [stream],
		work: { kind: 'handler', module: 'none.mjs' },
		everyMs: 1000,
		from: 'earliest',
	});
	await queue.follow({
		streams: [stream],
		work: { kind: 'handler', module: 'bad.mjs' },
		everyMs: 1000,
		from: 'earliest',
		consumer: 'bad',
	});
	let text = '';
	const value = (name: string, labels: Readonly<Record<string, string>>): number =>
		sampleValue(readExposition(text), name, labels) ?? 0;
	await until(
		async () => {
			text = await (await fetch(`${at}/metrics`)).text();
			return (
				value('kvs_archive_jobs_total', { kind: 'turn', outcome: 'done' }) > 0 &&
				value('kvs_archive_jobs_total', { kind: 'turn', outcome: 'failed' }) > 0 &&
				value('kvs_archive_fragments_total', { stream: 'cam', outcome: 'delivered' }) >= 3
			);
		},
		() => text,
	);
	t.is(sampleValue(readExposition(text), 'kvs_archive_active_jobs', { kind: 'slice' }), 0);
	t.is((await fetch(`${at}/healthz`)).status, 200);
	work.process.kill('SIGTERM');
	t.is(await work.ended, 0, work.stderr());
	await t.throwsAsync(fetch(at));
});

test('reports turns that waited too long, and counts jobs by outcome', (t) => {
	const metrics = new WorkerMetrics();
	const read = () => readExposition(renderMetrics(metrics.families()));
	const job = { timestamp: 1000, opts: { delay: 500 }, processedOn: 62_500 };
	const end = metrics.begin('turn', job);
	t.is(sampleValue(read(), 'kvs_archive_active_jobs', { kind: 'turn' }), 1);
	t.is(sampleValue(read(), 'kvs_archive_job_wait_seconds', { kind: 'turn' }), 61);
	t.deepEqual(metrics.troubles(60_000), ['the last turn of a stream had waited 61 s, more than 60 s']);
	end('handed-back');
	t.is(sampleValue(read(), 'kvs_archive_active_jobs', { kind: 'turn' }), 0);
	t.is(sampleValue(read(), 'kvs_archive_jobs_total', { kind: 'turn', outcome: 'handed-back' }), 1);
	metrics.begin('turn', { ...job, processedOn: 1400 })('done');
	t.deepEqual(metrics.troubles(60_000), []);
	// A slice is no hurry.
	metrics.begin('slice', job)('failed');
	t.deepEqual(metrics.troubles(60_000), []);
});
