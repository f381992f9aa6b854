/*
 * npm run soak:workers [-- --streams N --seconds N --every MS --fragment MS]: a local archive of 200 streams at real time, a fragment of two
 * seconds each, followed by three `work` processes over a Redis of its own. After a third of the time one is killed, after two thirds one
 * joins. Every PERSISTED fragment must be handled, the lag must be under one interval again within three, the worker that joins must
 * get its share, and memory stay flat: it is measured at the end of each quarter. Says how much of a core each process takes.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ArchiveQueue } from 'kvs-archive/bullmq';
import { scratch } from '../bench/recording.mjs';
import { endOfFragment, mediaCluster, openProducer } from './producer-media.mjs';

const { values } = parseArgs({
	options: {
		streams: { type: 'string', default: '200' },
		seconds: { type: 'string', default: '180' },
		every: { type: 'string', default: '10000' },
		fragment: { type: 'string', default: '2000' },
	},
});
const streams = Array.from({ length: Number(values.streams) }, (_, index) => `cam${index}`);
const everyMs = Number(values.every);
const fragmentMs = Number(values.fragment);
const seconds = Number(values.seconds);
const FRAME_BYTES = 2000;
const QUARTERS = 4;
/** From the second quarter on, by which each worker has met each stream, to the last. */
const MAX_GROWTH = 1.25;
/** What the server keeps of a fragment in memory, its row in the index. */
const INDEX_BYTES = 200;
/** Of an equal share. */
const MIN_SHARE = 0.5;
const say = (line) => process.stdout.write(`${line}\n`);
const check = (isMet) => {
	if (!isMet) process.exitCode = 1;
	return isMet ? 'met' : 'MISSED';
};

