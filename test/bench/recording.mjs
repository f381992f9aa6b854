/* Recordings for the benchmarks of whole runs, and a local archive that serves them. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { readMkv } from 'kvs-archive/mkv';
import { element, elementHeader, float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { DataDirectory } from '#lib/server/store/data-directory.js';
import { newMetadata } from '#lib/server/store/stream-metadata.js';

/** Start of every recording, epoch seconds. */
export const START_SECONDS = Date.UTC(2026, 0, 31) / 1000;

/** What one payload file holds at most; its fragments are described in memory until it is written. */
const PART_FRAGMENTS = 100_000;
const PART_BYTES = 1e9;

/** What is gathered before it is written. */
const GATHERED_BYTES = 1e6;

const video = videoTrack(
	Buffer.from('014d4016ffe10019674d4016bb088283f60220000003002000000303c1e2c5b08c01000668e843844b20', 'hex'),
	1920,
	1080,
);

/** 16-bit PCM, one channel of 8 kHz: 32,000 bytes last two seconds. */
export const pcm = master('TrackEntry', [
	unsigned('TrackNumber', 1),
	unsigned('TrackUID', 1),
	unsigned('TrackType', 2),
	string('CodecID', 'A_PCM/INT/LIT'),
	master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
]);

/** A picture of one colour in few bytes, as ffmpeg makes it, and its track: for recordings of which pictures can be made. */
export async function smallPicture() {
	const picture = ['-f', 'lavfi', '-i', 'color=c=orange:s=64x36', '-frames:v', '1'];
	const codec = ['-c:v', 'libx264', '-bsf:v', 'filter_units=remove_types=6', '-f', 'matroska', '-'];
	const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'error', ...picture, ...codec], {
		encoding: 'buffer',
	});
	for await (const event of readMkv([stdout])) {
		if (event.type !== 'frame') continue;
		const { codecPrivate, width, height } = event.track;
		return { frame: event.data, track: videoTrack(codecPrivate, width, height) };
	}
	throw new Error('expected a frame of ffmpeg, got none');
}

/** A directory that is gone with the process, however that ends. */
export function scratch() {
	const directory = mkdtempSync(join(tmpdir(), 'kvs-archive-bench-'));
	process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
	for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
	return directory;
}

/**
 * Puts a recording into a stream of a data directory: so many fragments of two seconds, each with so many
 * frames of so many bytes, or with the frame that is given, again and again. Returns the range it covers.
 *
 * The files are those that ingesting the same recording makes, byte by byte. They are written through the store, as reading
 * a million documents to cut them where it is known that they begin takes minutes.
 */
export async function record(
	dataDirectory,
	{ fragments, frames, frameBytes, frame, stream = 'camera', track = video },
) {
	const directory = await DataDirectory.open(dataDirectory);
	const mediaType = track === pcm ? 'application/octet-stream' : 'video/h264';
	const metadata = newMetadata({ name: stream, creationMs: START_SECONDS * 1000, mediaType });
	const data = Array.from({ length: frames }, (_, index) => frame ?? Buffer.alloc(frameBytes, index + 1));
	const document = new RecordedDocument(track, data);
	const part = Math.max(1, Math.min(PART_FRAGMENTS, Math.floor(PART_BYTES / (frames * data[0].length))));
	try {
		for (let first = 0; first < fragments; first += part) {
			const workDirectory = await directory.makeWorkDirectory();
			const payload = join(workDirectory, 'payload');
			const file = await write(payload, first, Math.min(fragments, first + part), document);
			await directory.commit(metadata, file, workDirectory, payload);
			await rm(workDirectory, { recursive: true });
		}
	} finally {
		directory.dispose();
	}
	return rangeOf(fragments);
}

/** The range that so many fragments cover. */
export function rangeOf(fragments) {
	const to = new Date((START_SECONDS + fragments * 2) * 1000);
	return { from: new Date(START_SECONDS * 1000), to, by: 'producer' };
}

/** Starts `kvs-archive serve` in a process of its own. Returns its address, its process id, and a function that ends it. */
export function serve(dataDirectory, ...options) {
	return serveBy(fileURLToPath(new URL('../..', import.meta.url)), dataDirectory, ...options);
}

