/*
 * npm run soak:record [-- --kills N --seed N --live --checkpoint --faults]: a recorder and the server that it records from are killed (SIGKILL) at
 * random moments, while producers put media into the stream. In the end every fragment that is stored is in exactly one file,
 * and every file holds the frames of its fragments, byte for byte; what was acknowledged as PERSISTED is stored. With
 * `--faults` the server lists late, is not ready, throttles and cuts as well.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MkvReader } from '../../dist/index.js';
import { block, cluster } from '../../dist/mkv/matroska-writer.js';
import { scratch } from '../bench/recording.mjs';
import { endOfFragment, openProducer } from './producer-media.mjs';

const { values } = parseArgs({
	options: {
		kills: { type: 'string', default: '40' },
		seed: { type: 'string', default: '1' },
		live: { type: 'boolean', default: false },
		checkpoint: { type: 'boolean', default: false },
		faults: { type: 'boolean', default: false },
	},
});
// Compiled with the tests.
const { randomFrom } = await import(
	new URL('../../build/test/helpers/files/damage.js', import.meta.url).href
);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const scratchDirectory = scratch();
const data = join(scratchDirectory, 'data');
const recordings = join(scratchDirectory, 'recordings');
mkdirSync(recordings);
const faults = join(scratchDirectory, 'faults.json');
writeFileSync(
	faults,
	JSON.stringify([
		{ fault: 'late-listing', delayMs: 3000, share: 0.2 },
		{ fault: 'not-ready', share: 0.2 },
		{ fault: 'throttle', operation: 'ListFragments', every: 5 },
		{ fault: 'cut', operation: 'GetMediaForFragmentList', atFraction: 'random', every: 3 },
	]),
);
const random = randomFrom(Number(values.seed));
const say = (line) => process.stdout.write(`${line}\n`);

const FRAMES = 3;
const FRAME_MS = 200;
/** Of the first fragment. Producers go on from where all of them are. */
let nextMs = Date.now() - 10 * 3_600_000;
/** Sizes of the frames of every fragment that was sent, by its time. */
const sent = new Map();
/** Numbers of fragments that were acknowledged as stored. */
const persisted = new Set();
let isOver = false;

const frameData = (timeMs, index, sizeBytes) => {
	const bytes = Buffer.alloc(sizeBytes, timeMs % 251);
	bytes.write(`${timeMs}/${index} `);
	return bytes;
};

const framesOf = (timeMs) => sent.get(timeMs).map((sizeBytes, index) => frameData(timeMs, index, sizeBytes));

const clusterOf = (timeMs) =>
	Buffer.concat(
		cluster(
			BigInt(timeMs),
			framesOf(timeMs).flatMap((bytes, index) =>
				block({ trackNumber: 1, relativeTicks: index * FRAME_MS, keyframe: index === 0, data: bytes }),
			),
		),
	);

let port = '0';
async function startServer() {
	const args = ['serve', '--port', port, '--data', data];
	if (values.faults) args.push('--faults', faults);
	const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	child.stderr.resume();
	const [line] = await once(createInterface({ input: child.stdout }), 'line');
	const endpoint = new URL(/http:\S+/.exec(line)[0]);
	({ port } = endpoint);
	return { child, endpoint, closed: once(child, 'close') };
}

async function call({ endpoint }, operation, body) {
	const response = await fetch(new URL(`/${operation}`, endpoint), {
		method: 'POST',
		body: JSON.stringify(body),
	});
	if (!response.ok) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
	return response.json();
}

/** Puts fragments, some of them once more, until the connection breaks or all is over. */
async function produce({ endpoint }, { isLast = false } = {}) {
	const { socket, broken, write, chunk } = await openProducer({
		endpoint,
		stream: 'cam',
		onPersisted: ({ FragmentNumber }) => persisted.add(FragmentNumber),
	});
	let previousMs = null;
	while (!socket.destroyed && (isLast || !isOver)) {
		// As a producer does that does not know what of it was stored.
		const isAgain = previousMs !== null && random() < 0.05;
		const timeMs = isAgain ? previousMs : nextMs;
		if (!isAgain) {
			// Some seconds are missing now and then.
			nextMs += FRAMES * FRAME_MS + (random() < 0.05 ? 5000 : 0);
			sent.set(
				timeMs,
				Array.from({ length: FRAMES }, () => 100 + Math.floor(random() * 5000)),
			);
		}
		previousMs = timeMs;
		await chunk(clusterOf(timeMs));
		await chunk(endOfFragment);
		if (isLast) break;
		await sleep(20 + random() * 100);
	}
	await write('0\r\n\r\n');
	await Promise.race([broken, sleep(2000)]);
	socket.destroy();
}

async function stored(server) {
	const fragments = [];
	let NextToken;
	do {
		const range = { StartTimestamp: 0, EndTimestamp: 9_000_000_000 };
		const first = {
			FragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: range },
		};
		const page = await call(server, 'listFragments', {
			StreamName: 'cam',
			MaxResults: 1000,
			...(NextToken === undefined ? first : { NextToken }),
		});
		fragments.push(...page.Fragments);
		NextToken = page.NextToken ?? undefined;
	} while (NextToken !== undefined);
	return fragments;
}

