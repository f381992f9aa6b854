/* A stream carried away with exportRaw and put into another archive: numbers, times and bytes are those of the first. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { TimeRange } from 'kvs-archive';
import { fragmentDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { sample, testWith } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { Producer } from '../helpers/service/producer.js';
import { readRecordedSession, recordedSessions } from '../helpers/service/recorded-session.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { documentedChunk } from '../server/made-media.js';
import {
	bothTracks,
	clusterOf,
	endOfFragment,
	frame,
	header,
	tags,
	UNSIZED,
	voidElement,
} from '../server/put-media/body.js';
import { type Original, originalsOf } from './originals.js';

const everything: TimeRange = { from: new Date(0), to: new Date(8.64e15 / 2), by: 'producer' };

/** Carries a stream into another archive. Returns what it was. */
async function carry(
	t: ExecutionContext,
	endpoint: string,
	stream: string,
	atOnce = 1,
): Promise<readonly Original[]> {
	const before = await originalsOf(t, endpoint, stream, atOnce);
	const file = join(await temporaryDirectory(t), 'raw.mkv');
	const summary = await openArchive(t, endpoint, { streamName: stream }).exportRaw(everything, file);
	const bytes = Buffer.concat(before.map((original) => original.bytes));
	t.like(summary, {
		isComplete: true,
		fragments: before.length,
		delivered: before.length,
		file,
		fileBytes: bytes.byteLength,
	});
	t.true(bytes.equals(await readFile(file)));

	const other = await startArchive(t, { carried: file });
	const after = await originalsOf(t, other.endpoint, 'carried', atOnce);
	t.deepEqual(
		after.map(({ listed }) => listed),
		before.map(({ listed }) => listed),
	);
	// To compare a megabyte with `deepEqual` takes seconds.
	const changed = before.filter(
		(original, index) => !original.bytes.equals(after[index]?.bytes ?? Buffer.of()),
	);
	t.deepEqual(
		changed.map(({ listed }) => listed.FragmentNumber),
		[],
	);
	return before;
}

for (const [name, count] of [
	['output_get_media.mkv', 5],
	['output_get_media_sparse_fragments.mkv', 3],
	['vogels_480.mkv', 6],
] as const) {
	testWith(name)(`${name}, as the local archive stores it`, async (t) => {
		const { endpoint } = await startArchive(t, { door: sample(name) });
		t.is((await carry(t, endpoint, 'door')).length, count);
	});
}

test('a payload with the times as they are documented, and in it a fragment without media', async (t) => {
	const numbers = [1, 2, 3].map(fragmentNumber) as [string, string, string];
	const media = Buffer.concat([
		documentedChunk(numbers[0], 1_500_000_001_250),
		fragmentDocument({ number: numbers[1], producerMs: 1_500_000_002_250, blocks: [] }),
		documentedChunk(numbers[2], 1_500_000_003_250),
	]);
	const { endpoint } = await startArchive(t, { door: media });
	const originals = await carry(t, endpoint, 'door');
	t.deepEqual(
		originals.map(({ listed }) => listed.FragmentNumber),
		numbers,
	);
	t.true(Buffer.concat(originals.map(({ bytes }) => bytes)).equals(media));
});

test('more fragments than one response has', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(700) });
	t.is((await carry(t, endpoint, 'door', 50)).length, 700);
});

for (const name of recordedSessions) {
	testWith(`putmedia/${name}.mkv`)(`what a producer put: ${name}`, async (t) => {
		const { endpoint, server } = await startArchive(t, {});
		await server.archive.ready;
		await server.archive.createStream({ name: 'cam' });
		const { chunks } = await readRecordedSession(name);
		const producer = await Producer.open(endpoint, { stream: 'cam' });
		await producer.put(Buffer.concat(chunks));
		t.true((await carry(t, endpoint, 'cam')).length > 0);
	});
}

test('tags before and after Clusters of unknown size, voids, two sessions, and a clock that was set back', async (t) => {
	const { endpoint, server } = await startArchive(t, {});
	await server.archive.ready;
	await server.archive.createStream({ name: 'cam' });
	const blocks = [frame(0), frame(0, { trackNumber: 2 }), frame(40)];
	for (const startMs of [50_000, 10_000]) {
		const producer = await Producer.open(endpoint, { stream: 'cam' });
		await producer.put(
			Buffer.concat([
				header({ tracks: bothTracks, more: tags(['ContactId', `call-${startMs}`]) }),
				clusterOf(startMs, blocks, UNSIZED),
				...tags(['motion', '1'], ['door', 'öffnet']),
				...voidElement(300),
				clusterOf(startMs + 1000, blocks, UNSIZED),
				...endOfFragment,
				...voidElement(0),
				clusterOf(startMs + 2000, blocks),
				...tags(['last', '']),
			]),
		);
	}
	const originals = await carry(t, endpoint, 'cam');
	t.is(originals.length, 6);
	t.true(originals[0]?.bytes.includes('call-10000'));
	t.true(originals[3]?.bytes.includes('öffnet'));
});
