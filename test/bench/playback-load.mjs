// Longer than 300 lines: players of both protocols and what they are measured by, in one process.

/*
 * npm run bench:playback [-- --seconds N] [--protocol hls|dash]: a hundred players of HLS and a hundred of DASH ask `kvs-archive
 * serve` for 500 resources a second each hundred, for two minutes: half of them on demand, the rest live; of HLS a third of either in
 * transport streams. With --protocol only one hundred of them, with --checkout DIRECTORY by the server of another one. Prints
 * how many responses came, how fast, and the server's memory, and fails where a request failed, the pace was not kept or
 * memory grew.
 */
import { closeSync, openSync, readFileSync, rmSync, writevSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createArchiveServer } from 'kvs-archive/server';
import { element, elementHeader, float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { scratch, serveBy } from './recording.mjs';

const PLAYERS_EACH = 100;
const REQUESTS_PER_SECOND_EACH = 500;
const protocolAt = process.argv.indexOf('--protocol');
const protocols = protocolAt < 0 ? ['hls', 'dash'] : [process.argv[protocolAt + 1]];
const PLAYERS = PLAYERS_EACH * protocols.length;
const REQUESTS_PER_SECOND = REQUESTS_PER_SECOND_EACH * protocols.length;
const checkoutAt = process.argv.indexOf('--checkout');
const CHECKOUT = checkoutAt < 0 ? resolve(import.meta.dirname, '../..') : process.argv[checkoutAt + 1];
const secondsAt = process.argv.indexOf('--seconds');
const SECONDS = secondsAt < 0 ? 120 : Number(process.argv[secondsAt + 1]);

/** Memory is looked at from here on: what is loaded and kept once is there by then. */
const WARM_SECONDS = SECONDS / 2;
/** How much larger the last quarter of what is looked at may be than the first. */
const MAX_GROWTH = 1.1;

const FRAGMENT_SECONDS = 2;
const FRAGMENTS = 200;
const FRAMES = 50;
const FRAME_BYTES = 5000;
const SOUND_FRAMES = 94;
const SOUND_BYTES = 340;

/** An AVC decoder configuration record of x264, and AAC-LC of 48 kHz in stereo. */
const avc = '0164000dffe100176764000dacb20283f60220000003002000000641e2854901000668ebc3cb22c0fdf8f800';
const aac = '1190';

const trackEntry = (number, type, codecId, codecPrivate, more) =>
	master('TrackEntry', [
		unsigned('TrackNumber', number),
		unsigned('TrackUID', number),
		unsigned('TrackType', type),
		string('CodecID', codecId),
		element('CodecPrivate', [Buffer.from(codecPrivate, 'hex')]),
		more,
	]);
const tracks = master('Tracks', [
	trackEntry(
		1,
		1,
		'V_MPEG4/ISO/AVC',
		avc,
		master('Video', [unsigned('PixelWidth', 320), unsigned('PixelHeight', 240)]),
	),
	trackEntry(
		2,
		2,
		'A_AAC',
		aac,
		master('Audio', [float('SamplingFrequency', 48_000), unsigned('Channels', 2)]),
	),
]);

/** Writes a recording, as the service would have sent it, and puts it into a stream. */
async function record(archive, directory, stream, startSeconds) {
	const path = join(directory, `${stream}.mkv`);
	const file = openSync(path, 'w');
	const media = Buffer.concat(cluster(0n, [...video(), ...audio()]));
	for (let index = 0; index < FRAGMENTS; index++) {
		const seconds = startSeconds + index * FRAGMENT_SECONDS;
		const values = {
			FRAGMENT_NUMBER: `9134385233318143239${String(index + 1).padStart(28, '0')}`,
			SERVER_TIMESTAMP: `${seconds}.000`,
			PRODUCER_TIMESTAMP: `${seconds}.000`,
		};
		const tags = Object.entries(values).map(([name, value]) =>
			master('SimpleTag', [string('TagName', `AWS_KINESISVIDEO_${name}`), string('TagString', value)]),
		);
		writevSync(file, [
			...ebmlHeader(),
			elementHeader('Segment', 0, { isSizeUnknown: true }),
			...info(1_000_000),
			...tracks,
			...master('Tags', [master('Tag', tags)]),
			media,
		]);
	}
	closeSync(file);
	await archive.ingest(stream, path);
	rmSync(path);
}

function video() {
	return Array.from({ length: FRAMES }, (_, index) => {
		const data = Buffer.alloc(FRAME_BYTES, index + 1);
		data.writeUInt32BE(FRAME_BYTES - 4);
		data[4] = index === 0 ? 0x65 : 0x41;
		return block({ trackNumber: 1, relativeTicks: index * 40, keyframe: index === 0, data });
	}).flat();
}

function audio() {
	return Array.from({ length: SOUND_FRAMES }, (_, index) => {
		const relativeTicks = Math.round((index * 1024) / 48);
		return block({ trackNumber: 2, relativeTicks, keyframe: true, data: Buffer.alloc(SOUND_BYTES, index) });
	}).flat();
}

const agent = new Agent({ keepAlive: true, maxSockets: 2 * PLAYERS });

/** Status and body of a response that came whole. */
function ask(url, { method = 'GET', body = null } = {}) {
	return new Promise((resolve, reject) => {
		const sent = request(url, { agent, method }, (response) => {
			const chunks = [];
			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
		});
		sent.on('error', reject);
		sent.end(body);
	});
}

async function get(url) {
	const { status, body } = await ask(url);
	if (status !== 200) throw new Error(`${status} ${body.toString().slice(0, 200)}`);
	return body;
}

/** The URL of a session; `more` are the members that HLS alone has. */
async function open(endpoint, protocol, { isLive, storedSeconds, more = {} }) {
	const TimestampRange = {
		StartTimestamp: storedSeconds,
		EndTimestamp: storedSeconds + FRAGMENTS * FRAGMENT_SECONDS,
	};
	const members = {
		StreamName: isLive ? 'live' : 'stored',
		PlaybackMode: isLive ? 'LIVE' : 'ON_DEMAND',
		Expires: 3600,
		...(!isLive && {
			[`${protocol}FragmentSelector`]: { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange },
		}),
		...more,
	};
	const { status, body } = await ask(`${endpoint}/get${protocol}StreamingSessionURL`, {
		method: 'POST',
		body: JSON.stringify(members),
	});
	if (status !== 200) throw new Error(`no session: ${body}`);
	return JSON.parse(body)[`${protocol}StreamingSessionURL`];
}

/** A player of HLS: each call of what it gives is one request, as a player would make it next. */
async function hlsPlayer(endpoint, index, storedSeconds) {
	const isLive = index % 2 === 1;
	const more = { ContainerFormat: index % 3 === 0 ? 'MPEG_TS' : 'FRAGMENTED_MP4' };
	const master = await open(endpoint, 'HLS', { isLive, storedSeconds, more });
	const text = (await get(master)).toString();
	const uris = [text.trim().split('\n').at(-1), ...(/URI="([^"]+)"/.exec(text)?.slice(1) ?? [])];
	const playlists = uris.map((uri) => new URL(uri, master));
	// Each begins somewhere else: not all look at the same fragment.
	let position = index;
	let waiting = [];
	return async () => {
		const next = waiting.shift();
		if (next !== undefined) return get(next);
		const playlist = playlists[position % playlists.length];
		const lines = (await get(playlist)).toString().split('\n');
		const fragments = lines.filter((line) => line !== '' && !line.startsWith('#'));
		const from = isLive ? fragments.length - 4 : position % fragments.length;
		position++;
		const inits = /#EXT-X-MAP:URI="([^"]+)"/.exec(lines.join('\n'))?.slice(1) ?? [];
		const wanted = [
			...(position <= 2 * playlists.length ? inits : []),
			...fragments.slice(Math.max(0, from), from + 4),
		];
		waiting = wanted.map((uri) => new URL(uri, playlist));
		return Buffer.alloc(0);
	};
}

/** A player of DASH, likewise: the manifest, and segments of both tracks. */
async function dashPlayer(endpoint, index, storedSeconds) {
	const isLive = index % 2 === 1;
	const manifest = await open(endpoint, 'DASH', { isLive, storedSeconds });
	let position = index;
	let waiting = [];
	return async () => {
		const next = waiting.shift();
		if (next !== undefined) return get(next);
		const text = (await get(manifest)).toString();
		const sets = text.split('<AdaptationSet').slice(1);
		const count = sets[0].match(/<S /g).length;
		const from = isLive ? Math.max(0, count - 2) : position % count;
		position++;
		const uris = sets.flatMap((set) => {
			const attribute = (name) => new RegExp(` ${name}="([^"]*)"`).exec(set)[1].replaceAll('&amp;', '&');
			const first = Number(attribute('startNumber')) + from;
			const numbers = from + 1 < count ? [first, first + 1] : [first];
			const media = numbers.map((number) => attribute('media').replace('$Number$', String(number)));
			return position <= 2 ? [attribute('initialization'), ...media] : media;
		});
		waiting = uris.map((uri) => new URL(uri, manifest));
		return Buffer.alloc(0);
	};
}

/** Resident memory of a process, in MB. Linux only. */
function memoryOf(pid) {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Processor time of a process so far, in milliseconds. Linux only. */
function processorMsOf(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
	return (Number(fields[13]) + Number(fields[14])) * 10;
}

function mean(values) {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const directory = scratch();
const data = join(directory, 'data');
const nowSeconds = Math.floor(Date.now() / 1000);
const storedSeconds = nowSeconds - 86_400;
const maker = createArchiveServer({ dataDirectory: data });
await record(maker.archive, directory, 'stored', storedSeconds);
await record(maker.archive, directory, 'live', nowSeconds - 60);
maker.archive.close();

const server = await serveBy(CHECKOUT, data);
const { endpoint } = server;
const players = await Promise.all(
	Array.from({ length: PLAYERS }, (_, index) => {
		const open = protocols[Math.floor(index / PLAYERS_EACH)] === 'dash' ? dashPlayer : hlsPlayer;
		return open(endpoint, index % PLAYERS_EACH, storedSeconds);
	}),
);
const latencies = [];
const memory = [];
let [bytes, errors, sent, underWay] = [0, 0, 0, 0];
let firstError = null;
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;

async function step(index) {
	const asked = performance.now();
	underWay++;
	try {
		// Awaited first: the sum that is added to is the one of then.
		const { byteLength } = await players[index]();
		bytes += byteLength;
		latencies.push(performance.now() - asked);
	} catch (error) {
		errors++;
		firstError ??= error;
	} finally {
		underWay--;
	}
}

let nextSample = WARM_SECONDS;
while (elapsed() < SECONDS) {
	const due = Math.floor(elapsed() * REQUESTS_PER_SECOND);
	for (; sent < due; sent++) void step(sent % PLAYERS);
	if (elapsed() >= nextSample) {
		memory.push(memoryOf(server.pid));
		nextSample++;
	}
	await new Promise((resolve) => setTimeout(resolve, 5));
}
while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 5));
const seconds = elapsed();
agent.destroy();
const processorMs = processorMsOf(server.pid);
await server.stop();

latencies.sort((a, b) => a - b);
const percentile = (share) => latencies[Math.floor((latencies.length - 1) * share)].toFixed(1);
const quarter = Math.max(1, Math.floor(memory.length / 4));
const growth = mean(memory.slice(-quarter)) / mean(memory.slice(0, quarter));
const rate = latencies.length / seconds;
const say = (what, figure) => process.stdout.write(`${what.padEnd(40)} ${figure}\n`);
say('machine', `Node ${process.version}, ${availableParallelism()} processors`);
say('players, seconds', `${PLAYERS} (${protocols.join(' and ')}), ${seconds.toFixed(0)}`);
say(
	'requests, errors',
	`${latencies.length}, ${errors}${firstError === null ? '' : ` (${firstError.message})`}`,
);
say('requests a second, MB a second', `${rate.toFixed(0)}, ${(bytes / 1e6 / seconds).toFixed(0)}`);
say('milliseconds: median, 99 %, longest', `${percentile(0.5)}, ${percentile(0.99)}, ${percentile(1)}`);
say(
	'memory in MB: first quarter, last, peak',
	`${[mean(memory.slice(0, quarter)), mean(memory.slice(-quarter)), Math.max(...memory)].map((mb) => mb.toFixed(0)).join(', ')}`,
);
say('processor time of the server in ms', processorMs);
const isMet = errors === 0 && rate >= 0.98 * REQUESTS_PER_SECOND && growth <= MAX_GROWTH;
say('no error, pace kept, memory flat', isMet ? 'met' : 'MISSED');
process.exitCode = isMet ? 0 : 1;
