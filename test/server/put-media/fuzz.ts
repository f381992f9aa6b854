/*
 * Puts bodies that are broken in every way into a running server, each over a connection of its own.
 *
 *     node --expose-gc build/test/server/put-media/fuzz.js [cases] [seed]
 *
 * To each the server is to respond with acknowledgements and an end, or with an error; after all of them it serves the next
 * producer, and nothing is left open.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createArchiveServer } from '#lib/server/index.js';
import { randomFrom } from '../../helpers/files/damage.js';
import { Producer } from '../../helpers/service/producer.js';
import { bothTracks, clusterOf, endOfFragment, frame, header, tags, UNSIZED, voidElement } from './body.js';

/** Parts of bodies, whole and not. */
type Parts = Buffer[];

/** A response that has not ended by then never will: nothing waits in a fuzzed body. */
const MAX_RESPONSE_MS = 20_000;

/** How a run went. */
export interface PutMediaFuzzReport {
	readonly cases: number;
	/** Connections that ended with an ERROR, were refused before any media, and that were taken as a whole. */
	readonly errors: number;
	readonly refused: number;
	readonly taken: number;
	/** Growth of the process's memory from a tenth of the way to the end, after collecting garbage where that is possible. */
	readonly growthBytes: number;
	/** What went wrong; null where nothing did. */
	readonly fault: string | null;
}

/** Puts so many broken bodies, one after the other. The same seed, the same bodies. */
export async function fuzzPutMedia(cases: number, seed: number): Promise<PutMediaFuzzReport> {
	const random = randomFrom(seed);
	const dataDirectory = mkdtempSync(join(tmpdir(), 'kvs-archive-fuzz-'));
	const server = createArchiveServer({ dataDirectory, onWarning: () => {} });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	await server.archive.ready;
	const stream = await server.archive.createStream({ name: 'cam' });
	const count = { errors: 0, refused: 0, taken: 0 };
	let fault: string | null = null;
	let earlyBytes = 0;
	try {
		for (let index = 0; index < cases && fault === null; index++) {
			const outcome = await putBroken(server.endpoint, random);
			if (outcome === 'hang') fault = `case ${index} of seed ${seed}: the response does not end`;
			else count[outcome]++;
			if (index === Math.floor(cases / 10)) earlyBytes = usedBytes();
		}
		const growthBytes = usedBytes() - earlyBytes;
		fault ??= await nextProducer(server.endpoint);
		if (stream.settledMs !== Number.POSITIVE_INFINITY) fault ??= 'a fragment is still waited for';
		const open = openFiles(dataDirectory);
		if (open.length > 0) fault ??= `files are left open: ${open.join(', ')}`;
		return { cases, ...count, growthBytes, fault };
	} finally {
		server.close();
		server.closeAllConnections();
		rmSync(dataDirectory, { recursive: true, force: true });
	}
}

async function putBroken(
	endpoint: string,
	random: () => number,
): Promise<'errors' | 'refused' | 'taken' | 'hang'> {
	const isRelative = random() < 0.5;
	const producer = await Producer.open(endpoint, {
		stream: random() < 0.02 ? 'none' : 'cam',
		timecodes: isRelative ? 'RELATIVE' : 'ABSOLUTE',
		start: isRelative ? `${Math.floor(random() * 2e9)}` : '0',
	});
	const body = brokenBody(random);
	const size = 1 + Math.floor(random() * body.byteLength);
	for (let at = 0; at < body.byteLength; at += size) await producer.send(body.subarray(at, at + size));
	const end = random();
	if (end < 0.1) producer.socket.destroy();
	else if (end < 0.15) await producer.sendRaw(Buffer.from('zz\r\n'));
	else await producer.finish();
	const timeout = new Promise<'hang'>((resolve) => {
		setTimeout(resolve, MAX_RESPONSE_MS, 'hang').unref();
	});
	const ended = await Promise.race([producer.ended, timeout]);
	producer.socket.destroy();
	if (ended === 'hang') return 'hang';
	if (!producer.head.startsWith('HTTP/1.1 200')) return 'refused';
	return producer.acks.some(({ EventType }) => EventType === 'ERROR') ? 'errors' : 'taken';
}

