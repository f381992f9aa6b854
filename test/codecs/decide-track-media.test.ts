// Longer than 300 lines: a table of codecs with the bytes of each.

import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Frame } from 'kvs-archive';
import { rawBlocksOfAdts } from '#lib/codecs/adts-frames.js';
import { trackMedia } from '#lib/codecs/decide-track-media.js';
import { storedParameterSets } from '#lib/codecs/nal/parameter-sets.js';
import type { TrackMedia } from '#lib/codecs/track-media.js';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import { madeTrack } from '../helpers/media/muxing.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

// What x264 and x265 write of 322×242.
const AVC_SETS = ['6764000cacd94150878888c044000003000400000300503c50a658', '68ebe3cb22c0'].map(bytes);
const HEVC_SETS = [
	'40010c01ffff01600000030090000003000003003c959809',
	'42010101600000030090000003000003003ca00a480f9c9265959a4932bc05a02000000300200000030141',
	'4401c172b46240',
].map(bytes);

const withStartCodes = (units: readonly Uint8Array[], zeros = 3): Buffer =>
	Buffer.concat(units.flatMap((unit) => [Buffer.alloc(zeros), Buffer.of(1), unit]));
const withLengths = (units: readonly Uint8Array[]): Buffer =>
	Buffer.concat(
		units.flatMap((unit) => {
			const length = Buffer.alloc(4);
			length.writeUInt32BE(unit.byteLength);
			return [length, unit];
		}),
	);

const codings = {
	avc: { codecId: 'V_MPEG4/ISO/AVC', sets: AVC_SETS, codec: 'avc1.64000c', slice: bytes('65888400aabb') },
	hevc: {
		codecId: 'V_MPEGH/ISO/HEVC',
		sets: HEVC_SETS,
		codec: 'hvc1.1.6.L60.90',
		slice: bytes('2601aabbcc'),
	},
};

const asHex = (frames: readonly Uint8Array[]): string[] =>
	frames.map((frame) => Buffer.from(frame).toString('hex'));

