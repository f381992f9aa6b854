import { readFileSync } from 'node:fs';
import test from 'ava';
import { elementHeader, master } from '#lib/ebml/ebml-writer.js';
import { laceFrames, XIPH_LACING } from '#lib/mkv/lacing.js';
import { ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { PutMediaReader } from '#lib/server/put-media/put-media-reader.js';
import { videoTrack } from '../../helpers/media/payload.js';
import { sample, testWith } from '../../helpers/needs.js';
import {
	bothTracks,
	clusterOf,
	endOfFragment,
	frame,
	header,
	rawCluster,
	tags,
	timecode,
	UNSIZED,
	voidElement,
} from './body.js';
import { outline, piecesOf, type Reading, Recorder, read } from './record.js';

/** The fragments as the acknowledgements of a log say they were received. */
function receivedTimecodes(log: string): bigint[] {
	const acks = [...readFileSync(log, 'utf8').matchAll(/"EventType":"RECEIVED","FragmentTimecode":([0-9]+)/g)];
	return acks.map(([, timecodeMs]) => BigInt(timecodeMs as string));
}

function outcomes({ fragments }: Reading): (string | number)[] {
	return fragments.map(({ outcome }) => (typeof outcome === 'string' ? outcome : outcome.frames));
}

function tagNames({ fragments }: Reading): string[][] {
	return fragments.map(({ outcome }) =>
		typeof outcome === 'string' ? [outcome] : outcome.tags.map(({ name }) => name),
	);
}

const recordings = [
	'putmedia/c-offline-relative-av-tags.mkv',
	'putmedia/c-sample-realtime-tags-eofr.mkv',
	'putmedia/kvssink-avc-aac-bframes.mkv',
	'putmedia/kvssink-avc-alaw.mkv',
];

for (const recording of recordings) {
	testWith(recording)(`${recording}: the fragments of its log, and every byte of them`, (t) => {
		const body = readFileSync(sample(recording));
		const expected = receivedTimecodes(sample(recording.replace('.mkv', '.log')));
		const whole = read([body]);
		t.is(whole.error, null);
		t.deepEqual(
			whole.fragments.map(({ timecodeTicks }) => timecodeTicks),
			expected,
		);
		const { producerHeader, fragments } = whole;
		const bytes = [
			Buffer.from(producerHeader?.bytes ?? []),
			...fragments.flatMap(({ leadingTags, bytes: own }) => [leadingTags, own]),
		];
		t.true(Buffer.concat(bytes).equals(body));
		for (const { outcome, leadingTags, bytes: own } of fragments) {
			if (typeof outcome === 'string') throw t.fail(outcome);
			t.is(outcome.sizeBytes, leadingTags.byteLength + own.byteLength);
			t.is(outcome.timecodeTicks, outcome.minTicks);
			t.true(outcome.frames >= (outcome.pictures ?? 0));
		}
		const reference = JSON.stringify(outline(whole), bigints);
		for (const sizeBytes of [7, 4096, 65_524]) {
			t.true(JSON.stringify(outline(read(piecesOf(body, sizeBytes))), bigints) === reference, `${sizeBytes}`);
		}
	});
}

function bigints(_: string, value: unknown): unknown {
	return typeof value === 'bigint' ? String(value) : value;
}

testWith('putmedia/c-offline-relative-av-tags.mkv')(
	'in a recorded body, tags before the first Cluster and after each Cluster belong to its fragment',
	(t) => {
		const reading = read([readFileSync(sample('putmedia/c-offline-relative-av-tags.mkv'))]);
		t.deepEqual(
			reading.fragments.map(({ outcome }) => typeof outcome !== 'string' && outcome.tags),
			[
				[
					{ name: 'ContactId', value: 'contact-0', tags: [], position: 'before' },
					{ name: 'ContactId', value: 'contact-0', tags: [], position: 'after' },
				],
				[{ name: 'ContactId', value: 'contact-1', tags: [], position: 'after' }],
				[],
			],
		);
	},
);

/** A body with all that can stand in one, in two tracks. */
const everything = Buffer.concat([
	header({ tracks: bothTracks, more: [...tags(['site', 'north']), ...voidElement(20)] }),
	clusterOf(1000, [
		frame(0),
		frame(-20, { trackNumber: 2 }),
		frame(40, { durationTicks: 40, keyframe: true }),
		frame(80, { flags: XIPH_LACING, data: laceFrames([Buffer.from('a'), Buffer.from('bc')]) }),
	]),
	...voidElement(3),
	...tags(['door', 'open']),
	clusterOf(2000, [frame(0), frame(5, { trackNumber: 2 })], UNSIZED),
	...tags(['door', 'shut']),
	...tags(['lamp', 'on']),
	...endOfFragment,
	...tags(['next', 'one']),
	...voidElement(5),
	rawCluster(
		[voidElement(4), timecode(3000), ...[frame(0), frame(9, { trackNumber: 2 })].map((f) => clusterBlock(f))],
		UNSIZED,
	),
]);

function clusterBlock(fields: ReturnType<typeof frame>): Uint8Array[] {
	const bytes = clusterOf(0, [fields]);
	return [bytes.subarray(bytes.indexOf(Buffer.of(0xe7, 0x81, 0x00)) + 3)];
}

test('in a body with every element, blocks and tags are assigned to their fragments', (t) => {
	const reading = read([everything]);
	t.is(reading.error, null);
	t.deepEqual(outcomes(reading), [5, 2, 2]);
	t.deepEqual(tagNames(reading), [['site', 'door'], ['door', 'lamp'], ['next']]);
	const [first, second, third] = reading.fragments;
	t.deepEqual(first?.leadingTags, Buffer.concat(tags(['site', 'north'])));
	t.deepEqual(third?.leadingTags, Buffer.concat(tags(['next', 'one'])));
	t.like(first?.outcome, { minTicks: 980n, maxTicks: 1080n, lengthMs: 100, pictures: 3, picturesMs: 80 });
	t.like(second?.outcome, { producerMs: 2000, timecodeTicks: 2000n });
	t.deepEqual(
		Buffer.from(reading.producerHeader?.bytes ?? []),
		header({ tracks: bothTracks, more: voidElement(20) }),
	);
	t.deepEqual(
		reading.producerHeader?.tracks.map(({ number }) => number),
		[1, 2],
	);
});

test('a body reads the same whole, in chunks of every size, and cut in two at every byte', (t) => {
	const reference = outline(read([everything]));
	for (let sizeBytes = 1; sizeBytes <= 64; sizeBytes++) {
		t.deepEqual(outline(read(piecesOf(everything, sizeBytes))), reference, `${sizeBytes} bytes a piece`);
	}
	for (let at = 0; at <= everything.byteLength; at++) {
		t.deepEqual(
			outline(read([everything.subarray(0, at), everything.subarray(at)])),
			reference,
			`cut at byte ${at}`,
		);
	}
});

test('media is passed on without being copied, as one piece a chunk', (t) => {
	const data = Buffer.alloc(1_000_000, 7);
	const body = Buffer.concat([header(), clusterOf(0, [frame(0, { data }), frame(1), frame(2, { data })])]);
	const pieces: Uint8Array[] = [];
	const reader = new PutMediaReader(
		{
			header: () => {},
			fragmentStart: () => {},
			bytes: (bytes) => pieces.push(bytes),
			fragmentEnd: () => {},
			fragmentDropped: () => {},
		},
		{ producerStartMs: null },
	);
	reader.write(body);
	t.is(pieces.length, 2);
	t.true((pieces[0] as Uint8Array).byteLength < 20, 'the Cluster up to its Timecode');
	t.is(pieces[1]?.buffer, body.buffer);
});

test('a Segment of known size is of unknown size in the header of a fragment, and its end ends the last one', (t) => {
	const children = Buffer.concat([
		...info(1_000_000),
		...master('Tracks', [videoTrack]),
		clusterOf(0),
		clusterOf(1000, [frame(0)], UNSIZED),
	]);
	const body = Buffer.concat([...ebmlHeader(), elementHeader('Segment', children.byteLength), children]);
	const reading = read(piecesOf(body, 5), { ending: 'none' });
	t.deepEqual(outcomes(reading), [2, 1]);
	t.deepEqual(Buffer.from(reading.producerHeader?.bytes ?? []), header());
	t.is(read([body]).error, null);
	const longer = read([body, Buffer.concat(voidElement(3))]);
	t.like(longer.error, { errorId: 4006, timecodeTicks: null });
	t.deepEqual(outcomes(longer), [2, 1]);
	const cut = read([body.subarray(0, -clusterOf(1000, [frame(0)], UNSIZED).byteLength)]);
	t.like(cut.error, { errorId: 4000, timecodeTicks: null });
	t.deepEqual(outcomes(cut), [2]);
});

test('a Cluster of known size waits for its Tags until it is closed; later Tags belong to the next fragment', (t) => {
	const recorder = Object.assign(new Recorder(), { error: null });
	const reader = new PutMediaReader(recorder, { producerStartMs: null });
	const full = clusterOf(0);
	reader.write(Buffer.concat([header(), full.subarray(0, -1)]));
	t.false(reader.isFull);
	reader.closeFull();
	t.deepEqual(outcomes(recorder), ['open']);
	reader.write(full.subarray(-1));
	t.true(reader.isFull);
	const [tag] = [Buffer.concat(tags(['a', '1']))];
	reader.write(tag.subarray(0, 3));
	t.false(reader.isFull, 'inside a header');
	reader.write(tag.subarray(3, 9));
	t.false(reader.isFull, 'inside a body');
	reader.write(tag.subarray(9));
	t.true(reader.isFull);
	reader.closeFull();
	t.false(reader.isFull);
	t.deepEqual(outcomes(recorder), [2]);
	reader.write(
		Buffer.concat([...tags(['b', '2']), clusterOf(1000, [frame(0)], UNSIZED), ...tags(['c', '3'])]),
	);
	t.false(reader.isFull, 'of unknown size');
	reader.end();
	t.deepEqual(tagNames(recorder), [['a'], ['b', 'c']]);
});

test('elements that follow a Cluster are kept with it, Cues among them', (t) => {
	const cues = Buffer.concat(master('Cues', []));
	const body = [header(), clusterOf(0), cues, ...tags(['a', '1']), clusterOf(1000)];
	const reading = read(body);
	t.is(reading.error, null);
	t.deepEqual(reading.fragments[0]?.bytes, Buffer.concat([clusterOf(0), cues, ...tags(['a', '1'])]));
	t.deepEqual(tagNames(reading), [['a'], []]);
});

test('on a lost connection, a fragment whose end is known stays and any other is dropped', (t) => {
	const lost = (...body: readonly Uint8Array[]) => outcomes(read([header(), ...body], { ending: 'lost' }));
	const unsized = clusterOf(0, [frame(0)], UNSIZED);
	t.deepEqual(lost(clusterOf(0)), [2]);
	t.deepEqual(lost(clusterOf(0), Buffer.from('12', 'hex')), [2]);
	t.deepEqual(lost(clusterOf(0).subarray(0, -1)), ['dropped']);
	t.deepEqual(lost(unsized), ['dropped']);
	t.deepEqual(lost(unsized, ...tags(['a', '1'])), [1]);
	t.deepEqual(lost(unsized, Buffer.concat(tags(['a', '1'])).subarray(0, -1)), ['dropped']);
	t.deepEqual(lost(clusterOf(0, [])), ['dropped'], 'it breaks a rule');
	t.deepEqual(lost(clusterOf(0), clusterOf(1000), unsized), [2, 2, 'dropped']);
	t.deepEqual(lost(), []);
});

test('a body that ends inside an element drops that fragment', (t) => {
	const end = (...body: readonly Uint8Array[]) => {
		const reading = read([header(), ...body]);
		return [...outcomes(reading), reading.error?.errorId, reading.error?.timecodeTicks];
	};
	const unsized = clusterOf(7, [frame(0)], UNSIZED);
	t.deepEqual(end(unsized), [1, undefined, undefined]);
	t.deepEqual(end(clusterOf(7)), [2, undefined, undefined]);
	t.deepEqual(end(unsized.subarray(0, -1)), ['dropped', 4000, 7n]);
	t.deepEqual(end(clusterOf(7).subarray(0, -15)), ['dropped', 4000, 7n]);
	t.deepEqual(end(unsized, Buffer.from('a3', 'hex')), ['dropped', 4000, 7n]);
	t.deepEqual(end(clusterOf(7), Buffer.from('12', 'hex')), [2, 4000, null]);
	t.deepEqual(end(clusterOf(7, [frame(0, { durationTicks: 1 })]).subarray(0, -2)), ['dropped', 4000, 7n]);
	t.deepEqual(end(), [4006, null]);
	t.deepEqual(end(unsized.subarray(0, 12)), [4006, null]);
	t.like(read([]).error, { errorId: 4006, errorCode: 'INVALID_MKV_DATA', timecodeTicks: null });
	t.like(read([header().subarray(0, 30)]).error, { errorId: 4000 });
});

test('nothing is read after an error, and the same error comes again', (t) => {
	const recorder = new Recorder();
	const reader = new PutMediaReader(recorder, { producerStartMs: null });
	const first = t.throws(() => reader.write(Buffer.from('hello')));
	t.is(
		t.throws(() => reader.write(header())),
		first,
	);
	t.is(
		t.throws(() => reader.end()),
		first,
	);
	reader.lost();
	t.is(recorder.producerHeader, null);
});