function brokenBody(random: () => number): Buffer {
	const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
	const two = random() < 0.5;
	const tracks = pick([two ? bothTracks : bothTracks.slice(0, 1), [...bothTracks, ...bothTracks], []]);
	const blocks = () =>
		Array.from({ length: 1 + Math.floor(random() * 6) }, (_, index) =>
			frame(index * 40, { trackNumber: two && index % 2 === 1 ? 2 : 1 }),
		);
	const cluster = (index: number): Buffer =>
		clusterOf(1000 + index * 1000, random() < 0.1 ? [] : blocks(), random() < 0.5 ? UNSIZED : {});
	const between = (): Buffer =>
		Buffer.concat(
			pick([
				[],
				[],
				tags(['k', 'v']),
				endOfFragment,
				voidElement(9),
				Array(12)
					.fill(tags(['k', 'v']))
					.flat(),
			]),
		);
	const parts: Parts = [header({ tracks })];
	for (let index = 0; index < random() * 8; index++) parts.push(cluster(index), between());
	const recorded = recordings();
	if (recorded.length > 0 && random() < 0.01) return broken(pick(recorded), random);
	const orders = [
		(list: Parts) => list,
		(list: Parts) => list.slice(1),
		(list: Parts) => [...list, ...list],
		(list: Parts) => list.toReversed(),
		(list: Parts) => list.toSorted(() => random() - 0.5),
	];
	const body = Buffer.concat(pick(orders)(parts));
	return random() < 0.2 ? body : broken(body, random);
}

/** Flips, cuts, repeats, fills and inserts. */
function broken(bytes: Buffer, random: () => number): Buffer {
	let body = Buffer.from(bytes);
	const at = (): number => Math.floor(random() * body.byteLength);
	for (let times = 0; times <= random() * 3 && body.byteLength > 0; times++) {
		const place = at();
		const length = 1 + Math.floor(random() * 40);
		const what = random();
		if (what < 0.4) body[place] = (body[place] ?? 0) ^ (1 << Math.floor(random() * 8));
		else if (what < 0.5) body = body.subarray(0, place);
		else if (what < 0.6)
			body.fill(Math.floor(random() * 256), place, Math.min(body.byteLength, place + length));
		else if (what < 0.7) body = Buffer.concat([body.subarray(0, place), body.subarray(place + length)]);
		else if (what < 0.8) {
			body = Buffer.concat([body.subarray(0, place), body.subarray(at()), body.subarray(place)]);
		} else if (what < 0.9) {
			// Sizes are what is believed most easily.
			body.fill(random() < 0.5 ? 0xff : 0x01, place, Math.min(body.byteLength, place + 8));
		} else body = Buffer.concat([body.subarray(0, place), Buffer.alloc(length, 7), body.subarray(place)]);
	}
	return body;
}

let recordedBodies: Buffer[] | null = null;

/** Small bodies that producers really sent, where they are at hand. */
function recordings(): readonly Buffer[] {
	if (recordedBodies !== null) return recordedBodies;
	const directory = join(resolve(process.env['KVS_SAMPLES'] ?? '../shared/samples'), 'putmedia');
	try {
		const names = readdirSync(directory).filter((name) => name.endsWith('.mkv'));
		recordedBodies = names.map((name) => readFileSync(join(directory, name)).subarray(0, 300_000));
	} catch {
		recordedBodies = [];
	}
	return recordedBodies;
}

/** What is wrong with the producer that comes after all of them; null where it is served. */
async function nextProducer(endpoint: string): Promise<string | null> {
	const producer = await Producer.open(endpoint, { stream: 'cam' });
	const acks = await producer.put(Buffer.concat([header(), clusterOf(1000)]));
	const types = acks.map(({ EventType }) => EventType).join();
	return types === 'BUFFERING,RECEIVED,PERSISTED' ? null : `the next producer gets ${types}`;
}

/** Files of a stream that this process has open; none where the system does not say. */
function openFiles(directory: string): string[] {
	try {
		return readdirSync('/proc/self/fd').flatMap((name) => {
			try {
				const path = readlinkSync(join('/proc/self/fd', name));
				return path.startsWith(join(directory, 'streams')) ? [path] : [];
			} catch {
				return [];
			}
		});
	} catch {
		return [];
	}
}

function usedBytes(): number {
	globalThis.gc?.();
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return heapUsed + arrayBuffers;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [cases = '10000', seed = '1'] = process.argv.slice(2);
	const report = await fuzzPutMedia(Number(cases), Number(seed));
	process.stdout.write(`${JSON.stringify(report)}\n`);
	process.exit(report.fault === null ? 0 : 1);
}
