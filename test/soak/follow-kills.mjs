/*
 * npm run soak:follow [-- --seeds N --first-seed N --seconds S --at-once N --live --faults]: a stream that is fed in real time, and followed
 * with a checkpoint, while the follower and the server are killed (SIGKILL) at random moments. Every fragment that was acknowledged as
 * PERSISTED is to be on the follower's stdout: in order within a run of it, and repeated at most once a kill. With `--faults` the
 * server lists late, has media that is not ready, throttles, fails and cuts connections as well; what is late is out of order then.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scratch } from '../bench/recording.mjs';
import { bodyHeader, mediaCluster } from './producer-media.mjs';

const { values } = parseArgs({
	options: {
		seeds: { type: 'string', default: '10' },
		'first-seed': { type: 'string', default: '1' },
		seconds: { type: 'string', default: '120' },
		'at-once': { type: 'string', default: '5' },
		live: { type: 'boolean', default: false },
		faults: { type: 'boolean', default: false },
	},
});
const seconds = Number(values.seconds);
// Compiled with the tests.
const { randomFrom } = await import(
	new URL('../../build/test/helpers/files/damage.js', import.meta.url).href
);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const directory = scratch();
const say = (line) => process.stdout.write(`${line}\n`);

/** How long the follower may need for what was stored last, in milliseconds. */
const PATIENCE_MS = 120_000;

/** A file of so many seconds: a key frame a second. */
const media = join(directory, 'media.mkv');
writeFileSync(
	media,
	Buffer.concat([
		bodyHeader,
		...Array.from({ length: seconds }, (_, second) =>
			mediaCluster(second * 1000, 3000 + (second % 7) * 1000),
		),
	]),
);

const faultsOf = (seed) => [
	{ fault: 'late-listing', delayMs: 4000, share: 0.2, seed },
	{ fault: 'not-ready', requests: 2, share: 0.2, seed },
	{ fault: 'throttle', operation: 'ListFragments', probability: 0.1, seed },
	{ fault: 'throttle', operation: 'GetMediaForFragmentList', probability: 0.1, seed },
	{ fault: 'throttle', operation: 'GetMedia', probability: 0.3, seed },
	{ fault: 'server-error', operation: 'ListFragments', status: 503, probability: 0.05, seed },
	{ fault: 'cut', atFraction: 'random', probability: 0.2, seed },
	{ fault: 'cut', operation: 'GetMedia', atByte: 30_000 + seed * 1000, probability: 0.7, seed },
	{ fault: 'reset', operation: 'GetMediaForFragmentList', probability: 0.05, seed },
];

const children = new Set();
// A follower outlives its server: it waits for it.
process.on('exit', () => {
	for (const child of children) child.kill('SIGKILL');
});

function run(args, onLine) {
	const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	children.add(child);
	child.once('close', () => children.delete(child));
	let said = '';
	child.stderr.on('data', (data) => {
		said += data;
	});
	createInterface({ input: child.stdout }).on('line', onLine);
	const closed = once(child, 'close').then(([code]) => ({ code, said }));
	return { child, closed };
}

/** Starts a server; resolves with its port when it listens. */
async function startServer(work, port, seed) {
	const args = ['serve', '--port', `${port}`, '--data', join(work, 'data')];
	if (values.faults) args.push('--faults', join(work, 'faults.json'));
	let listens = () => {};
	const listening = new Promise((resolve) => {
		listens = resolve;
	});
	const server = run(args, (line) => listens(Number(/:(\d+)$/.exec(line)?.[1])));
	const failed = server.closed.then(({ said }) => {
		throw new Error(`seed ${seed}: the server ended: ${said}`);
	});
	failed.catch(() => {});
	return { ...server, port: await Promise.race([listening, failed]) };
}

/** Kills and starts again, at random, until `isOver`. */
async function killAtRandom(start, random, [leastMs, mostMs], over) {
	let kills = 0;
	let current = await start();
	while (!over.aborted) {
		await sleep(leastMs + random() * (mostMs - leastMs), undefined, { signal: over }).catch(() => {});
		if (over.aborted) break;
		current.child.kill('SIGKILL');
		await current.closed;
		kills++;
		current = await start();
	}
	return { kills, current };
}