/** The same, by the command of another checkout. */
export async function serveBy(checkout, dataDirectory, ...options) {
	const main = join(checkout, 'dist/cli/main.js');
	const args = [main, 'serve', '--port', '0', '--data', dataDirectory, ...options];
	const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	// It says that it was interrupted, as it should be.
	let complaints = '';
	server.stderr.on('data', (data) => {
		complaints += data;
	});
	const closed = new Promise((resolve) => server.once('close', resolve));
	const endpoint = await new Promise((resolve, reject) => {
		let text = '';
		server.stdout.on('data', (data) => {
			text += data;
			const url = /listening on (\S+)\n/.exec(text)?.[1];
			if (url !== undefined) resolve(url);
		});
		void closed.then((code) => reject(new Error(`serve ended with ${code}: ${complaints}`)));
	});
	return {
		endpoint,
		pid: server.pid,
		stop: () => {
			server.kill('SIGINT');
			return closed;
		},
	};
}

/** Runs a program of `export-run.mjs` in a process of its own and returns what it says of itself. */
export async function measure(program, endpoint, options) {
	const script = fileURLToPath(new URL('export-run.mjs', import.meta.url));
	const args = [...process.execArgv, '--expose-gc', script, program, endpoint, JSON.stringify(options)];
	const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
	const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';
	child.stdout.on('data', (data) => {
		text += data;
	});
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (code !== 0) throw new Error(`${program} ended with ${code}`);
	return JSON.parse(text);
}

async function write(path, first, end, document) {
	const file = await open(path, 'wx', 0o600);
	const hash = createHash('sha256');
	const fragments = [];
	let [offset, gathered, gatheredBytes] = [0, [], 0];
	const flush = async () => {
		const bytes = Buffer.concat(gathered);
		hash.update(bytes);
		await file.writeFile(bytes);
		[gathered, gatheredBytes] = [[], 0];
	};
	for (let index = first; index < end; index++) {
		const { bytes, fields } = document.at(index);
		fragments.push({ ...fields, offset, sizeBytes: bytes.length, crc32: crc32(bytes) });
		gathered.push(bytes);
		gatheredBytes += bytes.length;
		offset += bytes.length;
		if (gatheredBytes >= GATHERED_BYTES) await flush();
	}
	await flush();
	await file.sync();
	await file.close();
	return { digest: hash.digest('hex'), fragments };
}

/** The document of a fragment, of which only its number and times differ from one to the next. */
class RecordedDocument {
	#template;
	#places;
	#fields;

	constructor(track, data) {
		const frames = data.length;
		this.#template = Buffer.concat([...head(track), ...media(data)]);
		this.#places = Object.entries(valuesOf(0)).map(([name, value]) => [
			name,
			this.#template.indexOf(value, this.#template.indexOf(TAG_PREFIX + name)),
		]);
		const lengthMs = Math.floor(((frames - 1) * 2000) / frames);
		const pictures = track === pcm ? {} : { pictures: frames, picturesMs: lengthMs };
		this.#fields = { lengthMs, frames, ...pictures };
	}

	/** The document of a fragment, and what the index says of it besides its place. */
	at(index) {
		const values = valuesOf(index);
		const bytes = Buffer.from(this.#template);
		for (const [name, place] of this.#places) bytes.write(values[name], place, 'latin1');
		const producerMs = (START_SECONDS + index * 2) * 1000;
		const times = { producerMs, serverMs: producerMs + 1000 };
		return { bytes, fields: { number: values.FRAGMENT_NUMBER, ...times, ...this.#fields } };
	}
}

const TAG_PREFIX = 'AWS_KINESISVIDEO_';

/** What the service says of a fragment; always as long. */
function valuesOf(index) {
	const seconds = START_SECONDS + index * 2;
	return {
		FRAGMENT_NUMBER: `9134385233318143239${String(index + 1).padStart(28, '0')}`,
		SERVER_TIMESTAMP: `${seconds + 1}.000`,
		PRODUCER_TIMESTAMP: `${seconds}.000`,
	};
}

function head(track) {
	const simple = Object.entries(valuesOf(0)).map(([name, value]) =>
		master('SimpleTag', [string('TagName', TAG_PREFIX + name), string('TagString', value)]),
	);
	return [
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...master('Tracks', [track]),
		...master('Tags', [master('Tag', simple)]),
	];
}

function media(data) {
	const blocks = data.map((bytes, index) =>
		block({
			trackNumber: 1,
			relativeTicks: Math.floor((index * 2000) / data.length),
			keyframe: index === 0,
			data: bytes,
		}),
	);
	return [Buffer.concat(cluster(0n, blocks.flat()))];
}

function videoTrack(codecPrivate, width, height) {
	return master('TrackEntry', [
		unsigned('TrackNumber', 1),
		unsigned('TrackUID', 1),
		unsigned('TrackType', 1),
		string('CodecID', 'V_MPEG4/ISO/AVC'),
		element('CodecPrivate', [codecPrivate]),
		master('Video', [unsigned('PixelWidth', width), unsigned('PixelHeight', height)]),
	]);
}
