import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { type CodecDetails, codecDetails, codecString, registeredCodecId } from '#lib/codecs/codec.js';
import { nalFormatOfFrame } from '#lib/codecs/nal/nal-format.js';
import { float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { readTracks } from '#lib/mkv/tracks.js';
import type { Track } from '#lib/model/track.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

// What x264 and x265 write: 322×242, whose last macroblocks are cropped; 320×200 interlaced, 4:4:4.
const AVC_SPS = '6764000cacd94150878888c044000003000400000300503c50a658';
const AVC_INTERLACED_SPS = '67f40015919b282877e37011000003000100000300141f142996';
const AVC_PPS = '68ebe3cb22c0';
const HEVC_VPS = '40010c01ffff01600000030090000003000003003c959809';
const HEVC_SPS = '42010101600000030090000003000003003ca00a480f9c9265959a4932bc05a02000000300200000030141';
const HEVC_PPS = '4401c172b46240';

const sized = (hex: string): string => (hex.length / 2).toString(16).padStart(4, '0') + hex;
const avcC = `0164000cffe1${sized(AVC_SPS)}01${sized(AVC_PPS)}`;
const hvcC =
	'0101600000009000000000003cf000fcfdf8f800000f' +
	`03 20 0001 ${sized(HEVC_VPS)} 21 0001 ${sized(HEVC_SPS)} 22 0001 ${sized(HEVC_PPS)}`;

const cases: Record<string, { id: string; config?: string; bitDepth?: number; details: CodecDetails }> = {
	'an AVC record': {
		id: 'V_MPEG4/ISO/AVC',
		config: avcC,
		details: {
			codec: 'avc1.64000c',
			nalFormat: 'length-prefixed',
			nalLengthBytes: 4,
			width: 322,
			height: 242,
		},
	},
	'an AVC record by the CodecID of the service': {
		id: 'V_MPEG/ISO/AVC',
		config: `0164000c01e1${sized(AVC_SPS)}01${sized(AVC_PPS)}`,
		details: {
			codec: 'avc1.64000c',
			nalFormat: 'length-prefixed',
			nalLengthBytes: 2,
			width: 322,
			height: 242,
		},
	},
	'an AVC record whose reserved bits are zero': {
		id: 'V_MPEG4/ISO/AVC',
		config: `01f400150301${sized(AVC_INTERLACED_SPS)}01${sized(AVC_PPS)}`,
		details: {
			codec: 'avc1.f40015',
			nalFormat: 'length-prefixed',
			nalLengthBytes: 4,
			width: 320,
			height: 200,
		},
	},
	'AVC parameter sets with start codes': {
		id: 'V_MPEG4/ISO/AVC',
		config: `00000001${AVC_SPS}000001${AVC_PPS}`,
		details: { codec: 'avc1.64000c', nalFormat: 'annex-b', width: 322, height: 242 },
	},
	'an AVC record without parameter sets': {
		id: 'V_MPEG4/ISO/AVC',
		config: '0142c028ffe000',
		details: { codec: 'avc1.42c028', nalFormat: 'length-prefixed', nalLengthBytes: 4 },
	},
	'an AVC record whose parameter set is cut': {
		id: 'V_MPEG4/ISO/AVC',
		config: '0142c028ffe1001b6764',
		details: { codec: 'avc1.42c028', nalFormat: 'length-prefixed', nalLengthBytes: 4 },
	},
	'no AVC record': { id: 'V_MPEG4/ISO/AVC', details: { codec: null } },
	'an HEVC record': {
		id: 'V_MPEGH/ISO/HEVC',
		config: hvcC,
		details: {
			codec: 'hvc1.1.6.L60.90',
			nalFormat: 'length-prefixed',
			nalLengthBytes: 4,
			width: 322,
			height: 242,
		},
	},
	'HEVC parameter sets with start codes': {
		id: 'V_MPEG/ISO/HEVC',
		config: `00000001${HEVC_VPS}00000001${HEVC_SPS}00000001${HEVC_PPS}`,
		details: { codec: 'hvc1.1.6.L60.90', nalFormat: 'annex-b', width: 322, height: 242 },
	},
	'an AV1 record': { id: 'V_AV1', config: '81 08 4c 00', details: { codec: 'av01.0.08M.10' } },
	'an AV1 record of the high tier': {
		id: 'V_AV1',
		config: '81 4d e0 00',
		details: { codec: 'av01.2.13H.12' },
	},
	VP8: { id: 'V_VP8', details: { codec: 'vp8' } },
	'VP9 with its features': {
		id: 'V_VP9',
		config: '010102 020129 03010a',
		details: { codec: 'vp09.02.41.10' },
	},
	'VP9 without': { id: 'V_VP9', details: { codec: null } },
	'a bitmap header': {
		id: 'V_MS/VFW/FOURCC',
		config: '28000000 80020000 20feffff 0100 1800 4d4a5047',
		details: { codec: null, width: 640, height: 480 },
	},
	AAC: { id: 'A_AAC', config: '1190', details: { codec: 'mp4a.40.2', sampleRate: 48000, channels: 2 } },
	'AAC at 8 kHz': {
		id: 'A_AAC',
		config: '1588',
		details: { codec: 'mp4a.40.2', sampleRate: 8000, channels: 1 },
	},
	'HE-AAC': {
		id: 'A_AAC',
		config: '2b92 0800',
		details: { codec: 'mp4a.40.5', sampleRate: 44100, channels: 2 },
	},
	'AAC of any rate': {
		id: 'A_AAC',
		config: '17 80 09 cd 88',
		details: { codec: 'mp4a.40.2', sampleRate: 5019, channels: 1 },
	},
	'AAC without a configuration': { id: 'A_AAC', details: { codec: null } },
	'AAC of old': { id: 'A_AAC/MPEG4/LC', details: { codec: 'mp4a.40.2' } },
	'A-law': {
		id: 'A_MS/ACM',
		config: '0600 0100 401f0000 401f0000 0100 0800 0000',
		details: { codec: 'alaw', sampleRate: 8000, channels: 1, bitDepth: 8 },
	},
	'µ-law': {
		id: 'A_MS/ACM',
		config: '0700 0200 401f0000 803e0000 0200 0800 0000',
		details: { codec: 'ulaw', sampleRate: 8000, channels: 2, bitDepth: 8 },
	},
	'PCM of a wave header': {
		id: 'A_MS/ACM',
		config: '0100 0100 803e0000 007d0000 0200 1000',
		details: { codec: 'pcm-s16', sampleRate: 16000, channels: 1, bitDepth: 16 },
	},
	'float of an extensible wave header': {
		id: 'A_MS/ACM',
		config: 'feff 0100 803e0000 00fa0000 0400 2000 1600 2000 04000000 0300 0000000010008000 00aa00389b71',
		details: { codec: 'pcm-f32', sampleRate: 16000, channels: 1, bitDepth: 32 },
	},
	'a wave header that is cut': { id: 'A_MS/ACM', config: '0700 0200', details: { codec: null } },
	'little-endian PCM': { id: 'A_PCM/INT/LIT', bitDepth: 24, details: { codec: 'pcm-s24' } },
	'big-endian PCM': { id: 'A_PCM/INT/BIG', bitDepth: 16, details: { codec: null } },
	float: { id: 'A_PCM/FLOAT/IEEE', bitDepth: 32, details: { codec: 'pcm-f32' } },
	Opus: { id: 'A_OPUS', details: { codec: 'opus' } },
	'an unknown codec': { id: 'V_TEST', details: { codec: null } },
};

for (const [name, { id, config, bitDepth, details }] of Object.entries(cases)) {
	test(`gives the codec details of ${name}`, (t) => {
		const codecPrivate = config === undefined ? null : bytes(config);
		t.deepEqual(codecDetails({ codecId: id, codecPrivate, bitDepth }), details);
		if (bitDepth === undefined) t.is(codecString(id, codecPrivate), details.codec);
	});
}

function track(codecId: string, more: Uint8Array[][]): Track {
	const entry = master('TrackEntry', [
		unsigned('TrackNumber', 1),
		unsigned('TrackType', 2),
		string('CodecID', codecId),
		...more,
	]);
	return readTracks(Buffer.concat(entry))[0] as Track;
}

test("Amazon Connect's tracks are known by their names, not by their CodecID", (t) => {
	for (const name of [
		'AUDIO_FROM_CUSTOMER',
		'AUDIO_TO_CUSTOMER',
		'Track_audio/L16',
		'AUDIO_TO_CUSTOMER\0\0\0 ',
	]) {
		const connect = track('A_AAC', [string('Name', name)]);
		t.like(connect, { codecId: 'A_AAC', codec: 'pcm-s16', sampleRate: 8000, channels: 1, bitDepth: 16 });
	}
	t.is(track('A_AAC', [string('Name', 'AUDIO_FROM_CUSTOMER_2')]).codec, null);
	t.is(track('A_OPUS', [string('Name', 'AUDIO_FROM_CUSTOMER')]).codec, 'opus');
});

test('values of the container take precedence over those of the codec, and those of the codec over defaults', (t) => {
	const config = ['CodecPrivate', bytes('1190')] as const;
	const codecPrivate = [Buffer.concat([bytes('63a282'), config[1]])];
	t.like(track('A_AAC', [codecPrivate]), { sampleRate: 48000, channels: 2 });
	t.like(track('A_AAC', [codecPrivate, master('Audio', [])]), { sampleRate: 48000, channels: 2 });
	const audio = master('Audio', [float('SamplingFrequency', 24000), unsigned('Channels', 1)]);
	t.like(track('A_AAC', [codecPrivate, audio]), { sampleRate: 24000, channels: 1 });
	t.like(track('A_TEST', [master('Audio', [])]), { sampleRate: 8000, channels: 1 });
	t.is(track('A_TEST', []).sampleRate, undefined);
});

test('TrackUIDs have all their 64 bits', (t) => {
	t.is(track('A_TEST', [unsigned('TrackUID', 0xfedc_ba98_7654_3210n)]).uid, 0xfedc_ba98_7654_3210n);
	t.is(track('A_TEST', []).uid, null);
});

test('detects whether a frame is in Annex B or length-prefixed', (t) => {
	t.is(nalFormatOfFrame(bytes('00000001 6588'), 'avc'), 'annex-b');
	t.is(nalFormatOfFrame(bytes('000001 6588'), 'avc'), 'annex-b');
	t.is(nalFormatOfFrame(bytes('00000002 6588 00000001 06'), 'avc'), 'length-prefixed');
	t.is(nalFormatOfFrame(bytes('0002 6588'), 'avc', 2), 'length-prefixed');
	t.is(
		nalFormatOfFrame(Buffer.concat([bytes('00000102 41'), Buffer.alloc(0x101, 7)]), 'avc'),
		'length-prefixed',
	);
	t.is(nalFormatOfFrame(bytes('65880000'), 'avc'), null);
	t.is(nalFormatOfFrame(Buffer.alloc(0), 'avc'), null);
});

test("the service's CodecIDs are written as the registry spells them", (t) => {
	t.is(registeredCodecId('V_MPEG/ISO/AVC'), 'V_MPEG4/ISO/AVC');
	t.is(registeredCodecId('V_MPEG/ISO/HEVC'), 'V_MPEGH/ISO/HEVC');
	t.is(registeredCodecId('A_AAC'), 'A_AAC');
});

testProp(
	'any CodecPrivate is read without an error, and gives no size of zero',
	[
		fc.constantFrom(
			'V_MPEG4/ISO/AVC',
			'V_MPEGH/ISO/HEVC',
			'V_AV1',
			'V_VP9',
			'A_AAC',
			'A_MS/ACM',
			'V_MS/VFW/FOURCC',
		),
		fc.constantFrom(avcC, hvcC, '1190', `00000001${AVC_SPS}`, ''),
		fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
		fc.uint8Array({ maxLength: 60 }),
	],
	(t, codecId, hex, changes, tail) => {
		const codecPrivate = Buffer.concat([bytes(hex), tail]);
		for (const [place, byte] of changes)
			if (codecPrivate.length > 0) codecPrivate[place % codecPrivate.length] = byte;
		const { width = 1, height = 1 } = codecDetails({ codecId, codecPrivate });
		t.true(width > 0 && height > 0);
	},
	{ numRuns: 3000 },
);
