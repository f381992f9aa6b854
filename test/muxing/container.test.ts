import test from 'ava';
import type { TrackFields } from '#lib/model/track.js';
import { type Container, checkTracks, containerOf } from '#lib/muxing/container.js';
import { madeTrack } from '../helpers/media/muxing.js';

const video = { type: 'video', width: 320, height: 240 } as const;
const audio = { sampleRate: 8000, channels: 1 };
const tracks: Record<string, Partial<TrackFields>> = {
	'H.264': { ...video, codec: 'avc1.42c028' },
	'H.265': { ...video, codec: 'hvc1.1.6.L60.90' },
	VP8: { ...video, codec: 'vp8' },
	VP9: { ...video, codec: null, codecId: 'V_VP9' },
	AV1: { ...video, codec: 'av01.0.08M.10' },
	AAC: { ...audio, codec: 'mp4a.40.2' },
	Opus: { ...audio, codec: 'opus' },
	Vorbis: { ...audio, codec: 'vorbis' },
	PCM: { ...audio, codec: 'pcm-s16' },
	'8-bit PCM': { ...audio, codec: 'pcm-u8' },
	'24-bit PCM': { ...audio, codec: 'pcm-s24' },
	'big-endian PCM': { ...audio, codec: null, codecId: 'A_PCM/INT/BIG', bitDepth: 16 },
	'µ-law': { ...audio, codec: 'ulaw' },
	MP3: { ...audio, codec: 'mp3' },
	'no name': { ...video, codec: null },
};

const held: Record<Container, readonly string[]> = {
	mkv: Object.keys(tracks),
	webm: ['VP8', 'VP9', 'AV1', 'Opus', 'Vorbis'],
	mp4: ['H.264', 'H.265', 'AAC', 'Opus', 'PCM', 'big-endian PCM'],
	mov: ['H.264', 'H.265', 'AAC', 'Opus', 'PCM', '8-bit PCM', '24-bit PCM', 'big-endian PCM', 'µ-law'],
	m4a: ['AAC', 'Opus', 'PCM', 'big-endian PCM'],
	wav: ['PCM', '8-bit PCM', '24-bit PCM', 'big-endian PCM', 'µ-law'],
};

for (const [container, names] of Object.entries(held) as [Container, readonly string[]][]) {
	test(`.${container} holds what it can hold, and nothing else`, (t) => {
		for (const [name, fields] of Object.entries(tracks)) {
			const check = (): void => checkTracks(`out.${container}`, container, [madeTrack(fields)]);
			if (names.includes(name)) t.notThrows(check, name);
			else t.throws(check, { name: 'SinkError', code: 'KVS_CODEC_NOT_SUPPORTED' }, name);
		}
	});
}

test('the error says which track it is, what it is, and what to do', (t) => {
	const mp4 = [
		madeTrack({ ...video, codec: 'avc1.42c028' }),
		madeTrack({ ...audio, number: 2, name: 'microphone', codec: 'ulaw', codecId: 'A_MS/ACM' }),
	];
	t.is(
		t.throws(() => checkTracks('a/b.mp4', 'mp4', mp4))?.message,
		'cannot write `a/b.mp4`: track 2 `microphone` is ulaw (A_MS/ACM) at 8000 Hz, and .mp4 holds H.264, H.265, AAC, Opus and 16-bit PCM; choose other tracks (option `tracks`), or another ending (.mkv holds everything)',
	);
});

test('one WAV file has one codec and one sample rate', (t) => {
	const first = madeTrack({ ...audio, codec: 'pcm-s16' });
	const check = (fields: Partial<TrackFields>) => () =>
		checkTracks('a.wav', 'wav', [first, madeTrack({ ...audio, number: 2, ...fields })]);
	t.notThrows(check({ codec: 'pcm-s16' }));
	t.throws(check({ codec: 'pcm-s16', sampleRate: 16_000 }), {
		message: /track 2 is .* 16000 Hz, and all audio .* track 1 is .* 8000 Hz/,
	});
	t.throws(check({ codec: 'ulaw' }), { code: 'KVS_CODEC_NOT_SUPPORTED' });
});

test('a track without the values that a header needs is refused', (t) => {
	t.throws(() => checkTracks('a.mp4', 'mp4', [madeTrack({ type: 'video', codec: 'avc1.42c028' })]), {
		message: /its width or height is unknown/,
	});
	t.throws(() => checkTracks('a.wav', 'wav', [madeTrack({ codec: 'pcm-s16' })]), {
		message: /its sample rate or number of channels is unknown/,
	});
});

test('the ending of the file name determines the container', (t) => {
	t.is(containerOf('a/b.c/video.MP4'), 'mp4');
	t.is(containerOf('x.mkv'), 'mkv');
	for (const file of ['video', 'video.avi', 'x.constructor', '.mp4']) {
		t.throws(() => containerOf(file), { code: 'KVS_INVALID_OPTION', message: /\.mkv, \.webm/ });
	}
});