for (const [name, { codecId, sets, codec, slice }] of Object.entries(codings)) {
	const record = trackMedia(madeTrack({ type: 'video', codecId, codecPrivate: withStartCodes(sets) })).track
		.codecPrivate as Uint8Array;
	const keyFrame = [...sets, slice];

	test(`${name}: a canonical track stays the same object, and its frames the same bytes`, (t) => {
		const right = trackMedia(
			madeTrack({ type: 'video', codecId, codecPrivate: record, width: 322, height: 242 }),
		);
		const again = trackMedia(right.track);
		t.is(again.track, right.track);
		const frame = withLengths(keyFrame);
		t.is(again.frames(frame)[0], frame);
		t.is(again.missing, null);
	});

	test(`${name}: CodecPrivate and frames of either form, with any number of zeros, are normalised to one form`, (t) => {
		for (const codecPrivate of [record, ...[2, 3, 4, 9].map((zeros) => withStartCodes(sets, zeros))]) {
			const media = trackMedia(madeTrack({ type: 'video', codecId, codecPrivate }));
			const {
				codecPrivate: canonical,
				codec: codecString,
				width,
				height,
				nalFormat,
				nalLengthBytes,
			} = media.track;
			t.deepEqual(Buffer.from(canonical as Uint8Array), Buffer.from(record));
			t.deepEqual(
				{ codecString, width, height, nalFormat, nalLengthBytes },
				{ codecString: codec, width: 322, height: 242, nalFormat: 'length-prefixed', nalLengthBytes: 4 },
			);
			for (const stored of [
				withLengths(keyFrame),
				...[2, 3, 4, 9].map((zeros) => withStartCodes(keyFrame, zeros)),
			]) {
				t.deepEqual(asHex(media.frames(stored)), asHex([withLengths(keyFrame)]));
			}
		}
	});

	test(`${name}: a frame without a NAL unit is dropped`, (t) => {
		for (const track of [madeTrack({ codecId }), madeTrack({ codecId, codecPrivate: record })]) {
			for (const hex of [
				'',
				'00000001',
				'000001',
				'0000000001',
				'00000000',
				'0000000000000000',
				'00',
				'000001000001',
			]) {
				t.deepEqual(trackMedia(track).frames(bytes(hex)), [], hex);
			}
		}
	});

	test(`${name}: without CodecPrivate the parameter sets come from the first key frame, and equal sets give one track`, (t) => {
		const track = madeTrack({ type: 'video', codecId });
		const delta = withStartCodes([slice]);
		const media = trackMedia(track, [delta, withStartCodes(keyFrame), delta]);
		t.deepEqual(Buffer.from(media.track.codecPrivate as Uint8Array), Buffer.from(record));
		t.is(trackMedia(track, [withLengths(keyFrame)]).track, media.track);
		t.is(trackMedia(media.track).track, media.track);
		const lacking = trackMedia(track, [delta]);
		t.regex(lacking.missing ?? '', /^no CodecPrivate, and its key frames hold no (?:VPS, )?SPS and PPS$/);
		t.deepEqual(lacking.frames(delta), [delta]);
	});

	test(`${name}: a set that the CodecPrivate lacks is taken from a key frame`, (t) => {
		const track = madeTrack({ type: 'video', codecId, codecPrivate: withStartCodes(sets.slice(0, -1)) });
		t.regex(trackMedia(track).missing ?? '', /^a CodecPrivate without parameter sets, and its key frames/);
		const media = trackMedia(track, [withStartCodes([sets.at(-1) as Uint8Array, slice])]);
		t.deepEqual(Buffer.from(media.track.codecPrivate as Uint8Array), Buffer.from(record));
	});

	test(`${name}: the size is that of the parameter sets where the container has another, or none`, (t) => {
		for (const size of [{}, { width: 640, height: 480 }]) {
			const { width, height } = trackMedia(
				madeTrack({ type: 'video', codecId, codecPrivate: record, ...size }),
			).track;
			t.deepEqual({ width, height }, { width: 322, height: 242 });
		}
	});

	testProp(
		`${name}: arbitrary bytes are accepted, and give the same track and no empty frames`,
		[fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 5 })],
		(t, codecPrivate, body, zeros) => {
			const track = madeTrack({ type: 'video', codecId, codecPrivate });
			for (const stored of [body, Buffer.concat([Buffer.alloc(zeros), Buffer.of(1), body])]) {
				const media = trackMedia(track, [stored]);
				t.is(trackMedia(track, [stored]).track, media.track);
				for (const frame of media.frames(stored)) t.true(frame.byteLength > 0);
			}
		},
	);
}

test('a length of 256 to 511 bytes is not taken for a start code, even if the lengths do not add up', (t) => {
	const { track } = trackMedia(
		madeTrack({ type: 'video', codecId: codings.avc.codecId, codecPrivate: withStartCodes(AVC_SETS) }),
	);
	const media = trackMedia(track);
	const slice = Buffer.concat([bytes('419a'), Buffer.alloc(0x141 - 2, 0x55)]);
	const frame = withLengths([slice]);
	t.is(media.frames(frame)[0], frame);
	const cut = frame.subarray(0, -1);
	t.is(media.frames(cut)[0], cut);
	// The same number of bytes, as a slice after the shortest start code.
	const annexB = Buffer.concat([
		bytes('000001'),
		slice.subarray(0, 1),
		bytes('9a'),
		Buffer.alloc(0x141 - 1, 0x55),
	]);
	t.is(annexB.byteLength, 4 + 0x141);
	t.deepEqual(asHex(media.frames(annexB)), asHex([withLengths([annexB.subarray(3)])]));
});

/** An ADTS frame of AAC-LC at 48 kHz in stereo. */
function adts(blocks: readonly Uint8Array[], { hasChecksum = false } = {}): Buffer {
	const rest = !hasChecksum
		? blocks
		: [
				...blocks.slice(0, -1).map((_, index) => {
					const position = Buffer.alloc(2);
					position.writeUInt16BE(
						blocks.slice(0, index + 1).reduce((sum, { byteLength }) => sum + byteLength + 2, 0),
					);
					return position;
				}),
				Buffer.from('cccc', 'hex'),
				...blocks.flatMap((block) => (blocks.length === 1 ? [block] : [block, Buffer.from('cccc', 'hex')])),
			];
	const body = Buffer.concat(rest);
	const size = 7 + body.byteLength;
	return Buffer.concat([
		Buffer.of(
			0xff,
			hasChecksum ? 0xf0 : 0xf1,
			0x4c,
			0x80 | (size >> 11),
			(size >> 3) & 0xff,
			((size & 7) << 5) | 0x1f,
			0xfc | (blocks.length - 1),
		),
		body,
	]);
}

