// Longer than 300 lines: one verb, with a reader of its own of what was stored.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { ID } from '#lib/ebml/ebml-schema.js';
import type { MatroskaHandler } from '#lib/mkv/parser/matroska-handler.js';
import { MatroskaParser } from '#lib/mkv/parser/matroska-parser.js';
import { readTags } from '#lib/mkv/tags.js';
import type { IngestSummary } from '#lib/server/index.js';
import { sample, testWith, withFfmpeg } from '../helpers/needs.js';
import { everything, type Json, type StartedServer, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import {
	documentedChunk,
	exceptionChunk,
	type MadeBlock,
	matroska,
	recordedChunk,
	writeRecordingOf,
} from './made-media.js';

const START = new Date('2026-01-01T00:00:00.000Z');
const startMs = START.getTime();

interface ReadFrame {
	readonly chunk: number;
	readonly track: number;
	readonly timeMs: number;
	readonly keyframe: boolean;
	readonly durationTicks: number;
	readonly flags: number;
	readonly data: Buffer;
}

/** Reads the frames of a payload; their times are the chunk's PRODUCER_TIMESTAMP and the block's own. */
function readFrames(payload: Buffer, scaleNs = 1_000_000): ReadFrame[] {
	const frames: ReadFrame[] = [];
	let chunk = -1;
	let producerMs = 0;
	const handler: MatroskaHandler = {
		documentStart: () => {
			chunk++;
			producerMs = 0;
		},
		documentEnd: () => {},
		clusterStart: () => {},
		header: (id, body) => {
			if (id !== ID.Tags) return;
			for (const { name, value } of readTags(body, 'before')) {
				if (name === 'AWS_KINESISVIDEO_PRODUCER_TIMESTAMP') producerMs = Number(value) * 1000;
			}
		},
		block: (track, relative, flags, bytes, start, end, durationTicks) => {
			const timeMs = producerMs + (relative * scaleNs) / 1e6;
			frames.push({
				chunk,
				track,
				timeMs,
				keyframe: (flags & 0x80) !== 0,
				durationTicks,
				flags: flags & 0x0f,
				data: Buffer.from(bytes.subarray(start, end)),
			});
		},
	};
	const parser = new MatroskaParser(handler);
	parser.write(payload);
	const error = parser.end();
	if (error !== null) throw error;
	return frames;
}

async function listAll({ call }: StartedServer, stream: string): Promise<Json[]> {
	const { json } = await call('ListFragments', {
		StreamName: stream,
		FragmentSelector: everything,
		MaxResults: 1000,
	});
	return json.Fragments.toSorted((a: Json, b: Json) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1));
}

async function mediaOf({ url }: StartedServer, stream: string, fragments: Json[]): Promise<Buffer> {
	const body = JSON.stringify({
		StreamName: stream,
		Fragments: fragments.map(({ FragmentNumber }) => FragmentNumber),
	});
	const response = await fetch(`${url}/getMediaForFragmentList`, { method: 'POST', body });
	return Buffer.from(await response.arrayBuffer());
}

const sha256 = (parts: Buffer[]) =>
	parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

/** Ingests made blocks and returns what is listed and served. */
async function ingestBlocks(t: ExecutionContext, file: Buffer, scaleNs?: number) {
	const directory = await temporaryDirectory(t);
	const path = join(directory, 'made.mkv');
	await writeFile(path, file);
	const started = await startServer(t, { randomInt: () => 0 });
	const summary = await started.server.archive.ingest('made', path, { start: START.toISOString() });
	const fragments = await listAll(started, 'made');
	const payload = await mediaOf(started, 'made', fragments);
	t.is(
		fragments.reduce((sum, fragment) => sum + fragment.FragmentSizeInBytes, 0),
		payload.byteLength,
	);
	return { summary, fragments, frames: readFrames(payload, scaleNs), started, path };
}

