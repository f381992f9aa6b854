// Longer than 300 lines: five measurements of one server, which is started for each of them.

/*
 * npm run bench:ingest [-- --seconds N --producers N --megabytes N --fragments N]: what the living archive costs.
 *
 * 1. Many fragments in one stream: appending, listing a page, starting again, memory.
 * 2. Producers at 1 MB/s each while one reader exports and another reads with GetMedia: how long after a fragment's last byte
 *    PERSISTED comes, beside what an fsync of as many bytes takes on this disk, and memory at half time and at the end.
 * 3. One producer as fast as it goes, beside a server that only receives and writes the same body, by turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KvsArchive } from 'kvs-archive';
import { createArchiveServer } from 'kvs-archive/server';
import { FragmentIndex } from '#lib/server/store/fragment-index.js';
import { mintFragmentNumber } from '#lib/server/store/fragment-number.js';
import { permutedPosition } from '#lib/server/store/page-permutation.js';
import { bodyHeader, endOfFragment, mediaCluster } from '../soak/producer-media.mjs';
import { scratch } from './recording.mjs';

const { values } = parseArgs({
	options: {
		seconds: { type: 'string', default: '120' },
		producers: { type: 'string', default: '20' },
		megabytes: { type: 'string', default: '512' },
		fragments: { type: 'string', default: '500000' },
	},
});
const [seconds, producers, megabytes, fragments] = ['seconds', 'producers', 'megabytes', 'fragments'].map(
	(name) => Number(values[name]),
);
const FRAGMENT_BYTES = 1_000_000;
const ROUNDS = 5;
/** Time of the first fragment of part 2: six bytes as a Timecode. */
const FIRST_MS = 1_700_000_000_000;
const directory = scratch();
const say = (line) => process.stdout.write(`${line}\n`);
const median = (list) => quantile(list, 0.5);
const verdict = (isMet) => (isMet ? 'met' : 'MISSED');

const mebibytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