test('ADTS headers are taken off, of 7 and of 9 bytes, and the configuration is theirs where the track has none', (t) => {
	const block = bytes('210049900219002380');
	const other = bytes('2100499002190023aabb');
	for (const codecPrivate of [bytes('1190'), null, Buffer.alloc(0), adts([block])]) {
		const track = madeTrack({ codecId: 'A_AAC', codecPrivate });
		const media = trackMedia(track, [Buffer.alloc(0), adts([block])]);
		t.is(media.missing, null);
		t.deepEqual(Buffer.from(media.track.codecPrivate as Uint8Array), bytes('1190'));
		const { codec, sampleRate, channels } = media.track;
		t.deepEqual({ codec, sampleRate, channels }, { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2 });
		t.is(media.frames(block)[0], block);
		for (const hasChecksum of [false, true]) {
			t.deepEqual(asHex(media.frames(adts([block], { hasChecksum }))), asHex([block]));
			const two = Buffer.concat([adts([block], { hasChecksum }), adts([other], { hasChecksum })]);
			t.deepEqual(asHex(media.frames(two)), asHex([block, other]));
		}
		t.deepEqual(asHex(media.frames(adts([block, other], { hasChecksum: true }))), asHex([block, other]));
		t.deepEqual(asHex(media.frames(adts([block, other]))), asHex([Buffer.concat([block, other])]));
		t.deepEqual(media.frames(Buffer.alloc(0)), []);
	}
	const lacking = trackMedia(madeTrack({ codecId: 'A_AAC' }), [block]);
	t.is(lacking.missing, 'no CodecPrivate, and its frames have no ADTS header');
});

testProp(
	'arbitrary bytes after an ADTS syncword are split into blocks no longer than the frame',
	[fc.uint8Array({ maxLength: 80 })],
	(t, body) => {
		const frame = Buffer.concat([Buffer.of(0xff, 0xf1), body]);
		const blocks = rawBlocksOfAdts(frame) ?? [];
		t.true(blocks.reduce((sum, { byteLength }) => sum + byteLength, 0) <= frame.byteLength);
	},
);

test('the old CodecIDs of AAC without CodecPrivate get a configuration', (t) => {
	const cases = { 'A_AAC/MPEG2/LC': '1190', 'A_AAC/MPEG4/MAIN': '0990', 'A_AAC/MPEG4/LC/SBR': '2b118800' };
	for (const [codecId, config] of Object.entries(cases)) {
		const sampleRate = codecId.endsWith('SBR') ? 24_000 : 48_000;
		const { track, missing } = trackMedia(madeTrack({ codecId, sampleRate, channels: 2 }));
		t.is(missing, null);
		t.is(track.codecId, 'A_AAC');
		t.is(Buffer.from(track.codecPrivate as Uint8Array).toString('hex'), config, codecId);
	}
	t.is(
		trackMedia(madeTrack({ codecId: 'A_AAC/MPEG2/LC' })).missing,
		'no CodecPrivate, and its frames have no ADTS header',
	);
});

const facts = ({ track, missing }: TrackMedia): object => {
	const { codecId, codec, codecPrivate, sampleRate, channels, bitDepth } = track;
	return {
		codecId,
		codec,
		config: codecPrivate && Buffer.from(codecPrivate).toString('hex'),
		sampleRate,
		channels,
		bitDepth,
		missing,
	};
};

test('what Amazon Connect calls AAC is PCM', (t) => {
	t.deepEqual(facts(trackMedia(madeTrack({ codecId: 'A_AAC', name: 'AUDIO_FROM_CUSTOMER' }))), {
		codecId: 'A_PCM/INT/LIT',
		codec: 'pcm-s16',
		config: null,
		sampleRate: 8000,
		channels: 1,
		bitDepth: 16,
		missing: null,
	});
});