testWith('output_get_media.mkv', 'output_get_media_sparse_fragments.mkv')(
	'a recorded payload keeps its numbers, times and bytes',
	async (t) => {
		const path = sample('output_get_media.mkv');
		const started = await startServer(t);
		const summary = await started.server.archive.ingest('rec', path);
		t.like(summary, {
			fragments: 5,
			frames: 300,
			bytes: 2_503_485,
			addedFragments: 5,
			alreadyPresent: false,
		});
		const fragments = await listAll(started, 'rec');
		t.deepEqual(
			fragments.map(
				({ FragmentNumber, ProducerTimestamp, ServerTimestamp, FragmentLengthInMilliseconds }) => [
					FragmentNumber,
					ProducerTimestamp,
					ServerTimestamp,
					FragmentLengthInMilliseconds,
				],
			),
			[
				['91343852333181432392682062607743920146159169392', 1511852108.513, 1511852109.126, 1967],
				['91343852333181432397633822764885441725874549018', 1511852110.513, 1511852110.915, 1967],
				['91343852333181432402585582922026963247510532162', 1511852112.513, 1511852112.487, 1967],
				['91343852333181432407537343079168484595829378270', 1511852114.513, 1511852113.414, 1967],
				[fragments[4].FragmentNumber, 1511852116.513, 1511852114.147, 1967],
			],
		);
		t.true((await mediaOf(started, 'rec', fragments)).equals(await readFile(path)));

		const sparse = sample('output_get_media_sparse_fragments.mkv');
		const again = await started.server.archive.ingest('rec', sparse);
		t.like(
			again,
			{ alreadyPresent: true, addedFragments: 0 },
			'the same fragments in another file are not doubled',
		);
		t.is((await started.server.archive.ingest('sparse', sparse)).frames, 180);
	},
);

testWith('vogels_480.mkv', 'clusters.mkv')('a file with video and audio survives whole', async (t) => {
	const path = sample('vogels_480.mkv');
	const started = await startServer(t);
	const summary = await started.server.archive.ingest('vogels', path, { start: startMs });
	t.like(summary, {
		frames: 909 + 1425,
		firstProducerTimestamp: START,
		firstServerTimestamp: new Date(startMs + 1000),
	});
	const source = readFrames(await readFile(path));
	const fragments = await listAll(started, 'vogels');
	const frames = readFrames(await mediaOf(started, 'vogels', fragments));
	t.deepEqual(
		[1, 2].map((track) => frames.filter((frame) => frame.track === track).length).sort((a, b) => a - b),
		[909, 1425],
	);
	t.is(
		sha256(frames.map(({ data }) => data)),
		'c3ebfc5bb947e1b4f8aa81243483cb0f73bf5a1a9b7269f88442d2828bcddbdd',
	);
	t.deepEqual(
		frames.map(({ keyframe }) => keyframe),
		source.map(({ keyframe }) => keyframe),
	);
	t.true(fragments.every(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds <= 20_000));

	const producer = await started.server.archive.ingest('producer', sample('clusters.mkv'), {
		start: START,
	});
	t.like(producer, { fragments: 8, frames: 444 });
});

test('cuts at every key frame of the video; audio before the first belongs to it', async (t) => {
	const blocks: MadeBlock[] = [
		{ track: 2, ticks: 500 },
		{ track: 2, ticks: 520 },
		{ track: 1, ticks: 480 },
		{ track: 1, ticks: 980, keyframe: false },
		{ track: 1, ticks: 1480 },
		{ track: 2, ticks: 1470, durationTicks: 21, keyframe: false },
		{ track: 2, ticks: 1490, flags: 0x04, data: Buffer.from([1, 65, 66]) },
		{ track: 1, ticks: 2480 },
	];
	const { summary, fragments, frames } = await ingestBlocks(t, matroska(blocks));
	t.deepEqual(
		fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[500, 20, 0],
	);
	t.deepEqual(
		fragments.map(({ ProducerTimestamp }) => Math.round(ProducerTimestamp * 1000) - startMs),
		[0, 980, 1980],
	);
	t.deepEqual(
		frames.map(({ chunk }) => chunk),
		[0, 0, 0, 0, 1, 1, 1, 2],
	);
	t.deepEqual(
		frames.map(({ timeMs }) => timeMs - startMs),
		[0, 20, -20, 480, 980, 970, 990, 1980],
	);
	t.deepEqual(
		frames.map(({ track }) => track),
		blocks.map(({ track }) => track),
	);
	t.deepEqual(frames[5] && [frames[5].durationTicks, frames[5].keyframe], [21, false]);
	t.deepEqual(frames[6] && [frames[6].flags, [...frames[6].data]], [0x04, [1, 65, 66]]);
	t.is(summary.frames, 9, 'both frames of the laced block count');
	const numbers = fragments.map(({ FragmentNumber }) => BigInt(FragmentNumber) - (1n << 156n));
	t.deepEqual(
		numbers.map((number) => number >> 92n),
		[1n, 2n, 3n],
	);
	t.deepEqual(
		numbers.map((number) => Number((number >> 28n) & ((1n << 64n) - 1n)) - startMs),
		[1000, 1980, 2980],
	);
});

