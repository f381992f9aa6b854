// Longer than 300 lines: a test for each way in which a fragment can fail.

import test from 'ava';
import { DemuxContext } from '#lib/demux/demux-context.js';
import { PayloadReader } from '#lib/demux/payload-reader.js';
import { element, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { MediaError } from '#lib/errors.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import type { FragmentFailureEvent, MediaEvent } from '#lib/model/media-event.js';
import {
	failureDocument,
	fragmentDocument,
	frameBlock,
	serviceTags,
	videoTrack,
} from '../helpers/media/payload.js';
import { grammarFault, readEvents } from './read-events.js';

const whole = fragmentDocument({ number: '1', producerMs: 1_000_000 });
const next = fragmentDocument({ number: '2', producerMs: 1_040_000 });

function types(events: readonly MediaEvent[]): string[] {
	return events.filter(({ type }) => type !== 'gap').map(({ type }) => type);
}

function failureIn(events: readonly MediaEvent[]): FragmentFailureEvent | undefined {
	return events.find((event) => event.type === 'fragment-failure');
}

const getMediaSpelling = (code: number, name: string): Record<string, string> => ({
	ERROR_CODE: name,
	ERROR_ID: String(code),
	FRAGMENT_NUMBER: '77',
});
const documentedSpelling = (code: number, message: string): Record<string, string> => ({
	FRAGMENT_NUMBER: '77',
	EXCEPTION_ERROR_CODE: String(code),
	EXCEPTION_MESSAGE: message,
});

test('an exception of either spelling is a failure in its place', (t) => {
	for (const tags of [getMediaSpelling(3000, 'FRAGMENT_NOT_FOUND'), documentedSpelling(3000, 'not there')]) {
		const document = failureDocument(tags);
		for (const payload of [[document], [document, next], [whole, document, next]]) {
			const { events, error } = readEvents(payload);
			t.is(error, null);
			t.is(grammarFault(events), null);
			const failure = failureIn(events);
			t.is(failure?.fragmentNumber, '77');
			t.is(failure?.index, null);
			t.is(failure?.code, 3000);
			t.is(failure?.name, 'FRAGMENT_NOT_FOUND');
			t.true(failure?.retryable);
			t.is(typeof failure?.offset, 'number');
			t.is(events.filter(({ type }) => type === 'fragment').length, payload.length - 1);
		}
	}
});

test('the exception number decides whether the failure is retryable', (t) => {
	const codes = {
		3000: true,
		3002: true,
		4000: true,
		4500: false,
		4501: false,
		4502: false,
		4503: true,
		4504: false,
	};
	for (const [code, retryable] of Object.entries({
		...codes,
		4505: false,
		4506: false,
		5000: true,
		5001: true,
		9: false,
	})) {
		const failure = failureIn(readEvents([failureDocument(documentedSpelling(Number(code), 'x'))]).events);
		t.is(failure?.retryable, retryable, code);
		t.is(failure?.message, 'x');
	}
});

test('an exception after media fails the fragment after its frames', (t) => {
	const tags = serviceTags(getMediaSpelling(5000, 'INTERNAL_ERROR'));
	const { events } = readEvents([whole, Buffer.concat(tags), next]);
	t.deepEqual(types(events), [
		'fragment',
		'frame',
		'fragment-failure',
		'fragment-end',
		'fragment',
		'frame',
		'fragment-end',
	]);
	t.is(failureIn(events)?.offset, whole.byteLength);
	t.is(failureIn(events)?.index, 0);
});

test('an exception in a document with Info and Tracks but no Cluster has no fragment', (t) => {
	const document = Buffer.concat([
		...ebmlHeader(),
		...master(
			'Segment',
			[
				info(1_000_000),
				master('Tracks', [videoTrack]),
				serviceTags(getMediaSpelling(4000, 'FRAGMENT_NOT_FOUND')),
			],
			{ isSizeUnknown: true },
		),
	]);
	const { events } = readEvents([document, whole]);
	t.deepEqual(types(events), ['fragment-failure', 'fragment', 'frame', 'fragment-end']);
});

test('an exception takes precedence over a cut after it', (t) => {
	const document = Buffer.concat([
		failureDocument(getMediaSpelling(4503, 'KMS_KEY_UNAVAILABLE')),
		Buffer.of(0x12, 0x54),
	]);
	t.is(failureIn(readEvents([document]).events)?.name, 'KMS_KEY_UNAVAILABLE');
});

test('a document with a number and neither Cluster nor exception is a fragment of no frames', (t) => {
	const { events } = readEvents([failureDocument({ FRAGMENT_NUMBER: '5' }), next]);
	t.deepEqual(types(events), ['fragment', 'fragment-end', 'fragment', 'frame', 'fragment-end']);
});

test('tags that name the fragment after its Cluster name its end', (t) => {
	const document = Buffer.concat([
		...ebmlHeader(),
		...master(
			'Segment',
			[
				master('Tracks', [videoTrack]),
				cluster(0n, block(frameBlock(0))),
				serviceTags({ FRAGMENT_NUMBER: '9' }),
			],
			{ isSizeUnknown: true },
		),
	]);
	const end = readEvents([document]).events.find(({ type }) => type === 'fragment-end');
	t.like(end, { fragmentNumber: '9', complete: true });
});

test('a cut in any element of known size is a failure after the frames that arrived', (t) => {
	const clusterStart = whole.indexOf(Buffer.from('1f43b675', 'hex'));
	for (let length = whole.byteLength + 1; length < whole.byteLength + next.byteLength; length++) {
		const { events, error } = readEvents([Buffer.concat([whole, next]).subarray(0, length)]);
		t.is(error, null);
		t.is(grammarFault(events), null);
		const failure = failureIn(events);
		const inNext = length - whole.byteLength;
		if (failure !== undefined) {
			t.is(failure.name, 'TRUNCATED');
			t.is(failure.offset, length);
			t.true(failure.error instanceof MediaError);
		} else {
			// Elements of unknown size are all that is open, and none of the Segment's children is half there.
			t.true(inNext <= clusterStart, `${inNext}`);
		}
		// Three bytes may be the beginning of anything; the fourth makes them the next document.
		const ends = events.filter((event) => event.type === 'fragment-end');
		t.is(ends[0]?.complete, inNext >= 5 || failure === undefined, `${inNext}`);
	}
});

test('the last byte of a Cluster counts, though it falls between two blocks', (t) => {
	const blocks = [...block(frameBlock(0)), ...element('Void', [Buffer.alloc(0)])];
	const document = Buffer.concat([
		...ebmlHeader(),
		...master('Segment', [master('Tracks', [videoTrack]), cluster(0n, blocks)], { isSizeUnknown: true }),
	]);
	const { events } = readEvents([document.subarray(0, -2)]);
	t.deepEqual(types(events), ['fragment', 'frame', 'fragment-failure', 'fragment-end']);
	t.is(
		failureIn(events)?.message,
		`the media ends inside a Cluster (2 bytes are missing) at byte ${document.length - 2}`,
	);
});

test('a cut in a Segment of known size is a failure', (t) => {
	const children = [master('Tracks', [videoTrack]), cluster(0n, block(frameBlock(0))), element('Void', [])];
	const document = Buffer.concat([...ebmlHeader(), ...master('Segment', children)]);
	t.is(failureIn(readEvents([document.subarray(0, -2)]).events)?.name, 'TRUNCATED');
	t.is(failureIn(readEvents([document]).events), undefined);
});

test('where all sizes are unknown, the end of the transport decides whether the fragment is cut', (t) => {
	const write = (end: Error | null): MediaEvent[] => {
		const reader = new PayloadReader(new DemuxContext());
		return [...reader.write(whole), ...reader.end(end)].flat();
	};
	t.deepEqual(types(write(null)), ['fragment', 'frame', 'fragment-end']);
	const events = write(new Error('aborted'));
	t.deepEqual(types(events), ['fragment', 'frame', 'fragment-failure', 'fragment-end']);
	t.like(failureIn(events), {
		name: 'TRUNCATED',
		fragmentNumber: '1',
		message: 'aborted',
		offset: whole.byteLength,
	});
});

test('garbage is an error with its offset', (t) => {
	const cases: [string, Buffer, number][] = [
		['no Matroska', Buffer.from('RIFF....WAVEfmt '), 0],
		['zeros after a document', Buffer.concat([whole, Buffer.alloc(100)]), whole.byteLength],
		['ones after a document', Buffer.concat([whole, Buffer.alloc(100, 255)]), whole.byteLength],
		['a Segment without a header', Buffer.concat([...master('Segment', [])]), 0],
		['another format', Buffer.concat(master('EBML', [string('DocType', 'matrix')])), 0],
		['a header of 1 GB', Buffer.from('1a45dfa3010000003b9aca00', 'hex'), 0],
		[
			'a block of 1 TB',
			Buffer.concat([whole, Buffer.from('1254c36701000010000000000000', 'hex')]),
			whole.byteLength,
		],
		[
			'an unknown element of 1 TB',
			Buffer.concat([whole, Buffer.from('4321010001000000000000', 'hex')]),
			whole.byteLength,
		],
	];
	for (const [name, bytes, offset] of cases) {
		for (const chunks of [[bytes], Array.from(bytes, (byte) => Buffer.of(byte))]) {
			const { error } = readEvents(chunks);
			t.true(error instanceof MediaError, name);
			t.is((error as MediaError).code, 'KVS_MKV_MALFORMED', name);
			const at = (error as MediaError).offset as number;
			t.true(at >= offset && at < offset + 12, `${name}: ${at}`);
		}
	}
});

test('invalid blocks are malformed', (t) => {
	const documentOf = (...children: Uint8Array[][]): Buffer =>
		Buffer.concat([...ebmlHeader(), ...master('Segment', [master('Tracks', [videoTrack]), ...children])]);
	const cases: [string, Buffer][] = [
		['before a Timecode', documentOf(master('Cluster', [block(frameBlock(0))]))],
		[
			'of a track that the header does not have',
			documentOf(cluster(0n, block(frameBlock(0, { trackNumber: 7 })))),
		],
		['of three bytes', documentOf(cluster(0n, element('SimpleBlock', [Buffer.of(0x81, 0, 0)])))],
		['with a lace of no frames', documentOf(cluster(0n, element('SimpleBlock', [Buffer.of(0x81, 0, 0, 2)])))],
		['that is not there', documentOf(cluster(0n, element('BlockGroup', [])))],
		[
			'larger than its Cluster',
			documentOf([...master('Cluster', [unsigned('Timecode', 0), [Buffer.of(0xa3, 0x88, 0x81)]])]),
		],
	];
	for (const [name, bytes] of cases) t.true(readEvents([bytes]).error instanceof MediaError, name);
});

test('resync continues at the next document, wherever the bytes are cut', (t) => {
	const decoys = Buffer.concat([
		Buffer.from('1a45dfa3', 'hex'),
		Buffer.from('1a45dfa31a45dfa3840000', 'hex'),
		Buffer.concat(master('EBML', [string('DocType', 'matrix')])),
		Buffer.from('1a45dfa3084286810142f7810142f2', 'hex'),
	]);
	const broken = Buffer.concat([
		whole,
		Buffer.alloc(3),
		decoys,
		Buffer.alloc(3000, 0x1a),
		next,
		Buffer.alloc(9),
		whole,
	]);
	const expected = readEvents([broken], { resync: true });
	t.is(expected.error, null);
	t.deepEqual(types(expected.events), [
		'fragment',
		'frame',
		'fragment-failure',
		'fragment-end',
		'fragment',
		'frame',
		'fragment-failure',
		'fragment-end',
		'fragment',
		'frame',
		'fragment-end',
	]);
	t.like(failureIn(expected.events), { name: 'MALFORMED', offset: whole.byteLength, fragmentNumber: '1' });
	const text = JSON.stringify(expected.events);
	for (let place = 0; place < broken.byteLength; place++) {
		const chunks = [broken.subarray(0, place), broken.subarray(place)];
		t.is(JSON.stringify(readEvents(chunks, { resync: true }).events), text, `cut at ${place}`);
	}
	const single = Array.from(broken, (byte) => Buffer.of(byte));
	t.is(JSON.stringify(readEvents(single, { resync: true }).events), text);
});

test('resync finds the document after bytes that are not a document, and a document inside a broken Cluster', (t) => {
	const noise = readEvents([Buffer.from('HTTP/1.1 200 OK\r\n'), whole], { resync: true });
	t.deepEqual(types(noise.events), ['fragment-failure', 'fragment', 'frame', 'fragment-end']);
	t.like(noise.events[0], { index: null, fragmentNumber: null, name: 'MALFORMED', offset: 0 });
	const inside = Buffer.concat([whole.subarray(0, -16), next]);
	t.deepEqual(types(readEvents([inside], { resync: true }).events), [
		'fragment',
		'fragment-failure',
		'fragment-end',
		'fragment',
		'frame',
		'fragment-end',
	]);
});
