import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { MediaError } from '#lib/errors.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { fragmentDocument, frameBlock } from '../helpers/media/payload.js';
import { sample, testWith } from '../helpers/needs.js';
import { grammarFault, readEvents } from './read-events.js';

interface Expected {
	readonly fragments: number;
	readonly frames: number;
	readonly gaps: number;
	readonly sha256: string;
}

function readsSample(name: string, expected: Expected): void {
	testWith(name)(`reads every frame of ${name}, byte for byte`, async (t) => {
		const path = sample(name);
		for (const chunkBytes of [7 * 1024, 64 * 1024, 1024 * 1024]) {
			const hash = createHash('sha256');
			const events: MediaEvent[] = [];
			const file = createReadStream(path, { highWaterMark: chunkBytes });
			await pipeline(file, new MkvReader(), async (source: AsyncIterable<MediaEvent>) => {
				for await (const event of source) {
					if (event.type === 'frame') hash.update(event.data);
					events.push(event);
				}
			});
			const count = (type: MediaEvent['type']): number =>
				events.filter((event) => event.type === type).length;
			t.is(grammarFault(events), null);
			t.is(count('fragment-failure'), 0);
			t.deepEqual(
				{
					fragments: count('fragment'),
					frames: count('frame'),
					gaps: count('gap'),
					sha256: hash.digest('hex'),
				},
				expected,
			);
		}
	});
}

readsSample('output_get_media.mkv', {
	fragments: 5,
	frames: 300,
	gaps: 0,
	sha256: 'e9fbb6b8f8b697d1a2e961992408151af50b7f22893b7c7a3ad5089a25283472',
});
readsSample('output_get_media_sparse_fragments.mkv', {
	fragments: 3,
	frames: 180,
	gaps: 2,
	sha256: 'a9d13fb7f6c22fd886fc3f4910d86ebd4a63bdb1b6f235d5edc90776f8c5e585',
});
readsSample('clusters.mkv', {
	fragments: 1,
	frames: 444,
	gaps: 0,
	sha256: '26b6699018aa9c23abd1689664e0b72e532fdba4cdb2da046375997fe10a1458',
});
readsSample('vogels_480.mkv', {
	fragments: 1,
	frames: 2334,
	gaps: 0,
	sha256: 'c3ebfc5bb947e1b4f8aa81243483cb0f73bf5a1a9b7269f88442d2828bcddbdd',
});

testWith('output_get_media.mkv')('reads the times and the tracks of a real capture', (t) => {
	const path = sample('output_get_media.mkv');
	const { events } = readEvents([readFileSync(path)]);
	const fragment = events.find((event) => event.type === 'fragment');
	const frames = events.filter((event) => event.type === 'frame');
	t.is(fragment?.fragmentNumber, '91343852333181432392682062607743920146159169392');
	t.is(fragment?.producerTimestamp?.toISOString(), '2017-11-28T06:55:08.513Z');
	t.is(fragment?.serverTimestamp?.toISOString(), '2017-11-28T06:55:09.126Z');
	t.is(frames[1]?.timestampMs, Date.parse('2017-11-28T06:55:08.546Z'));
	t.is(frames[60]?.timecodeNs, 2_000_000_000n);
	t.is(frames[60]?.timestampMs, Date.parse('2017-11-28T06:55:10.513Z'));
	// The avcC of this producer leaves its reserved bits zero.
	const [track] = fragment?.tracks ?? [];
	t.is(track?.codec, 'avc1.4d401e');
	t.is(track?.nalFormat, 'length-prefixed');
	t.is(track?.nalLengthBytes, 4);
	const end = events.find((event) => event.type === 'fragment-end');
	t.deepEqual(
		end?.tags.filter(({ position }) => position === 'after').map(({ name, value }) => [name, value]),
		[
			['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', '15858'],
			['AWS_KINESISVIDEO_CONTINUATION_TOKEN', '91343852333181432392682062607743920146159169392'],
		],
	);
	t.is(end?.tags.find(({ name }) => name === 'DURATION')?.value, '00:00:10.000000000');
});

const first = fragmentDocument({
	number: '1',
	producerMs: 1_000_000,
	blocks: Array.from({ length: 700 }, (_, index) =>
		frameBlock(index, { keyframe: index === 0, relativeTicks: index }),
	),
});
const second = fragmentDocument({ number: '2', producerMs: 1_000_700 });
/** A Segment of unknown size ends at the EBML header; then comes an id of more than four bytes. */
const garbage = Buffer.from([0x00, 0x11, 0x22, 0x33]);

type Consumer = (reader: MkvReader, write: () => void, take: (event: MediaEvent) => void) => Promise<void>;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