function quantile(list, part) {
	const sorted = list.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

async function startServer(...args) {
	const child = fork(fileURLToPath(new URL('ingest-server.mjs', import.meta.url)), args, {
		execArgv: ['--expose-gc'],
	});
	const [{ port }] = await once(child, 'message');
	return {
		port,
		endpoint: `http://127.0.0.1:${port}`,
		usage: async () => {
			child.send('usage');
			return (await once(child, 'message'))[0];
		},
		stop: async () => {
			child.kill();
			await once(child, 'close');
		},
	};
}

/** A PutMedia connection. `onAck` is called with each acknowledgement. */
async function connectTo(port, stream, onAck = () => {}) {
	const socket = connect(port, '127.0.0.1').setNoDelay(true);
	const closed = once(socket, 'close');
	let received = '';
	socket.on('data', (bytes) => {
		received += bytes;
		const lines = received.split('\n');
		received = lines.pop();
		for (const line of lines) {
			const match = /\{.*\}/.exec(line);
			if (match !== null) onAck(JSON.parse(match[0]));
		}
		if (/(^|\r\n)0\r\n\r?$/.test(received)) socket.end();
	});
	const write = (bytes) => new Promise((resolve) => socket.write(bytes, resolve));
	await write(
		`POST /putMedia HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nx-amzn-stream-name: ${stream}\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\n\r\n`,
	);
	return {
		send: (bytes) => {
			socket.cork();
			socket.write(`${bytes.length.toString(16)}\r\n`);
			socket.write(bytes);
			const sent = write('\r\n');
			socket.uncork();
			return sent;
		},
		finish: async () => {
			await write('0\r\n\r\n');
			await closed;
		},
	};
}

async function latency() {
	const streams = Array.from({ length: producers }, (_, index) => `cam-${index}`);
	const server = await startServer('archive', directory, ...streams);
	const sentAtMs = new Map();
	const delays = [];
	const errors = [];
	const startMs = Date.now();
	const produce = async (stream, index) => {
		const onAck = ({ EventType, FragmentTimecode, ErrorCode }) => {
			if (EventType === 'ERROR') errors.push(ErrorCode);
			if (EventType === 'PERSISTED')
				delays.push(performance.now() - sentAtMs.get(`${stream} ${FragmentTimecode}`));
		};
		const producer = await connectTo(server.port, stream, onAck);
		await producer.send(bodyHeader);
		const beganMs = performance.now() + (index * 1000) / producers;
		for (let second = 0; second < seconds; second++) {
			const timeMs = startMs + second * 1000;
			const cluster = Buffer.concat([mediaCluster(timeMs, FRAGMENT_BYTES), endOfFragment]);
			for (let part = 0; part < 20; part++) {
				await sleep(Math.max(0, beganMs + second * 1000 + part * 50 - performance.now()));
				const [from, to] = [part, part + 1].map((at) => Math.floor((cluster.length * at) / 20));
				if (part === 19) sentAtMs.set(`${stream} ${timeMs}`, performance.now());
				await producer.send(cluster.subarray(from, to));
			}
		}
		await producer.finish();
	};
	const over = new AbortController();
	const readers = [exportAgain(server, over.signal), readLive(server, over.signal)];
	const fsyncs = fsyncTimes(over.signal);
	const producing = Promise.all(streams.map(produce));
	const half = sleep((seconds * 1000) / 2).then(() => server.usage());
	await producing;
	const atHalf = await half;
	over.abort();
	const [exports, live] = await Promise.all(readers);
	const atEnd = await server.usage();
	const syncMs = await fsyncs;
	await server.stop();
	const [delayMs, lateMs] = [median(delays), quantile(delays, 0.99)];
	say(
		`1. ${producers} producers, 1 MB/s each, ${seconds} s; ${exports} exports and ${live} fragments by GetMedia meanwhile`,
	);
	say(`   ${delays.length} of ${producers * seconds} fragments PERSISTED, ${errors.length} errors`);
	say(
		`   PERSISTED after the last byte: median ${delayMs.toFixed(1)} ms (target 25) ${verdict(delayMs <= 25)}, p99 ${lateMs.toFixed(1)} ms (target 150) ${verdict(lateMs <= 150)}`,
	);
	say(
		`   fsync of 1 MB on this disk meanwhile: median ${median(syncMs).toFixed(1)} ms, p99 ${quantile(syncMs, 0.99).toFixed(1)} ms`,
	);
	const growth = atEnd.usedBytes / atHalf.usedBytes;
	say(
		`   memory after a collection: ${mebibytes(atHalf.usedBytes)} at half time, ${mebibytes(atEnd.usedBytes)} at the end (${growth.toFixed(2)}, target 1.10) ${verdict(growth <= 1.1)}; resident ${mebibytes(atEnd.rss)}`,
	);
}

async function exportAgain({ endpoint }, signal) {
	let exports = 0;
	const archive = new KvsArchive({ streamName: 'cam-0', endpoint });
	try {
		for (; !signal.aborted; exports++) {
			const to = new Date();
			const range = { from: new Date(to.getTime() - 20_000), to };
			await archive.export(range, join(directory, 'export.mkv'), { signal }).catch((error) => {
				if (error.code !== 'KVS_EMPTY_RANGE') throw error;
			});
			await sleep(500, undefined, { signal });
		}
	} catch (error) {
		if (!signal.aborted) throw error;
	} finally {
		await archive.close();
	}
	return exports;
}

async function readLive({ endpoint }, signal) {
	let chunks = 0;
	try {
		const response = await fetch(`${endpoint}/getMedia`, {
			method: 'POST',
			body: JSON.stringify({ StreamName: 'cam-1', StartSelector: { StartSelectorType: 'EARLIEST' } }),
			signal,
		});
		for await (const bytes of response.body) if (Buffer.from(bytes).includes('CONTINUATION_TOKEN')) chunks++;
	} catch (error) {
		if (!signal.aborted) throw error;
	}
	return chunks;
}

async function fsyncTimes(signal) {
	const bytes = Buffer.alloc(FRAGMENT_BYTES, 1);
	const handle = await open(join(directory, 'fsync'), 'w');
	const times = [];
	while (!signal.aborted) {
		await handle.write(bytes, 0, bytes.length, times.length * bytes.length);
		const beganMs = performance.now();
		await handle.datasync();
		times.push(performance.now() - beganMs);
		await sleep(200);
	}
	await handle.close();
	await rm(join(directory, 'fsync'));
	return times;
}

async function throughput() {
	const archive = await startServer(
		'archive',
		directory,
		...Array.from({ length: ROUNDS }, (_, round) => `fast-${round}`),
	);
	const peer = await startServer('peer', directory, `${FRAGMENT_BYTES}`);
	const disk = await diskRate();
	const rates = { archive: [], peer: [] };
	const cpu = { archive: [], peer: [] };
	const measure = async (name, server, stream) => {
		const before = await server.usage();
		const producer = await connectTo(server.port, stream);
		await producer.send(bodyHeader);
		const cluster = mediaCluster(FIRST_MS, FRAGMENT_BYTES);
		const timeAt = cluster.indexOf(timecode(0));
		const beganMs = performance.now();
		for (let index = 0; index < megabytes; index++) {
			cluster.set(timecode(index * 1000), timeAt);
			await producer.send(cluster);
		}
		await producer.finish();
		rates[name].push((megabytes / (performance.now() - beganMs)) * 1000);
		cpu[name].push(((await server.usage()).cpuMs - before.cpuMs) / megabytes);
	};
	for (let round = 0; round < ROUNDS; round++) {
		await measure('archive', archive, `fast-${round}`);
		await measure('peer', peer, 'peer');
	}
	await Promise.all([archive.stop(), peer.stop()]);
	const rate = median(rates.archive);
	const target = Math.min(100, disk / 2);
	const ratio = median(cpu.archive) / median(cpu.peer);
	say(`3. One producer, ${megabytes} MB, fragments of 1 MB, ${ROUNDS} rounds by turns`);
	say(
		`   archive ${rate.toFixed(0)} MB/s, peer ${median(rates.peer).toFixed(0)} MB/s, disk ${disk.toFixed(0)} MB/s (target ${target.toFixed(0)}) ${verdict(rate >= target)}`,
	);
	say(
		`   processor time: ${median(cpu.archive).toFixed(2)} and ${median(cpu.peer).toFixed(2)} ms/MB, ${ratio.toFixed(2)} x (target 2) ${verdict(ratio <= 2)}`,
	);
}

function timecode(ms) {
	const bytes = Buffer.alloc(6);
	bytes.writeUIntBE(FIRST_MS + ms, 0, 6);
	return bytes;
}

/** The same bytes written to the disk alone, one fsync a fragment. */
async function diskRate() {
	const bytes = Buffer.alloc(FRAGMENT_BYTES, 1);
	const handle = await open(join(directory, 'disk'), 'w');
	const beganMs = performance.now();
	for (let index = 0; index < megabytes; index++) {
		await handle.write(bytes);
		await handle.datasync();
	}
	const rate = (megabytes / (performance.now() - beganMs)) * 1000;
	await handle.close();
	await rm(join(directory, 'disk'));
	return rate;
}

/** The index alone, then a data directory of as many fragments that is opened. */
async function manyFragments() {
	globalThis.gc();
	const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
	const before = used();
	const index = new FragmentIndex();
	const steps = 10;
	const appends = [];
	const pages = [];
	const startMs = Date.UTC(2026, 0, 31);
	const page = () => {
		const endMs = startMs + index.appended * 2000;
		const beganMs = performance.now();
		const selection = index.select({ clock: 'producer', startMs: endMs - 2_000_000, endMs });
		for (let at = 0; at < 100; at++) selection.at(permutedPosition(at, selection.length));
		return performance.now() - beganMs;
	};
	for (let step = 0; step < steps; step++) {
		const made = Array.from({ length: fragments / steps }, (_, at) =>
			fragmentAt(index.appended + at, startMs),
		);
		const times = [];
		for (let from = 0; from < made.length; from += 1000) {
			const beganMs = performance.now();
			for (const fragment of made.slice(from, from + 1000)) index.add(fragment, false);
			times.push(performance.now() - beganMs);
		}
		appends.push(median(times));
		pages.push(median(Array.from({ length: 51 }, page)));
	}
	globalThis.gc();
	const bytesEach = (used() - before) / fragments;
	const ratio = (list) => list.at(-1) / list[0];
	say(`1. ${fragments} fragments in one stream`);
	say(
		`   append: ${appends[0].toFixed(2)} us each at the beginning, ${appends.at(-1).toFixed(2)} at the end, ${ratio(appends).toFixed(2)} x (target 1.3) ${verdict(ratio(appends) <= 1.3)}`,
	);
	say(
		`   a page of 100: ${(pages[0] * 1000).toFixed(0)} and ${(pages.at(-1) * 1000).toFixed(0)} us, ${ratio(pages).toFixed(2)} x (target 1.3) ${verdict(ratio(pages) <= 1.3)}`,
	);
	say(`   memory: ${bytesEach.toFixed(0)} B a fragment (aim 300) ${verdict(bytesEach <= 300)}`);
	for (const count of [fragments / 4, fragments])
		say(`   start with ${count}: ${(await startTime(count, startMs)).toFixed(0)} ms`);
}

function fragmentAt(index, startMs) {
	const serverMs = startMs + index * 2000;
	return {
		number: mintFragmentNumber({ sequence: BigInt(index + 1), serverMs, random: (index * 7919) % 2 ** 28 }),
		payload: `/data/streams/cam/${String(Math.floor(index / 150)).padStart(8, '0')}.mkv`,
		offset: 512,
		sizeBytes: 100,
		producerMs: serverMs - 500,
		serverMs,
		lengthMs: 1960,
		frames: 50,
		pictures: 50,
		picturesMs: 1960,
		crc32: 1,
	};
}

async function startTime(count, startMs) {
	const dataDirectory = join(directory, `start-${count}`);
	const options = { dataDirectory, onWarning: (text) => say(text) };
	const made = createArchiveServer(options);
	await made.archive.ready;
	const stream = await made.archive.createStream({ name: 'cam', retentionHours: 87_600 });
	for (let index = 0; index < count; ) {
		const writer = await stream.payloads.take(fragmentAt(index, startMs).serverMs);
		const written = [];
		// As many as a payload of five minutes gets.
		for (const end = Math.min(count, index + 150); index < end; index++) {
			const { payload: _, offset: __, sizeBytes: ___, crc32: ____, ...fields } = fragmentAt(index, startMs);
			writer.begin();
			await writer.add(Buffer.alloc(100));
			written.push(await writer.end(fields));
		}
		await writer.note(written);
		await writer.close();
		stream.payloads.giveBack(writer, false);
	}
	made.archive.close();
	const beganMs = performance.now();
	const again = createArchiveServer(options);
	await again.archive.ready;
	const elapsedMs = performance.now() - beganMs;
	if (again.archive.stream('cam').fragments.appended !== count) throw new Error('fragments are missing');
	again.archive.close();
	await rm(dataDirectory, { recursive: true });
	return elapsedMs;
}

await manyFragments();
await latency();
await throughput();