async function soak(seed) {
	const work = join(directory, `seed-${seed}`);
	mkdirSync(work);
	writeFileSync(join(work, 'faults.json'), JSON.stringify(faultsOf(seed)));
	const wrong = [];
	const persisted = new Set();
	/** The fragments of each run of the follower, in order. */
	const runs = [];
	const delivered = new Set();
	const first = await startServer(work, 0, seed);
	const endpoint = `http://127.0.0.1:${first.port}`;
	const common = ['--stream', 'cam', '--endpoint', endpoint, '--json'];
	const created = await fetch(`${endpoint}/createStream`, {
		method: 'POST',
		body: JSON.stringify({ StreamName: 'cam', DataRetentionInHours: 24 }),
	});
	if (!created.ok) throw new Error(await created.text());
	let isFed = () => {};
	const fed = new Promise((resolve) => {
		isFed = resolve;
	});
	const feeding = run(['feed', ...common, '--realtime', media], (line) => {
		const ack = JSON.parse(line);
		if (ack.eventType === 'PERSISTED') persisted.add(ack.fragmentNumber);
		isFed();
	});
	// A producer that does not find its server when it begins gives up.
	await Promise.race([fed, feeding.closed]);
	const over = new AbortController();
	let server = first;
	const startFollower = async () => {
		const numbers = [];
		runs.push(numbers);
		const args = ['follow', ...common, '--from', 'earliest', '--checkpoint', join(work, 'checkpoint.json')];
		if (values.live) args.push('--live');
		const follower = run(args, (line) => {
			let event;
			try {
				event = JSON.parse(line);
			} catch {
				// The kill came in the middle of it.
				return;
			}
			if (event.type === 'fragment-failure') wrong.push(`FAILED: ${line}`);
			if (event.type !== 'fragment-end' || !event.complete) return;
			numbers.push(event.fragmentNumber);
			delivered.add(event.fragmentNumber);
		});
		void follower.closed.then(({ code, said }) => {
			if (code !== null && !over.signal.aborted) wrong.push(`the follower ended with ${code}: ${said}`);
		});
		return follower;
	};
	const restartRandom = randomFrom(seed * 3);
	const killing = [
		killAtRandom(
			async () => {
				if (server.child.exitCode === null && server.child.signalCode === null) return server;
				await sleep(restartRandom() * 3000);
				server = await startServer(work, first.port, seed);
				return server;
			},
			randomFrom(seed * 2),
			[4000, 15_000],
			over.signal,
		),
		killAtRandom(startFollower, randomFrom(seed * 2 + 1), [3000, 12_000], over.signal),
	];
	const { code, said } = await feeding.closed;
	if (code !== 0) wrong.push(`feed ended with ${code}: ${said}`);
	over.abort();
	const [{ kills: serverKills }, { kills, current: follower }] = await Promise.all(killing);
	const endMs = Date.now() + PATIENCE_MS;
	const missing = () => [...persisted].filter((number) => !delivered.has(number));
	while (missing().length > 0 && Date.now() < endMs) await sleep(200);
	for (const number of missing()) wrong.push(`LOST: ${number}`);
	follower.child.kill('SIGINT');
	await follower.closed;
	server.child.kill('SIGTERM');
	await server.closed;
	let repeats = 0;
	const before = new Set();
	for (const [index, numbers] of runs.entries()) {
		const again = numbers.filter((number) => before.has(number));
		repeats += again.length;
		if (again.length > (index === 0 ? 0 : 1)) wrong.push(`run ${index} repeats ${again.join(', ')}`);
		if (new Set(numbers).size < numbers.length) wrong.push(`run ${index} has fragments twice`);
		for (const number of numbers) before.add(number);
		const inOrder = numbers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
		if (!values.faults && inOrder.some((number, at) => number !== numbers[at]))
			wrong.push(`run ${index} is out of order: ${numbers.join(', ')}`);
	}
	say(
		`seed ${seed}: ${persisted.size} fragments PERSISTED, ${delivered.size} delivered, ${repeats} repeated, ${kills} kills of the follower, ${serverKills} of the server, ${wrong.length} wrong`,
	);
	for (const line of wrong) say(`  ${line}`);
	rmSync(work, { recursive: true });
	return wrong.length;
}

const seeds = Array.from(
	{ length: Number(values.seeds) },
	(_, index) => Number(values['first-seed']) + index,
);
let wrong = 0;
const next = async () => {
	for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) wrong += await soak(seed);
};
await Promise.all(Array.from({ length: Number(values['at-once']) }, next));
process.exitCode = wrong === 0 ? 0 : 1;