let runs = 0;
function startRecorder({ endpoint }, ...more) {
	const args = ['follow', '--stream', 'cam', '--endpoint', endpoint.href, '--from', 'earliest'];
	args.push('-o', recordings, '--split', '3s', '--container', 'mkv', ...more);
	if (values.live) args.push('--live');
	if (values.checkpoint) args.push('--checkpoint', join(scratchDirectory, 'checkpoint.json'));
	runs++;
	const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '';
	child.stderr.on('data', (text) => {
		said += text;
	});
	return { child, closed: once(child, 'close').then(([code]) => ({ code, said })) };
}

let wrong = 0;
const complain = (line) => {
	wrong++;
	say(`WRONG: ${line}`);
};

async function check(fragments, acknowledged) {
	const timeOf = new Map(
		fragments.map(({ FragmentNumber, ProducerTimestamp }) => [
			FragmentNumber,
			Math.round(ProducerTimestamp * 1000),
		]),
	);
	for (const number of acknowledged)
		if (!timeOf.has(number)) complain(`${number} was PERSISTED and is not stored`);
	const lines = readFileSync(join(recordings, 'recordings.jsonl'), 'utf8').trimEnd().split('\n');
	const listed = lines.map((line) => JSON.parse(line));
	const fileOf = new Map();
	for (const { file, start, fragments: numbers, failures, notices, frames } of listed) {
		if (failures.length + notices.length > 0) complain(`${file}: ${JSON.stringify([failures, notices])}`);
		const expected = [];
		for (const number of numbers) {
			if (fileOf.has(number)) complain(`${number} is in ${fileOf.get(number)} and in ${file}`);
			fileOf.set(number, file);
			const timeMs = timeOf.get(number);
			if (timeMs === undefined) complain(`${file}: ${number} is not stored`);
			else
				expected.push(...framesOf(timeMs).map((bytes, index) => ({ ms: timeMs + index * FRAME_MS, bytes })));
		}
		const found = [];
		await pipeline(createReadStream(join(recordings, file)), new MkvReader(), async (events) => {
			for await (const event of events) {
				if (event.type === 'frame')
					found.push({ ms: Date.parse(start) + Number(event.timecodeNs) / 1e6, bytes: event.data });
			}
		});
		const isSame =
			found.length === expected.length &&
			found.length === frames &&
			found.every(({ ms, bytes }, index) => ms === expected[index].ms && expected[index].bytes.equals(bytes));
		if (!isSame)
			complain(`${file} has not the frames of its fragments: ${found.length} of ${expected.length}`);
	}
	for (const number of timeOf.keys())
		if (!fileOf.has(number)) complain(`${number} is stored, and in no file`);
	const names = readdirSync(recordings).filter(
		(name) => !name.startsWith('.') && name !== 'recordings.jsonl',
	);
	for (const name of names) if (!listed.some(({ file }) => file === name)) complain(`${name} is not listed`);
	return listed.length;
}

const kills = { recorder: 0, server: 0 };
try {
	let server = await startServer();
	await call(server, 'createStream', { StreamName: 'cam', DataRetentionInHours: 24 });
	let producer = produce(server);
	let recorder = startRecorder(server);
	while (kills.recorder + kills.server < Number(values.kills)) {
		await sleep(100 + random() * 3000);
		if (random() < 0.7) {
			kills.recorder++;
			recorder.child.kill('SIGKILL');
			const { said } = await recorder.closed;
			if (said !== '') complain(`the recorder said: ${said}`);
			recorder = startRecorder(server);
		} else {
			kills.server++;
			server.child.kill('SIGKILL');
			await Promise.all([server.closed, producer]);
			server = await startServer();
			producer = produce(server);
		}
	}
	isOver = true;
	await producer;
	recorder.child.kill('SIGTERM');
	const terminated = await recorder.closed;
	// Before it listens for signals it is as good as killed.
	if (terminated.code !== 143 && terminated.code !== null)
		complain(`SIGTERM: ${terminated.code} ${terminated.said}`);
	const fragments = await stored(server);
	const lastMs = Math.max(...fragments.map(({ ServerTimestamp }) => Math.round(ServerTimestamp * 1000)));
	const acknowledged = new Set(persisted);
	await sleep(10);
	// By which `--until` ends at once.
	await produce(server, { isLast: true });
	const until = new Date(lastMs).toISOString();
	const last = await startRecorder(server, '--until', until).closed;
	if (last.code !== 0) complain(`the last recorder: ${last.code} ${last.said}`);
	const files = await check(fragments, acknowledged);
	const verify = spawn(process.execPath, [main, 'verify', recordings], { stdio: 'inherit' });
	const [code] = await once(verify, 'close');
	if (code !== 0) complain(`verify: ${code}`);
	server.child.kill('SIGTERM');
	await server.closed;
	say(
		`seed ${values.seed}: ${kills.recorder} kills of the recorder, ${kills.server} of the server, ${runs} runs, ${fragments.length} fragments stored, ${acknowledged.size} PERSISTED, ${files} files, ${wrong} wrong`,
	);
} finally {
	if (wrong === 0) rmSync(scratchDirectory, { recursive: true, force: true });
	else say(`left in ${scratchDirectory}`);
}
process.exitCode = wrong === 0 ? 0 : 1;
