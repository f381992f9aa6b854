/*
 * npm run soak:ingest-kills [-- --kills N --producers N --seed N]: a server that is killed (SIGKILL) at random moments while
 * producers put media into two streams. After each kill it is started again, and every fragment that was acknowledged as
 * PERSISTED is to be listed and to be read as it was sent; none that is listed may be anything but whole.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scratch } from '../bench/recording.mjs';
import { mediaCluster, openProducer } from './producer-media.mjs';

const { values } = parseArgs({
	options: {
		kills: { type: 'string', default: '100' },
		producers: { type: 'string', default: '4' },
		seed: { type: 'string', default: '1' },
	},
});
// Compiled with the tests.
const { randomFrom } = await import(
	new URL('../../build/test/helpers/files/damage.js', import.meta.url).href
);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const directory = scratch();
const data = join(directory, 'data');
const streams = ['cam-a', 'cam-b'];
const random = randomFrom(Number(values.seed));

const say = (line) => process.stdout.write(`${line}\n`);

/** Epoch milliseconds of the first fragment; each that follows is later than all before it. */
let nextMs = Date.now() - 10 * 3_600_000;
/** What was acknowledged as stored: fragment number to the Cluster that was sent. */
const persisted = new Map();
/** The size of the frame of every Cluster that was sent, by its time: what it was can be made again. */
const sent = new Map();

async function startServer() {
	const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--data', data], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	child.stderr.resume();
	const [line] = await once(createInterface({ input: child.stdout }), 'line');
	return { child, endpoint: new URL(/http:\S+/.exec(line)[0]) };
}

async function call({ endpoint }, operation, body) {
	const response = await fetch(new URL(`/${operation}`, endpoint), {
		method: 'POST',
		body: JSON.stringify(body),
	});
	if (!response.ok) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
	return Buffer.from(await response.arrayBuffer());
}

/** Puts media until the connection breaks. */
async function produce({ endpoint }, stream) {
	const { socket, chunk } = await openProducer({
		endpoint,
		stream,
		onPersisted: ({ FragmentTimecode, FragmentNumber }) =>
			persisted.set(`${stream} ${FragmentNumber}`, FragmentTimecode),
	});
	while (!socket.destroyed) {
		const timeMs = nextMs;
		nextMs += 1000;
		const sizeBytes = 2000 + Math.floor(random() * 200_000);
		const cluster = mediaCluster(timeMs, sizeBytes);
		sent.set(timeMs, sizeBytes);
		// In pieces, so that kills find fragments half sent.
		for (let start = 0; start < cluster.length && !socket.destroyed; start += 32_000) {
			await chunk(cluster.subarray(start, start + 32_000));
		}
	}
}

async function listAll(server, stream) {
	const numbers = [];
	let NextToken;
	do {
		const page = JSON.parse(
			await call(server, 'listFragments', {
				StreamName: stream,
				MaxResults: 1000,
				...(NextToken === undefined
					? {
							FragmentSelector: {
								FragmentSelectorType: 'SERVER_TIMESTAMP',
								TimestampRange: { StartTimestamp: 0, EndTimestamp: 9_000_000_000 },
							},
						}
					: { NextToken }),
			}),
		);
		numbers.push(...page.Fragments);
		NextToken = page.NextToken ?? undefined;
	} while (NextToken !== undefined);
	return numbers;
}

const checked = new Set();
async function check(server) {
	let wrong = 0;
	for (const stream of streams) {
		const listed = await listAll(server, stream);
		const numbers = new Set(listed.map(({ FragmentNumber }) => FragmentNumber));
		for (const key of persisted.keys()) {
			const [name, number] = key.split(' ');
			if (name !== stream || numbers.has(number)) continue;
			wrong++;
			say(`LOST: ${key}`);
		}
		for (const { FragmentNumber, ProducerTimestamp } of listed) {
			const key = `${stream} ${FragmentNumber}`;
			// Each is read once after the kill that it came before, and one in ten again.
			if (checked.has(key) && random() > 0.1) continue;
			checked.add(key);
			const chunk = await call(server, 'getMediaForFragmentList', {
				StreamName: stream,
				Fragments: [FragmentNumber],
			});
			const timeMs = Math.round(ProducerTimestamp * 1000);
			const cluster = sent.has(timeMs) ? mediaCluster(timeMs, sent.get(timeMs)) : null;
			if (cluster === null || !chunk.subarray(-cluster.length).equals(cluster)) {
				wrong++;
				say(`NOT WHOLE: ${key}`);
			}
		}
	}
	return wrong;
}

const kills = Number(values.kills);
let wrong = 0;
try {
	for (let kill = 0; kill <= kills; kill++) {
		const server = await startServer();
		const closed = once(server.child, 'close');
		if (kill === 0)
			for (const StreamName of streams)
				await call(server, 'createStream', { StreamName, DataRetentionInHours: 24 });
		wrong += await check(server);
		if (kill === kills) {
			server.child.kill('SIGTERM');
			await closed;
			break;
		}
		const producers = Array.from({ length: Number(values.producers) }, (_, index) =>
			produce(server, streams[index % streams.length]),
		);
		setTimeout(() => server.child.kill('SIGKILL'), 20 + random() * 700);
		await Promise.all([closed, ...producers]);
	}
	say(
		`${kills} kills, ${sent.size} fragments sent, ${persisted.size} PERSISTED, ${checked.size} listed and read, ${wrong} wrong`,
	);
} finally {
	rmSync(directory, { recursive: true, force: true });
}
process.exitCode = wrong === 0 ? 0 : 1;