test('cuts where a limit comes before the next key frame', async (t) => {
	const long = Array.from(
		{ length: 91 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 500, keyframe: index === 0 }),
	);
	const byTime = await ingestBlocks(t, matroska(long));
	t.deepEqual(
		byTime.fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[20_000, 20_000, 4000],
	);

	const audio = Array.from({ length: 50 }, (_, index): MadeBlock => ({ track: 2, ticks: index * 100 }));
	const byAudio = await ingestBlocks(t, matroska(audio));
	t.deepEqual(
		byAudio.fragments.map(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds),
		[1900, 1900, 900],
	);

	const fine = Array.from(
		{ length: 20 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 5000, keyframe: index === 0 }),
	);
	const byTicks = await ingestBlocks(t, matroska(fine, { scaleNs: 100_000 }), 100_000);
	t.deepEqual(
		byTicks.frames.map(({ timeMs }) => timeMs - startMs),
		fine.map(({ ticks }) => ticks / 10),
	);
	t.is(byTicks.fragments.length, 3, 'seven steps of 5000 ticks do not fit 16 bits');

	const data = Buffer.alloc(12_000_000, 1);
	const large = Array.from(
		{ length: 9 },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 10, keyframe: index === 0, data }),
	);
	const bySize = await ingestBlocks(t, matroska(large));
	t.is(bySize.fragments.length, 3);
	t.true(bySize.fragments.every(({ FragmentSizeInBytes }) => FragmentSizeInBytes <= 50_000_000));
});

test('without a start the last frame is now; later ingests count on from the next thousand', async (t) => {
	const directory = await temporaryDirectory(t);
	const now = 1_800_000_000_000;
	const started = await startServer(t, { now: () => now, randomInt: () => 5 });
	const file = join(directory, 'a.mkv');
	await writeFile(
		file,
		matroska([
			{ track: 1, ticks: 100 },
			{ track: 1, ticks: 1100 },
			{ track: 2, ticks: 1700 },
		]),
	);
	const first = await started.server.archive.ingest('a', file);
	t.is(first.firstProducerTimestamp?.getTime(), now - 1600);
	t.deepEqual(await started.server.archive.ingest('a', file, { start: START }), {
		...first,
		alreadyPresent: true,
		addedFragments: 0,
	});
	await writeFile(file, matroska([{ track: 1, ticks: 0, data: Buffer.from('other') }]));
	await started.server.archive.ingest('a', file);
	const numbers = (await listAll(started, 'a')).map(
		({ FragmentNumber }) => BigInt(FragmentNumber) - (1n << 156n),
	);
	t.deepEqual(
		numbers.map((number) => number >> 92n),
		[1n, 2n, 1001n],
	);
	t.true(numbers.every((number) => (number & 0xfffffffn) === 5n));
});

test('recordings: either spelling of the times, exceptions skipped, duplicates kept apart', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const ingest = async (stream: string, ...chunks: Buffer[]): Promise<IngestSummary> => {
		const file = join(directory, 'recorded.mkv');
		await writeFile(file, Buffer.concat(chunks));
		return started.server.archive.ingest(stream, file);
	};
	const one = recordedChunk('101', 5000);
	const two = recordedChunk('102', 7000);
	t.like(await ingest('a', one, exceptionChunk('55'), two), { fragments: 2, skippedDocuments: 1 });
	t.deepEqual(await mediaOf(started, 'a', await listAll(started, 'a')), Buffer.concat([one, two]));
	t.like(await ingest('a', two, recordedChunk('103', 9000), two), { fragments: 1, addedFragments: 1 });
	await t.throwsAsync(ingest('a', recordedChunk('104', 1000), recordedChunk('101', 5000, 'other')), {
		code: 'KVS_INGEST_FAILED',
		message: /^cannot ingest `.*recorded\.mkv`: the stream already has a fragment 101 with other bytes/,
	});
	t.is((await listAll(started, 'a')).length, 3);
	await t.throwsAsync(ingest('b', one, recordedChunk('101', 5000, 'apart')), { code: 'KVS_INGEST_FAILED' });
	await t.throwsAsync(ingest('b', exceptionChunk('1'), exceptionChunk('2')), {
		code: 'KVS_MEDIA_UNSUPPORTED',
	});
	await t.throwsAsync(ingest('b', one, matroska([{ track: 1, ticks: 0 }])), {
		message: /has no fragment number/,
	});
	const untimed = Buffer.from(
		one.toString('latin1').replace('_SERVER_TIMESTAMP', '_SERVER_TIMESTAMQ'),
		'latin1',
	);
	await t.throwsAsync(ingest('b', untimed), { message: /has no server timestamp/ });
	t.is(started.server.archive.stream('b'), undefined);
	await ingest('c', documentedChunk('201', 1_500_000_001_250));
	t.like((await listAll(started, 'c'))[0], {
		ProducerTimestamp: 1_500_000_001.25,
		ServerTimestamp: 1_500_000_001.75,
	});
});

