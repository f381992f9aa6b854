import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { element, master, type Slices, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { MediaError } from '#lib/errors.js';
import { decodedBlocks } from '#lib/mkv/decoded-blocks.js';
import { LACING_MASK, laceFrames, splitLacing } from '#lib/mkv/lacing.js';
import { MAX_INFLATED_BYTES } from '#lib/mkv/limits.js';
import { tracks } from '#lib/mkv/matroska-writer.js';
import { MatroskaParser } from '#lib/mkv/parser/matroska-parser.js';
import { readTracks } from '#lib/mkv/tracks.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { readEvents } from '../demux/read-events.js';
import { fragmentDocument, trackEntry } from '../helpers/media/payload.js';
import { testWith } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

interface EncodingFields {
	readonly order?: number;
	readonly scope?: number;
	readonly type?: number;
	readonly algorithm?: number;
	readonly settings?: Uint8Array;
	readonly encryption?: number;
}

/** A ContentEncoding with the elements that are given, and no others. */
function encoding({ order, scope, type, algorithm, settings, encryption }: EncodingFields): Slices {
	const optional = (name: string, value: number | undefined) =>
		value === undefined ? [] : [unsigned(name, value)];
	return master('ContentEncoding', [
		...optional('ContentEncodingOrder', order),
		...optional('ContentEncodingScope', scope),
		...optional('ContentEncodingType', type),
		...(encryption === undefined
			? [
					master('ContentCompression', [
						...optional('ContentCompAlgo', algorithm),
						...(settings === undefined ? [] : [element('ContentCompSettings', [settings])]),
					]),
				]
			: [master('ContentEncryption', [unsigned('ContentEncAlgo', encryption)])]),
	]);
}

function encodedTrack(...encodings: readonly EncodingFields[]): Slices {
	return trackEntry(1, 'video', 'V_TEST', [
		string('Name', 'camera'),
		element('CodecPrivate', [Buffer.from('private')]),
		element('CRC-32', [Buffer.alloc(4)]),
		master('ContentEncodings', encodings.map(encoding)),
	]);
}

const frames = [Buffer.from('first frame'), Buffer.alloc(300, 7), Buffer.from('last')];
const deflated = frames.map((frame) => deflateSync(frame));

function documentOf(track: Slices, stored: readonly Uint8Array[], isLaced = false): Buffer {
	const blockOf = (data: Uint8Array, flags: number, index: number) => ({
		trackNumber: 1,
		relativeTicks: index * 40,
		keyframe: index === 0,
		flags,
		data,
	});
	return fragmentDocument({
		number: '1',
		producerMs: 1_000_000,
		tracks: [track],
		blocks: isLaced
			? [blockOf(laceFrames(stored), 2, 0)]
			: stored.map((data, index) => blockOf(data, 0, index)),
	});
}

function framesOf(events: readonly MediaEvent[]): Uint8Array[] {
	return events.flatMap((event) => (event.type === 'frame' ? [event.data] : []));
}

function textOf(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('latin1');
}

const undone: readonly [string, Slices, readonly Uint8Array[]][] = [
	['zlib, which is the default', encodedTrack({}), deflated],
	['zlib by name', encodedTrack({ order: 0, scope: 1, type: 0, algorithm: 0 }), deflated],
	[
		'header stripping',
		encodedTrack({ algorithm: 3, settings: Buffer.from('la') }),
		frames.map((frame) => frame.subarray(2)),
	],
	[
		'header stripping before zlib, by their order',
		encodedTrack({ order: 0, algorithm: 3, settings: Buffer.from('la') }, { order: 1, algorithm: 0 }),
		frames.map((frame) => deflateSync(frame.subarray(2))),
	],
	['an encoding of the CodecPrivate alone', encodedTrack({ scope: 2, algorithm: 3 }), frames],
	['no encoding at all', encodedTrack(), frames],
];

for (const [name, track, stored] of undone) {
	test(`frames are given out without their encoding: ${name}`, (t) => {
		const isStripped = name.includes('stripping');
		const expected = frames.map((frame) =>
			isStripped ? Buffer.concat([Buffer.from('la'), frame.subarray(2)]) : frame,
		);
		for (const isLaced of [false, true]) {
			const document = documentOf(track, stored, isLaced);
			const { events, error } = readEvents([document]);
			t.is(error, null);
			t.deepEqual(framesOf(events).map(textOf), expected.map(textOf));
			const end = events.find((event) => event.type === 'fragment-end');
			t.is(
				end?.bytes,
				expected.reduce((sum, { byteLength }) => sum + byteLength, 0),
			);
		}
	});
}

test('the entry of an encoded track is rewritten without its ContentEncodings', (t) => {
	const settings = Buffer.from('pri');
	const [read] = readTracks(
		Buffer.concat([
			...trackEntry(1, 'video', 'V_TEST', [
				string('Name', 'camera'),
				element('CodecPrivate', [deflateSync(Buffer.from('vate'))]),
				element('CRC-32', [Buffer.alloc(4)]),
				master(
					'ContentEncodings',
					[
						{ order: 0, scope: 3, algorithm: 3, settings },
						{ order: 1, scope: 2 },
					].map(encoding),
				),
			]),
		]),
	);
	t.is(textOf(read?.codecPrivate ?? Buffer.alloc(0)), textOf(Buffer.from('private')));
	const plain = trackEntry(1, 'video', 'V_TEST', [
		string('Name', 'camera'),
		element('CodecPrivate', [Buffer.from('private')]),
	]);
	t.deepEqual(Buffer.concat(tracks([read?.entry as Uint8Array])), Buffer.concat(master('Tracks', [plain])));
	const [again] = readTracks(Buffer.concat([...plain]));
	t.is(again?.undoEncodings, null);
	t.deepEqual(again?.codecPrivate && Buffer.from(again.codecPrivate), Buffer.from('private'));
});

const unsupported: readonly [string, EncodingFields][] = [
	['compressed with bzlib', { algorithm: 1 }],
	['compressed with lzo1x', { algorithm: 2 }],
	['compressed with ContentCompAlgo 9', { algorithm: 9 }],
	['encrypted (AES)', { type: 1, encryption: 5 }],
	['encrypted (ContentEncAlgo 9)', { type: 1, encryption: 9 }],
	['encoded in an unknown way (ContentEncodingType 2)', { type: 2 }],
	['encoded with ContentEncodingScope 5', { scope: 5 }],
	['encoded with ContentEncodingScope 0', { scope: 0 }],
];

test('frames of any other encoding are refused by its name, and are not requested again', (t) => {
	for (const [name, fields] of unsupported) {
		const { events, error } = readEvents([documentOf(encodedTrack(fields), deflated)]);
		t.true(error instanceof MediaError, name);
		t.is((error as MediaError).code, 'KVS_MEDIA_UNSUPPORTED');
		t.true((error as MediaError).message.includes(`track 1 is ${name}`), (error as Error).message);
		t.deepEqual(framesOf(events), []);
		const failure = events.find((event) => event.type === 'fragment-failure');
		t.like(failure, { name: 'UNSUPPORTED', fragmentNumber: '1', retryable: false });
	}
});

test('bytes that do not inflate, or inflate without end, are malformed at their block', (t) => {
	const bomb = deflateSync(Buffer.alloc(MAX_INFLATED_BYTES + 1));
	const half = deflateSync(Buffer.alloc(MAX_INFLATED_BYTES / 2 + 1));
	const cases: [string, Buffer, RegExp][] = [
		['garbage', documentOf(encodedTrack({}), [Buffer.from('no zlib')]), /expected zlib data/],
		[
			'cut short',
			documentOf(encodedTrack({}), [deflated[1]?.subarray(0, 9) as Buffer]),
			/expected zlib data/,
		],
		['an empty frame', documentOf(encodedTrack({}), [Buffer.alloc(0)]), /expected zlib data/],
		['a bomb', documentOf(encodedTrack({}), [bomb]), /inflates to more than/],
		['a lace of bombs', documentOf(encodedTrack({}), [half, half], true), /inflates to more than/],
	];
	for (const [name, document, message] of cases) {
		const { error } = readEvents([document]);
		t.is((error as MediaError).code, 'KVS_MKV_MALFORMED', name);
		t.regex((error as MediaError).message, message);
		const place = (error as MediaError).offset as number;
		t.is(document[place], 0xa3, name);
	}
});

test('encodings that contradict themselves are malformed', (t) => {
	const twice = encodedTrack({ order: 1 }, { order: 1, algorithm: 3 });
	const many = encodedTrack(...Array.from({ length: 9 }, (_, order) => ({ order, algorithm: 3 })));
	for (const track of [twice, many]) {
		t.is((readEvents([documentOf(track, deflated)]).error as MediaError).code, 'KVS_MKV_MALFORMED');
	}
});

test('blocks can be copied without their encoding, laced ones too', (t) => {
	for (const isLaced of [false, true]) {
		const seen: string[] = [];
		const note = {
			documentStart: () => {},
			documentEnd: () => {},
			header: () => {},
			clusterStart: () => {},
			block: (
				_track: number,
				_ticks: number,
				flags: number,
				bytes: Uint8Array,
				start: number,
				end: number,
			): void => {
				const isStillLaced = (flags & LACING_MASK) !== 0;
				const ranges = isStillLaced ? splitLacing(bytes, start, end, flags, 0) : [{ start, end }];
				seen.push(...ranges.map((range) => textOf(bytes.subarray(range.start, range.end))));
			},
		};
		const read = readTracks(Buffer.concat([...encodedTrack({})]));
		new MatroskaParser(decodedBlocks(read, note)).write(documentOf(encodedTrack({}), deflated, isLaced));
		t.deepEqual(seen, frames.map(textOf));
	}
});

testProp(
	'a lace that is written is read again',
	[fc.array(fc.uint8Array({ size: '+1', maxLength: 600 }), { minLength: 1, maxLength: 256 })],
	(t, written) => {
		const laced = laceFrames(written);
		const read = splitLacing(laced, 0, laced.byteLength, 2, 0);
		t.deepEqual(
			read.map(({ start, end }) => Uint8Array.from(laced.subarray(start, end))),
			written,
		);
	},
	{ numRuns: 50 },
);

testWith('ffmpeg', 'mkvmerge')('what mkvmerge compresses comes out as it went in', async (t) => {
	const directory = await temporaryDirectory(t);
	const plain = join(directory, 'plain.mkv');
	const source = 'testsrc=duration=1:size=160x120:rate=10';
	t.is((await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, '-c:v', 'mpeg4', plain])).code, 0);
	const all = (file: string) => {
		const { events, error } = readEvents([readFileSync(file)]);
		t.is(error, null);
		return framesOf(events).map(textOf);
	};
	for (const compression of ['zlib', 'none']) {
		const merged = join(directory, `${compression}.mkv`);
		t.is((await run('mkvmerge', ['-q', '--compression', `0:${compression}`, '-o', merged, plain])).code, 0);
		t.deepEqual(all(merged), all(plain), compression);
	}
});
