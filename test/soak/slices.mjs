/*
 * npm run soak:slices [-- --seconds N]: a recording is exported in slices, and its pictures are made in slices, each by three workers over a
 * Redis of its own: one worker is killed, Redis is stopped for five seconds and started again, and then started empty. Every
 * frame must be in the output exactly once, as often and in the order in which the archive has it. Needs ffmpeg and redis-server.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KvsArchive, readManifest, verifyDataset, verifyExport } from 'kvs-archive';
import { ArchiveQueue } from 'kvs-archive/bullmq';
import { MkvReader } from 'kvs-archive/mkv';
import { START_SECONDS, scratch, serve } from '../bench/recording.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '240' } } });
const AWAY_MS = 5000;
const SLICE_MS = 5000;
/** Long enough for a busy machine. */
const LOCK_MS = 5000;
// Compiled with the tests.
const { startRedis } = await import(new URL('../../build/test/helpers/store/redis.js', import.meta.url).href);
const workerScript = fileURLToPath(
	new URL('../../build/test/helpers/store/slice-worker.js', import.meta.url),
);
const say = (line) => process.stdout.write(`${line}\n`);

const directory = scratch();
const file = join(directory, 'recording.mkv');
const source = `testsrc2=size=320x240:rate=25:duration=${values.seconds}`;
const encoder = '-pix_fmt yuv420p -c:v libx264 -preset ultrafast -threads 1 -g 50 -bf 2'.split(' ');
execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', source, ...encoder, file]);
const start = new Date(START_SECONDS * 1000).toISOString();
const server = await serve(join(directory, 'data'), '--quotas', 'aws', '--ingest', `cam=${file}@${start}`);
const stream = { streamName: 'cam', endpoint: server.endpoint };
const range = { from: START_SECONDS * 1000, to: (START_SECONDS + 3600) * 1000, by: 'producer' };

/** Times of the frames of an export, in the order of its files. */
async function framesOf(folder) {
	const times = [];
	for (const name of readdirSync(folder).toSorted()) {
		if (!name.endsWith('.mkv')) continue;
		const path = join(folder, name);
		const { damage } = await verifyExport(path, await readManifest(path));
		if (damage.length > 0) throw new Error(`${name}: ${JSON.stringify(damage)}`);
		const [, at] = /-(\d{4}-\d\d-\d\dT[\d-]+\.\d+Z)\.mkv$/.exec(name);
		const beginsMs = Date.parse(at.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:'));
		const reader = new MkvReader();
		reader.end(readFileSync(path));
		for await (const event of reader) {
			if (event.type === 'frame') times.push(beginsMs + Number(event.timecodeNs / 1_000_000n));
		}
	}
	return times;
}

/** Times of the pictures of a dataset in each folder. */
async function picturesOf(folder) {
	const times = [];
	for (const name of readdirSync(folder).toSorted()) {
		const { damage } = await verifyDataset(join(folder, name));
		if (damage.length > 0) throw new Error(`${name}: ${JSON.stringify(damage)}`);
		const lines = readFileSync(join(folder, name, 'frames.jsonl'), 'utf8')
			.trimEnd()
			.split('\n');
		times.push(...lines.map((line) => Date.parse(JSON.parse(line).timestamp)));
	}
	return times;
}

/** Does the slices in trouble. Returns whether their output has every frame once. */
async function soak(name, work, timesOf, expected) {
	const teardowns = [];
	const redis = await startRedis({ teardown: (end) => teardowns.push(end) }, { keepsData: true });
	const out = join(directory, name);
	let over = 0;
	let failed = 0;
	const workers = await Promise.all(
		[1, 2, 3].map(async () => {
			const worker = fork(workerScript, [redis.url, out, String(LOCK_MS)]);
			teardowns.push(() => worker.kill('SIGKILL'));
			await once(worker, 'message');
			worker.on('message', ({ error }) => {
				over++;
				if (error !== null) failed++;
			});
			return worker;
		}),
	);
	const queue = new ArchiveQueue({ url: redis.url });
	const beganMs = Date.now();
	const submission = await queue.submit({ stream, range, sliceMs: SLICE_MS, work, output: 'day' });
	const waited = submission.wait();
	const reached = async (count) => {
		while (over < count) await sleep(20);
	};
	await reached(4);
	workers[0].kill('SIGKILL');
	await reached(10);
	await redis.stop();
	await sleep(AWAY_MS);
	await redis.start();
	await reached(18);
	await redis.stop();
	await redis.start({ isEmpty: true });
	const summary = await waited;
	const found = await timesOf(join(out, 'day'));
	await queue.close();
	for (const end of teardowns.toReversed()) await end();
	const isRight =
		summary.isComplete &&
		found.length === expected.length &&
		found.every((timeMs, index) => Math.abs(timeMs - expected[index]) <= 1);
	say(
		`${name}: ${summary.slices} slices in ${((Date.now() - beganMs) / 1000).toFixed(0)} s, ${over} attempts seen, ${failed} of them failed; ${found.length} of ${expected.length} frames, each once: ${isRight ? 'yes' : 'NO'}`,
	);
	return isRight;
}

const archive = new KvsArchive(stream);
const expected = [];
for await (const { timestampMs } of archive.frames(range)) expected.push(timestampMs);
const shown = expected.toSorted((a, b) => a - b);
await archive.close();
const results = [
	await soak('export', { kind: 'export', container: 'mkv' }, framesOf, expected),
	await soak(
		'frames',
		{ kind: 'frames', options: { size: { width: 64 }, layout: 'files' } },
		picturesOf,
		shown,
	),
];
await server.stop();
process.exit(results.every(Boolean) ? 0 : 1);