test('many small fragments are listed in pages, each once', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'many.mkv');
	const numbers = await writeRecordingOf(file, 1234);
	const { server, call } = await startServer(t);
	await server.archive.ingest('many', file);
	const seen: string[] = [];
	for (let token: string | null | undefined; token !== null; ) {
		const { json } = await call('ListFragments', {
			StreamName: 'many',
			...(token ? { NextToken: token } : { FragmentSelector: everything }),
		});
		t.true(json.Fragments.length <= 100);
		seen.push(...json.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber));
		token = json.NextToken;
	}
	t.notDeepEqual(seen, numbers);
	t.deepEqual(seen.toSorted(), numbers.toSorted());
});

test('bad input fails with one line and leaves nothing', async (t) => {
	const directory = await temporaryDirectory(t);
	const data = join(directory, 'data');
	const { server } = await startServer(t, { dataDirectory: data });
	const film = matroska([
		{ track: 1, ticks: 0, data: Buffer.alloc(5000) },
		{ track: 1, ticks: 2000 },
	]);
	const recorded = recordedChunk('7', 1000, 'x'.repeat(3000));
	await mkdir(join(directory, 'folder'));
	const box = (type: string, size: number) =>
		Buffer.concat([Buffer.from([0, 0, size >> 8, size & 255]), Buffer.from(type), Buffer.alloc(8)]);
	const cases: [string, Buffer | null, string, RegExp][] = [
		['missing.mkv', null, 'KVS_INGEST_FAILED', /there is no such file/],
		['folder', null, 'KVS_MEDIA_UNSUPPORTED', /expected a regular file/],
		['empty.mkv', Buffer.alloc(0), 'KVS_MEDIA_UNSUPPORTED', /the file is empty/],
		[
			'text.mkv',
			Buffer.from('hello world, this is no film'),
			'KVS_MEDIA_UNSUPPORTED',
			/expected Matroska, WebM, MP4 or MOV/,
		],
		['short.mkv', film.subarray(0, 3), 'KVS_MEDIA_UNSUPPORTED', /expected Matroska/],
		['cut.mkv', film.subarray(0, 3000), 'KVS_MEDIA_TRUNCATED', /the media ends inside/],
		['cut-recording.mkv', recorded.subarray(0, 2000), 'KVS_MEDIA_TRUNCATED', /the media ends inside/],
		[
			'header.mkv',
			film.subarray(0, film.indexOf('V_MPEG4') - 100),
			'KVS_MEDIA_TRUNCATED',
			/ends inside|Segment is missing/,
		],
		['broken.mkv', Buffer.concat([film.subarray(0, 60), Buffer.alloc(200)]), 'KVS_MKV_MALFORMED', /at byte/],
		['no-tracks.mkv', matroska([], { tracks: [] }), 'KVS_MEDIA_UNSUPPORTED', /without tracks/],
		['no-frames.mkv', matroska([]), 'KVS_MEDIA_UNSUPPORTED', /without frames/],
		[
			'stray.mkv',
			matroska([{ track: 2, ticks: 0 }], { tracks: [1] }),
			'KVS_MKV_MALFORMED',
			/track 2, which the header does not name/,
		],
		['two.mkv', Buffer.concat([film, film]), 'KVS_MEDIA_UNSUPPORTED', /2 documents/],
		[
			'large.mkv',
			matroska([{ track: 1, ticks: 0, data: Buffer.alloc(50_000_001) }]),
			'KVS_MEDIA_UNSUPPORTED',
			/fits a fragment of at most 50000000 bytes, got one of 50000001 bytes/,
		],
		['cut.mp4', box('ftyp', 4000), 'KVS_MEDIA_TRUNCATED', /box `ftyp`/],
		['empty.mp4', box('ftyp', 16), 'KVS_MEDIA_UNSUPPORTED', /without a `moov` box/],
		['bad.mp4', Buffer.concat([box('ftyp', 16), box('moov', 16)]), 'KVS_MEDIA_UNSUPPORTED', /MP4|tracks/],
	];
	for (const [name, bytes, code, message] of cases) {
		const file = join(directory, name);
		if (bytes !== null) await writeFile(file, bytes);
		const error = await t.throwsAsync(server.archive.ingest('door', file), { code, message }, name);
		t.true(error?.message.startsWith(`cannot ingest \`${file}\`: `), error?.message);
		t.false(error?.message.includes('\n'), error?.message);
	}
	for (const name of ['', '.', '..', 'a/b', 'a'.repeat(256), 'ä']) {
		await t.throwsAsync(
			server.archive.ingest(name, join(directory, 'cut.mkv')),
			{ code: 'KVS_INVALID_OPTION' },
			name,
		);
	}
	for (const start of [new Date(Number.NaN), 'yesterday', -1])
		await t.throwsAsync(server.archive.ingest('door', 'x', { start }), { code: 'KVS_INVALID_OPTION' });
	t.deepEqual(server.archive.streams(), []);
	t.deepEqual((await readdir(data, { recursive: true })).toSorted(), ['in-use-by', 'incoming', 'streams']);
});