const directory = scratch();
const [handlers, notes] = [join(directory, 'handlers'), join(directory, 'notes')];
for (const folder of [handlers, notes]) mkdirSync(folder);
writeFileSync(
	join(handlers, 'note.mjs'),
	`import { appendFileSync } from 'node:fs';
	export default ({ streamName, fragmentNumber, serverTimestamp, options }) => {
		const line = streamName + ' ' + fragmentNumber + ' ' + (Date.now() - serverTimestamp) + ' ' + Date.now() + '\\n';
		appendFileSync(options.notes + '/' + process.pid, line);
	};`,
);
const port = await new Promise((resolve) => {
	const probe = createServer().listen(0, '127.0.0.1', () => {
		const { port: free } = probe.address();
		probe.close(() => resolve(free));
	});
});
const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
	stdio: 'ignore',
	cwd: directory,
});
const server = fork(
	fileURLToPath(new URL('../bench/ingest-server.mjs', import.meta.url)),
	['archive', directory, ...streams],
	{
		execArgv: ['--expose-gc'],
	},
);
const [{ port: serverPort }] = await once(server, 'message');
const endpoint = `http://127.0.0.1:${serverPort}`;
const url = `redis://127.0.0.1:${port}`;
const workers = [];
const startWorker = async () => {
	const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
	const child = spawn(
		process.execPath,
		[
			'--expose-gc',
			'--import',
			REPORT_MEMORY,
			main,
			'work',
			'--redis',
			url,
			'--out',
			directory,
			'--handlers',
			handlers,
		],
		{ stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
	);
	workers.push(child);
	for await (const text of child.stderr) if (String(text).includes('waiting for jobs')) break;
	return child;
};
process.on('exit', () => {
	for (const child of [redis, server, ...workers]) child.kill('SIGKILL');
});
/** What a worker or the server holds after a collection, in bytes: what it would need at least; and what the system has given it. */
const memoryOf = async (child) => {
	child.send('usage');
	const [{ usedBytes, rss }] = await once(child, 'message');
	return { usedBytes, rssBytes: rss };
};
const REPORT_MEMORY = `data:text/javascript,process.on('message', () => {
	gc();
	const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
	process.send({ usedBytes: heapUsed + arrayBuffers, rss });
})`;
/** Processor time of a process, in milliseconds; Linux counts it in hundredths of a second. */
const processorMs = (pid) => {
	const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
	const [user, system] = fields.split(' ').slice(11, 13);
	return (Number(user) + Number(system)) * 10;
};

await Promise.all([startWorker(), startWorker(), startWorker()]);
const queue = new ArchiveQueue({ url });
await queue.follow({
	streams: streams.map((streamName) => ({ streamName, endpoint })),
	work: { kind: 'handler', module: 'note.mjs', options: { notes } },
	everyMs,
	from: 'earliest',
});
const persisted = new Set();
const producers = [];
for (const stream of streams) {
	const onPersisted = ({ FragmentNumber }) => persisted.add(`${stream} ${FragmentNumber}`);
	producers.push(await openProducer({ endpoint: new URL(endpoint), stream, onPersisted }));
}
say(
	`${streams.length} streams, a fragment of ${fragmentMs} ms each, turns every ${everyMs} ms, three workers`,
);

const beganMs = Date.now();
const measured = { producers: process.pid, server: server.pid, redis: redis.pid, worker: workers[1].pid };
const usedBefore = Object.values(measured).map(processorMs);
const events = [];
/** Of each process that lives to the end, a measurement a quarter. */
const memory = { server: [], 'worker 2': [], 'worker 3': [] };
const persistedAt = [];
const measureMemory = async () => {
	persistedAt.push(persisted.size);
	const children = { server, 'worker 2': workers[1], 'worker 3': workers[2] };
	for (const [name, child] of Object.entries(children)) memory[name].push(await memoryOf(child));
};
const rounds = Math.floor((seconds * 1000) / fragmentMs);
for (let round = 0; round < rounds; round++) {
	const dueMs = beganMs + round * fragmentMs;
	for (const [index, producer] of producers.entries()) {
		// Spread over the time of a fragment, as cameras are.
		await sleep(Math.max(0, dueMs + (index * fragmentMs) / producers.length - Date.now()));
		await producer.chunk(Buffer.concat([mediaCluster(Date.now(), FRAME_BYTES), endOfFragment]));
	}
	if (round === Math.floor(rounds / 3)) {
		workers[0].kill('SIGKILL');
		events.push({ what: 'killed', atMs: Date.now() });
	}
	if (round === Math.floor((2 * rounds) / 3)) {
		await startWorker();
		events.push({ what: 'joined', atMs: Date.now() });
	}
	const isQuarter = Math.floor(((round + 1) * QUARTERS) / rounds) > Math.floor((round * QUARTERS) / rounds);
	if (isQuarter) await measureMemory();
}
const lateMs = Date.now() - beganMs - rounds * fragmentMs;
say(
	`put in: ${persisted.size} fragments in ${((Date.now() - beganMs) / 1000).toFixed(0)} s (${(lateMs / 1000).toFixed(1)} s late)`,
);

const lastedMs = Date.now() - beganMs;
const shares = Object.entries(measured).map(([name, pid], index) => {
	return `${name} ${((100 * (processorMs(pid) - usedBefore[index])) / lastedMs).toFixed(0)} %`;
});
say(`of a core: ${shares.join(', ')} (one of three, two and three)`);

const noted = () =>
	readdirSync(notes).flatMap((name) =>
		readFileSync(join(notes, name), 'utf8')
			.split('\n')
			.filter(Boolean)
			.map((line) => {
				const [stream, number, lagMs, atMs] = line.split(' ');
				return { pid: name, key: `${stream} ${number}`, lagMs: Number(lagMs), atMs: Number(atMs) };
			}),
	);
const endMs = Date.now() + 6 * everyMs;
let all = noted();
while (new Set(all.map(({ key }) => key)).size < persisted.size && Date.now() < endMs) {
	await sleep(1000);
	all = noted();
}
const handled = new Set(all.map(({ key }) => key));
const lost = [...persisted].filter((key) => !handled.has(key));
say(
	`handled: ${handled.size} of ${persisted.size}, ${all.length - handled.size} twice  ${check(lost.length === 0)}`,
);
for (const { what, atMs } of events) {
	const after = all.filter((note) => note.atMs > atMs + 3 * everyMs && note.atMs < atMs + 5 * everyMs);
	const worst = Math.max(0, ...after.map(({ lagMs }) => lagMs));
	// A fragment that begins right after a turn waits for the next one, and then for its last frame to be listed.
	const limitMs = everyMs + fragmentMs;
	say(`${what}: three intervals later the lag is ${worst} ms at most  ${check(worst <= limitMs)}`);
}
const [killed, , , joined] = workers.map(({ pid }) => String(pid));
const joinedAtMs = events.find(({ what }) => what === 'joined').atMs;
const since = all.filter(({ pid, atMs }) => pid !== killed && atMs > joinedAtMs + everyMs);
for (const { pid } of workers) {
	const [count, later] = [all, since].map((notes) => notes.filter((note) => note.pid === String(pid)).length);
	say(`worker ${pid}: ${count} fragments, ${later} from an interval after the last one joined on`);
}
const share = (since.filter(({ pid }) => pid === joined).length * (workers.length - 1)) / since.length;
say(`the worker that joined has ${share.toFixed(2)} of an equal share  ${check(share >= MIN_SHARE)}`);
const lagsMs = all.map(({ lagMs }) => lagMs).toSorted((a, b) => a - b);
const lagAt = (share) => ((lagsMs[Math.floor(share * (lagsMs.length - 1))] ?? 0) / 1000).toFixed(1);
say(`lag of all fragments: median ${lagAt(0.5)} s, 99 % ${lagAt(0.99)} s, at most ${lagAt(1)} s`);
const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
for (const [name, quarters] of Object.entries(memory)) {
	const [early, last] = [quarters[1], quarters.at(-1)];
	const indexBytes = name === 'server' ? INDEX_BYTES * (persistedAt.at(-1) - persistedAt[1]) : 0;
	const isFlat =
		last.usedBytes - indexBytes <= early.usedBytes * MAX_GROWTH &&
		last.rssBytes <= early.rssBytes * MAX_GROWTH;
	const figures = quarters.map(({ usedBytes, rssBytes }) => `${mib(usedBytes)}/${mib(rssBytes)}`).join(', ');
	say(`memory of ${name}, held/resident, MiB, each quarter: ${figures}  ${check(isFlat)}`);
}
for (const { socket } of producers) socket.destroy();
await queue.close();
process.exit();
