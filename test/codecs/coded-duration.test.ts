import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { codecDetails } from '#lib/codecs/codec.js';
import { codedDurationMs } from '#lib/codecs/coded-duration.js';
import type { Track } from '#lib/model/track.js';
import { readEvents } from '../demux/read-events.js';
import { madeTrack } from '../helpers/media/muxing.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** A track as the demuxer makes it of what the container says. */
function track(
	codecId: string,
	{ hex = '', name = '', sampleRate = 0, bitDepth = 0, channels = 1 } = {},
): Track {
	const codecPrivate = hex === '' ? null : Buffer.from(hex, 'hex');
	const { isMislabelled, ...coding } = codecDetails({ codecId, codecPrivate, name, bitDepth });
	const container = {
		...(sampleRate > 0 ? { sampleRate } : {}),
		channels,
		...(bitDepth > 0 ? { bitDepth } : {}),
	};
	return madeTrack({
		codecId,
		codecPrivate,
		name,
		...(isMislabelled ? coding : { ...coding, ...container }),
		codec: coding.codec,
	});
}

/** WAVEFORMATEX of a format at 8,000 Hz. */
function waveFormat(tag: number, channels: number, bits: number, extra = ''): string {
	const head = Buffer.alloc(18);
	head.writeUInt16LE(tag, 0);
	head.writeUInt16LE(channels, 2);
	head.writeUInt32LE(8000, 4);
	head.writeUInt16LE(bits, 14);
	return head.toString('hex') + extra;
}

const cases: readonly [string, Track, string, number | null][] = [
	['PCM', track('A_PCM/INT/LIT', { sampleRate: 8000, bitDepth: 16 }), '00'.repeat(320), 20],
	[
		'PCM of the most significant byte first',
		track('A_PCM/INT/BIG', { sampleRate: 8000, bitDepth: 16 }),
		'00'.repeat(320),
		20,
	],
	[
		'stereo PCM of 24 bits',
		track('A_PCM/INT/LIT', { sampleRate: 48000, bitDepth: 24, channels: 2 }),
		'00'.repeat(288),
		1,
	],
	['PCM by WAVEFORMATEX', track('A_MS/ACM', { hex: waveFormat(1, 1, 16) }), '00'.repeat(320), 20],
	['G.711 by WAVEFORMATEX', track('A_MS/ACM', { hex: waveFormat(7, 1, 8) }), '00'.repeat(160), 20],
	["Amazon Connect's PCM", track('A_AAC', { name: 'AUDIO_FROM_CUSTOMER' }), '00'.repeat(320), 20],
	['AAC-LC', track('A_AAC', { hex: '1190' }), '21', 64 / 3],
	['AAC-LC of 960 samples', track('A_AAC', { hex: '1194' }), '21', 20],
	[
		'AAC-LC whose configuration the container contradicts',
		track('A_AAC', { hex: '1310', sampleRate: 48000 }),
		'21',
		128 / 3,
	],
	['HE-AAC, SBR signalled', track('A_AAC', { hex: '2b118800' }), '21', 128 / 3],
	['HE-AAC, SBR signalled and cut short', track('A_AAC', { hex: '2b1188' }), '21', 128 / 3],
	['HE-AAC v2', track('A_AAC', { hex: 'eb098800' }), '21', 128 / 3],
	['AAC-LD', track('A_AAC', { hex: 'b990' }), '21', 512 / 48],
	['AAC by WAVEFORMATEX', track('A_MS/ACM', { hex: waveFormat(0xff, 1, 16, '1190') }), '21', 64 / 3],
	['AAC by its CodecID alone', track('A_AAC/MPEG4/LC', { sampleRate: 8000 }), '21', 128],
	['AAC of no rate', track('A_AAC/MPEG4/LC'), '21', null],
	['Opus, one frame', track('A_OPUS'), '78', 20],
	['Opus, two frames', track('A_OPUS'), '79', 40],
	['Opus, two frames of two sizes', track('A_OPUS'), '7a', 40],
	['Opus, three frames', track('A_OPUS'), '7b03', 60],
	['Opus, more than a packet holds', track('A_OPUS'), '7b3f', null],
	['Opus, empty', track('A_OPUS'), '', null],
	['MP3', track('A_MPEG/L3'), 'fffb9000', 1152 / 44.1],
	['MP3 of a low rate', track('A_MPEG/L3'), 'fff39000', 576 / 22.05],
	['MP2', track('A_MPEG/L2'), 'fffd9000', 1152 / 44.1],
	['MP1', track('A_MPEG/L1'), 'ffff9000', 384 / 44.1],
	['MP3 by WAVEFORMATEX', track('A_MS/ACM', { hex: waveFormat(0x55, 1, 0) }), 'fffb9000', 1152 / 44.1],
	['MP3 without its sync word', track('A_MPEG/L3'), '00fb9000', null],
	['AC-3', track('A_AC3'), '0b7700001440', 32],
	['AC-3 of 44.1 kHz', track('A_AC3'), '0b7700005440', 1536 / 44.1],
	['AC-3 at half its rate', track('A_AC3'), '0b7700001448', 64],
	['E-AC-3 of two syncframes of a block', track('A_EAC3'), `${'0b7700020080'.repeat(2)}`, 2 * (256 / 48)],
	['E-AC-3 with a dependent substream', track('A_EAC3'), '0b77000230800b7740023080', 32],
	['E-AC-3 of 24 kHz', track('A_EAC3'), '0b770002c080', 64],
	['AC-3 without its sync word', track('A_AC3'), '007700001440', null],
	['a codec that says nothing', track('A_VORBIS', { sampleRate: 8000 }), '00', null],
];

test('the duration of a frame comes from its codec', (t) => {
	for (const [name, made, hex, expected] of cases) {
		const durationMs = codedDurationMs(made, Buffer.from(hex, 'hex'));
		if (expected === null) t.is(durationMs, null, name);
		else t.true(Math.abs((durationMs ?? 0) - expected) < 1e-9, `${name}: ${durationMs}`);
	}
});

testProp(
	'arbitrary bytes have a finite duration, or none',
	[fc.constantFrom(...cases.map(([, made]) => made)), fc.uint8Array({ maxLength: 40 })],
	(t, made, data) => {
		const durationMs = codedDurationMs(made, data);
		t.true(durationMs === null || (Number.isFinite(durationMs) && durationMs >= 0), `${durationMs}`);
	},
);

withFfmpeg('durations agree with those that ffmpeg writes', async (t) => {
	const directory = await temporaryDirectory(t);
	for (const codec of ['aac', 'libopus', 'libmp3lame', 'mp2', 'ac3', 'eac3', 'pcm_s16le', 'pcm_mulaw']) {
		const file = join(directory, `${codec}.mkv`);
		const sine = 'sine=duration=1:sample_rate=48000';
		t.is((await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', sine, '-c:a', codec, file])).code, 0);
		const { events } = readEvents([readFileSync(file)]);
		const frames = events.filter((event) => event.type === 'frame').slice(0, -1);
		const coded = frames.map((frame) => codedDurationMs(frame.track, frame.data) ?? Number.NaN);
		const total = coded.reduce((sum, ms) => sum + ms, 0);
		const times = frames.map(({ timecodeNs }) => Number(timecodeNs) / 1e6);
		const span = Math.max(...times) - Math.min(...times);
		t.true(Math.abs(total - (coded.at(-1) as number) - span) < 1.5, `${codec}: ${total} of ${span}`);
	}
});