test('a WAVEFORMATEX takes precedence over the Audio element', (t) => {
	const mulaw = '0700 0100 401f0000 401f0000 0100 0800 0000';
	const fields = { codecId: 'A_MS/ACM', codecPrivate: bytes(mulaw), sampleRate: 44_100, channels: 2 };
	const rest = { sampleRate: 8000, channels: 1, bitDepth: 8, missing: null };
	t.deepEqual(facts(trackMedia(madeTrack(fields))), {
		codecId: 'A_MS/ACM',
		codec: 'ulaw',
		config: mulaw.replaceAll(' ', ''),
		...rest,
	});
	const aac = bytes('ff00 0200 80bb0000 00000000 0100 1000 0200 1190');
	t.deepEqual(facts(trackMedia(madeTrack({ codecId: 'A_MS/ACM', codecPrivate: aac }))), {
		codecId: 'A_AAC',
		codec: 'mp4a.40.2',
		config: '1190',
		sampleRate: 48_000,
		channels: 2,
		bitDepth: 16,
		missing: null,
	});
	t.is(trackMedia(madeTrack({ codecId: 'A_MS/ACM' })).missing, 'no CodecPrivate that is a WAVEFORMATEX');
});

test('Opus of up to two channels without an OpusHead gets one', (t) => {
	const { track } = trackMedia(
		madeTrack({ codecId: 'A_OPUS', codec: 'opus', sampleRate: 48_000, channels: 2 }),
	);
	t.is(
		Buffer.from(track.codecPrivate as Uint8Array).toString('hex'),
		'4f707573486561640102000080bb0000000000',
	);
	t.is(
		trackMedia(madeTrack({ codecId: 'A_OPUS', sampleRate: 48_000, channels: 6 })).missing,
		'no CodecPrivate, and nothing else says how its channels are laid out',
	);
});

test('tracks and frames of other codecs stay unchanged', (t) => {
	for (const codecId of ['V_VP9', 'V_AV1', 'A_VORBIS', 'A_PCM/INT/LIT', 'S_TEXT/UTF8']) {
		const track = madeTrack({ codecId });
		const frame = Buffer.of(0, 0, 0, 1);
		t.is(trackMedia(track).track, track);
		t.is(trackMedia(track).frames(frame)[0], frame);
		t.deepEqual(trackMedia(track).frames(new Uint8Array(0)), []);
	}
});

for (const [encoder, pixels, name] of [
	['libx264', 'yuv420p', 'H.264'],
	['libx264', 'yuv422p10le', 'H.264 in 4:2:2 of 10 bits'],
	['libx265', 'yuv420p', 'H.265'],
	['libx265', 'yuv444p10le', 'H.265 in 4:4:4 of 10 bits'],
] as const) {
	withFfmpeg(
		`${name}: parameter sets with start codes make the same decoder configuration as ffmpeg`,
		async (t) => {
			const path = join(await temporaryDirectory(t), 'made.mkv');
			const source = [
				'-nostdin',
				'-v',
				'error',
				'-f',
				'lavfi',
				'-i',
				'testsrc=s=162x122:r=5:d=1',
				'-pix_fmt',
				pixels,
			];
			t.is((await run('ffmpeg', [...source, '-c:v', encoder, path])).code, 0);
			const frames = await matroskaFrames(path);
			const { track } = frames[0] as Frame;
			t.is(trackMedia(track).track, track);
			for (const { data } of frames) t.is(trackMedia(track).frames(data)[0], data);
			const codec = encoder === 'libx264' ? 'avc' : 'hevc';
			const sets = storedParameterSets(track.codecPrivate as Uint8Array, codec);
			const codecPrivate = withStartCodes(sets);
			const made = trackMedia(madeTrack({ type: 'video', codecId: track.codecId, codecPrivate })).track;
			t.deepEqual([made.codec, made.width, made.height], [track.codec, 162, 122]);
			// Of H.265: up to the number of arrays, but for what no parameter set says of segments and parallelism; ffmpeg has a SEI too.
			const headBytes = codec === 'avc' ? track.codecPrivate?.byteLength : 22;
			const head = (record: Uint8Array | null): Uint8Array => {
				const copy = Uint8Array.from(record?.subarray(0, headBytes) ?? []);
				if (codec === 'hevc') copy.fill(0, 13, 16);
				return copy;
			};
			t.deepEqual(head(made.codecPrivate), head(track.codecPrivate));
			t.deepEqual(asHex(storedParameterSets(made.codecPrivate as Uint8Array, codec)), asHex(sets));
		},
	);
}
