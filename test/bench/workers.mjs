/*
 * npm run bench:workers: pictures of a recording in slices, by one `work --decoders 1` and by two; the archive, Redis and the workers on
 * the same machine. Three rounds of each in turns, medians; and how many cores they use. The recording is what a camera gives, 1080p of
 * 8 Mbit/s with the noise of a sensor: decoding it is most of the work, and one decoder has one core. Needs ffmpeg and redis-server, and Linux.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArchiveQueue } from 'kvs-archive/bullmq';
import { createArchiveServer } from 'kvs-archive/server';
import { START_SECONDS, scratch } from './recording.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const ROUNDS = 3;
const SECONDS = 120;
const TARGET = 1.5;

const directory = scratch();
const file = join(directory, 'recording.mkv');
const source = `testsrc2=size=1920x1080:rate=25:duration=${SECONDS},noise=alls=12:allf=t`;
const encoder = [
	'-c:v',
	'libx264',
	'-preset',
	'superfast',
	'-b:v',
	'8M',
	'-maxrate',
	'8M',
	'-bufsize',
	'8M',
	'-g',
	'50',
];
execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', source, ...encoder, file]);
const server = createArchiveServer({ dataDirectory: join(directory, 'data') });
await server.archive.ingest('cam', file, { start: new Date(START_SECONDS * 1000) });
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
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
const url = `redis://127.0.0.1:${port}`;
const out = join(directory, 'out');
const workers = [];
process.on('exit', () => {
	for (const child of [redis, ...workers]) child.kill('SIGKILL');
});
const startWorker = async () => {
	const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
	const child = spawn(process.execPath, [main, 'work', '--redis', url, '--out', out, '--decoders', '1'], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	workers.push(child);
	await new Promise((resolve) => {
		child.stderr.on('data', (text) => {
			if (String(text).includes('waiting for jobs')) resolve();
		});
	});
	return child;
};

/** Processor time of a process and of its children that have ended, in milliseconds; Linux counts it in hundredths of a second. */
const processorMs = (pid) => {
	const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
	return fields
		.split(' ')
		.slice(11, 15)
		.reduce((sum, hundredths) => sum + Number(hundredths) * 10, 0);
};

/** How long so many workers, which are running already, take. */
async function measure(count) {
	rmSync(out, { recursive: true, force: true });
	mkdirSync(out);
	const started = await Promise.all(Array.from({ length: count }, startWorker));
	const queue = new ArchiveQueue({ url });
	const submit = async (seconds) => {
		const submission = await queue.submit({
			stream: { streamName: 'cam', endpoint: server.endpoint },
			range: { from: START_SECONDS * 1000, to: (START_SECONDS + seconds) * 1000, by: 'producer' },
			sliceMs: 10_000,
			work: { kind: 'frames', options: { size: { width: 640 } } },
			output: `pictures-${seconds}`,
		});
		return submission.wait();
	};
	// Loads what the first slice of each would wait for.
	await submit(10 * count - 1);
	const measured = [process.pid, redis.pid, ...started.map(({ pid }) => pid)];
	const used = () => measured.reduce((sum, pid) => sum + processorMs(pid), 0);
	const usedBeforeMs = used();
	const beganMs = performance.now();
	const { pictures, isComplete } = await submit(SECONDS);
	const tookSeconds = (performance.now() - beganMs) / 1000;
	const usedMs = used() - usedBeforeMs;
	say(
		`${count}: ${(usedMs / pictures).toFixed(1)} ms of processor a picture, ${(usedMs / 1000 / tookSeconds).toFixed(2)} cores`,
	);
	if (!isComplete) throw new Error('the pictures are incomplete');
	await queue.close();
	for (const child of started) {
		const exited = once(child, 'exit');
		child.kill('SIGKILL');
		await exited;
	}
	return pictures / tookSeconds;
}

const rates = { 1: [], 2: [] };
for (let round = 0; round < ROUNDS; round++) {
	for (const count of [1, 2]) rates[count].push(await measure(count));
}
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const [one, two] = [median(rates[1]), median(rates[2])];
const isMet = two / one >= TARGET;
process.stdout.write(
	`one worker    ${one.toFixed(1)} pictures/s (${rates[1].map((rate) => rate.toFixed(1)).join(', ')})\n`,
);
process.stdout.write(
	`two workers   ${two.toFixed(1)} pictures/s (${rates[2].map((rate) => rate.toFixed(1)).join(', ')})\n`,
);
process.stdout.write(
	`two to one    ${(two / one).toFixed(2)}  target ${TARGET}  ${isMet ? 'met' : 'MISSED'}\n`,
);
process.exit(isMet ? 0 : 1);