const consumers: Readonly<Record<string, { deliver?: 'batch'; consume: Consumer }>> = {
	'for await': {
		async consume(reader, write, take) {
			write();
			for await (const event of reader) {
				take(event);
				if (event.type === 'frame' && event.timecodeNs % 100_000_000n === 0n) await pause();
			}
		},
	},
	'batches()': {
		async consume(reader, write, take) {
			write();
			for await (const events of reader.batches()) {
				events.forEach(take);
				await pause();
			}
		},
	},
	"for await with deliver: 'batch'": {
		deliver: 'batch',
		async consume(reader, write, take) {
			write();
			for await (const events of reader) {
				events.forEach(take);
				await pause();
			}
		},
	},
	"on('data')": {
		consume: (reader, write, take) =>
			new Promise((resolve, reject) => {
				reader.on('data', take).on('error', reject).on('end', resolve);
				write();
			}),
	},
	'pipeline into a generator': {
		consume: (reader, write, take) => {
			write();
			return pipeline(reader, async (source: AsyncIterable<MediaEvent>) => {
				for await (const event of source) {
					take(event);
					if (event.type === 'frame' && event.timecodeNs % 100_000_000n === 0n) await pause();
				}
			});
		},
	},
	'pipeline into a Writable': {
		consume: (reader, write, take) => {
			write();
			const writable = new Writable({
				objectMode: true,
				write(event, _encoding, callback) {
					take(event);
					callback();
				},
			});
			return pipeline(reader, writable);
		},
	},
};

for (const [name, { deliver, consume }] of Object.entries(consumers)) {
	test(`an error comes after every event before it: ${name}`, async (t) => {
		const reader = new MkvReader(deliver === undefined ? {} : { deliver });
		const events: MediaEvent[] = [];
		const error = await t.throwsAsync(
			consume(
				reader,
				() => {
					Readable.from([first, Buffer.concat([second, garbage])], { objectMode: true }).pipe(reader);
				},
				(event) => events.push(event),
			),
			{ instanceOf: MediaError, code: 'KVS_MKV_MALFORMED' },
		);
		t.is(error?.offset, first.byteLength + second.byteLength);
		t.is(events.filter(({ type }) => type === 'frame').length, 701);
		const last = events.slice(-2);
		t.deepEqual(
			last.map(({ type }) => type),
			['fragment-failure', 'fragment-end'],
		);
		t.is(grammarFault(events), null);
	});
}

test('leaving a loop early closes everything', async (t) => {
	for (const isBatched of [false, true]) {
		const body = Readable.from(
			(function* () {
				for (;;) yield first;
			})(),
			{ objectMode: true },
		);
		const reader = new MkvReader();
		const done = pipeline(body, reader);
		for await (const event of isBatched ? reader.batches() : reader) {
			if (event !== undefined) break;
		}
		t.true(reader.closed);
		t.true(body.destroyed);
		await t.throwsAsync(done, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
	}
});

test('a stream that is destroyed from outside ends the loop at once', async (t) => {
	const reader = new MkvReader();
	const reason = new Error('enough');
	reader.end(first);
	let count = 0;
	await t.throwsAsync(
		async () => {
			for await (const _ of reader) if (++count === 10) reader.destroy(reason);
		},
		{ is: reason },
	);
	t.is(count, 10);
});

test('holds a bounded number of events, however many one chunk expands to', async (t) => {
	const reader = new MkvReader();
	reader.end(Buffer.concat(Array.from({ length: 50 }, () => first)));
	reader.on('readable', () => {});
	await new Promise((resolve) => setImmediate(resolve));
	t.true(reader.readableLength <= 16);
	reader.destroy();
	await t.notThrowsAsync(new Promise((resolve) => reader.once('close', resolve)));
});

test('a frame is a view of its chunk, or a copy where that is asked for', async (t) => {
	for (const copy of [false, true]) {
		const reader = new MkvReader({ copy });
		reader.end(first);
		for await (const event of reader as AsyncIterable<MediaEvent>) {
			if (event.type === 'frame') t.is(event.data.buffer === first.buffer, !copy);
		}
	}
});

test('an event costs its documented JSON line and no more', (t) => {
	const { events } = readEvents([second]);
	t.deepEqual(JSON.parse(JSON.stringify(events[1])), {
		type: 'frame',
		index: 0,
		fragmentNumber: '2',
		track: 1,
		timestampMs: 1_000_700,
		timestamp: '1970-01-01T00:16:40.700Z',
		timecodeNs: '0',
		keyframe: true,
		durationMs: null,
		size: 10,
	});
	t.deepEqual(Object.keys(events[1] as MediaEvent), [
		'type',
		'index',
		'fragmentNumber',
		'track',
		'timestampMs',
		'keyframe',
		'durationMs',
		'data',
	]);
});
