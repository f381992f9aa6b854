import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { findLateTracks, type LateTracks } from '#lib/demux/late-tracks.js';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { master, type Slices } from '#lib/ebml/ebml-writer.js';
import { MAX_BYTES_BEFORE_TRACKS } from '#lib/mkv/limits.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { frameBlock, serviceTags, videoTrack } from '../helpers/media/payload.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { grammarFault, readEvents } from './read-events.js';

const FRAMES = 1500;
const clusters = (frameBytes: number, count: number): Slices[] => [
	cluster(
		0n,
		Array.from({ length: FRAMES }, (_, index) => block(frameBlock(index, { relativeTicks: index }))).flat(),
	),
	...Array.from({ length: count }, (_, index) =>
		cluster(BigInt(2000 + index), block({ ...frameBlock(0), data: Buffer.alloc(frameBytes) })),
	),
];

/** A document with its Tracks in front, or after its Clusters. */
function documentOf({ isLate = true, frameBytes = 10, count = 1 } = {}): Buffer {
	const trackElement = master('Tracks', [videoTrack]);
	const media = clusters(frameBytes, count);
	return Buffer.concat([
		...ebmlHeader(),
		...master(
			'Segment',
			[
				info(1_000_000),
				serviceTags({ FRAGMENT_NUMBER: '1', PRODUCER_TIMESTAMP: '5' }),
				...(isLate ? [...media, trackElement] : [trackElement, ...media]),
				master('Tags', []),
			],
			{ isSizeUnknown: true },
		),
	]);
}

const lines = (events: readonly MediaEvent[]): string[] => events.map((event) => JSON.stringify(event));

test('Tracks after the Clusters give the same events as Tracks before them', (t) => {
	const expected = lines(readEvents([documentOf({ isLate: false }), documentOf({ isLate: false })]).events);
	const bytes = Buffer.concat([documentOf(), documentOf()]);
	for (const chunkBytes of [bytes.byteLength, 1000, 61]) {
		const chunks: Buffer[] = [];
		for (let at = 0; at < bytes.byteLength; at += chunkBytes)
			chunks.push(bytes.subarray(at, at + chunkBytes));
		const { events, error } = readEvents(chunks);
		t.is(error, null);
		t.is(grammarFault(events), null);
		t.deepEqual(lines(events), expected);
	}
});

test('Clusters of a document that has no Tracks are a failure in their place', (t) => {
	const document = documentOf();
	const without = document.subarray(0, document.lastIndexOf(Buffer.from('1654ae6b', 'hex')));
	const { events, error } = readEvents([without, documentOf({ isLate: false })]);
	t.is(error, null);
	t.is(grammarFault(events), null);
	t.like(events[0], { type: 'fragment-failure', name: 'MALFORMED', fragmentNumber: '1' });
	t.is(events.filter(({ type }) => type === 'frame').length, FRAMES + 1);
	const { events: cut } = readEvents([document.subarray(0, -30)]);
	t.deepEqual(
		cut.map(({ type }) => type),
		['fragment-failure'],
	);
});

async function read(bytes: Buffer, lateTracks?: LateTracks): Promise<MediaEvent[]> {
	const reader = new MkvReader(lateTracks === undefined ? {} : { lateTracks });
	const events: MediaEvent[] = [];
	const source = Readable.from(chunksOf(bytes), { objectMode: true });
	await pipeline(source, reader, async (read: AsyncIterable<MediaEvent>) => {
		for await (const event of read) events.push(event);
	});
	return events;
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
	for (let at = 0; at < bytes.byteLength; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
}

test('more media than is held before its Tracks needs them from a first pass', async (t) => {
	const frameBytes = 1 << 20;
	const bytes = documentOf({ frameBytes, count: MAX_BYTES_BEFORE_TRACKS / frameBytes });
	await t.throwsAsync(read(bytes), {
		code: 'KVS_MEDIA_UNSUPPORTED',
		message: /at byte \d+; read it as a file instead of a pipe \(option `lateTracks`\), or remux it$/,
	});
	const lateTracks = await findLateTracks(Readable.from(chunksOf(bytes)));
	t.deepEqual([...lateTracks.keys()], [0]);
	const events = await read(bytes, lateTracks);
	t.is(events.filter(({ type }) => type === 'frame').length, FRAMES + MAX_BYTES_BEFORE_TRACKS / frameBytes);
	t.like(events.at(-1), { type: 'fragment-end', complete: true });
});

test('the search for late Tracks ends at Tracks before the Clusters, and at malformed bytes', async (t) => {
	let chunks = 0;
	async function* endless(): AsyncGenerator<Buffer> {
		for (; chunks < 100; chunks++) yield documentOf({ isLate: false });
	}
	t.is((await findLateTracks(endless())).size, 0);
	t.is(chunks, 0);
	const two = Buffer.concat([documentOf(), documentOf(), Buffer.alloc(1)]);
	t.deepEqual([...(await findLateTracks(Readable.from([two]))).keys()], [0, documentOf().byteLength]);
});

test('inspect reads a file whose Tracks stand at its end, and stdin', async (t) => {
	const file = join(await temporaryDirectory(t), 'late.mkv');
	const bytes = documentOf({ frameBytes: 1 << 20, count: 70 });
	await writeFile(file, bytes);
	const command = ['dist/cli/main.js', 'inspect', file];
	const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 30 });
	t.is(stdout.split('\n').filter((line) => line.startsWith('  frame')).length, FRAMES + 70);
	t.is((await findLateTracks(createReadStream(file))).size, 1);
});
