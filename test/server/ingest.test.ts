import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { START } from './ingest/ingested.js';
import { listAll } from './ingest/stored-frames.js';
import { matroska, recordedChunk } from './made-media.js';

test('without a start the last frame is now; fragment numbers of a later ingest begin in the next thousand', async (t) => {
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

test('refuses invalid input with a message of one line, and stores nothing', async (t) => {
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