const run = promisify(execFile);

withFfmpeg('MP4, WebM and audio alone keep every packet', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const video = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=4'];
	const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=4:sample_rate=48000'];
	const films: [string, string[], number][] = [
		['film.mp4', [...video, ...tone, '-c:v', 'libx264', '-g', '25', '-bf', '2', '-c:a', 'aac'], 4],
		[
			'fast.mp4',
			[...video, ...tone, '-c:v', 'libx264', '-g', '50', '-c:a', 'aac', '-movflags', '+faststart'],
			2,
		],
		['film.mov', [...video, '-c:v', 'libx264', '-g', '25', '-bf', '0'], 4],
		['film.webm', [...video, ...tone, '-c:v', 'libvpx', '-g', '25', '-c:a', 'libopus'], 4],
		['audio.mp4', [...tone, '-c:a', 'aac'], 2],
	];
	for (const [name, options, fragments] of films) {
		const file = join(directory, name);
		await run('ffmpeg', ['-v', 'error', ...options, file]);
		const { stdout } = await run('ffprobe', [
			'-v',
			'error',
			'-show_entries',
			'packet=pts_time,size,stream_index',
			'-of',
			'json',
			file,
		]);
		const packets: Json[] = JSON.parse(stdout).packets;
		const stream = name.replace('.', '-');
		const summary = await started.server.archive.ingest(stream, file, { start: START });
		t.is(summary.frames, packets.length, name);
		t.true(
			summary.fragments >= fragments && summary.fragments <= fragments + 1,
			`${name}: ${summary.fragments}`,
		);
		const frames = readFrames(await mediaOf(started, stream, await listAll(started, stream)));
		for (const index of new Set(packets.map((packet) => packet.stream_index))) {
			const theirs = packets.filter((packet) => packet.stream_index === index);
			const ours = frames.filter((frame) => frame.track === index + 1);
			t.deepEqual(
				ours.map(({ data }) => data.byteLength),
				theirs.map(({ size }) => Number(size)),
				name,
			);
			// Only differences count: the file's first frame is what START names.
			const [first] = ours;
			for (const [at, packet] of theirs.entries()) {
				const expectedMs = (Number(packet.pts_time) - Number(theirs[0].pts_time)) * 1000;
				const gotMs = (ours[at] as ReadFrame).timeMs - (first as ReadFrame).timeMs;
				t.true(Math.abs(gotMs - expectedMs) <= 1.001, `${name} ${index} ${at}: ${gotMs} for ${expectedMs}`);
			}
		}
	}
	await run('ffmpeg', ['-v', 'error', ...video, '-c:v', 'mpeg4', join(directory, 'old.mp4')]);
	const error = await t.throwsAsync(started.server.archive.ingest('old', join(directory, 'old.mp4')));
	t.regex(error?.message ?? '', /^cannot ingest `.*old\.mp4`: [^\n]+$/);
});
