import type { Track } from '../model/track.js';

/** Format tags of a WAVE file (RFC 2361). */
const WAVE_PCM = 1;
const WAVE_FLOAT = 3;
const WAVE_ALAW = 6;
const WAVE_MULAW = 7;

/** How the samples of uncompressed audio lie in its frames. */
export interface AudioFormat {
	/** A codec name of the WebCodecs registry, followed by `be` where the most significant byte comes first. */
	readonly codec: string;
	readonly waveTag: number;
	readonly bytesPerSample: number;
	/** The byte that silence is made of. */
	readonly silence: number;
	readonly isBigEndian: boolean;
}

const formats: Readonly<Record<string, readonly [tag: number, bytesPerSample: number, silence: number]>> = {
	'pcm-u8': [WAVE_PCM, 1, 0x80],
	'pcm-s16': [WAVE_PCM, 2, 0],
	'pcm-s24': [WAVE_PCM, 3, 0],
	'pcm-s32': [WAVE_PCM, 4, 0],
	'pcm-f32': [WAVE_FLOAT, 4, 0],
	ulaw: [WAVE_MULAW, 1, 0xff],
	alaw: [WAVE_ALAW, 1, 0xd5],
};

/** How the samples of a track lie in its frames: PCM and G.711. Null for everything else. */
export function audioFormat(track: Track): AudioFormat | null {
	// Matroska has a CodecID of its own for these, and `Track.codec` no name.
	const isBigEndian = track.codecId === 'A_PCM/INT/BIG';
	const codec = isBigEndian ? `pcm-s${track.bitDepth ?? 0}` : track.codec;
	const format = codec === null ? undefined : formats[codec];
	if (codec === null || format === undefined) return null;
	const [waveTag, bytesPerSample, silence] = format;
	return { codec: isBigEndian ? `${codec}be` : codec, waveTag, bytesPerSample, silence, isBigEndian };
}

/** How long a frame of uncompressed audio lasts, by its size: exact, unlike what containers say. Null for anything else. */
export function audioDurationMs(track: Track, sizeBytes: number): number | null {
	const format = audioFormat(track);
	if (format === null || !track.sampleRate || !track.channels) return null;
	return (Math.floor(sizeBytes / (format.bytesPerSample * track.channels)) * 1000) / track.sampleRate;
}
