import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { IngestSummary } from '#lib/server/index.js';
import { sample, testWith } from '../../helpers/needs.js';
import { everything, type Json, startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { documentedChunk, exceptionChunk, matroska, recordedChunk, writeRecordingOf } from '../made-media.js';
import { listAll, mediaOf } from './stored-frames.js';

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

test('a recording may spell its times either way; exceptions are skipped, and a number with other bytes is refused', async (t) => {
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
