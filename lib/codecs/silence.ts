import type { Track } from '../model/track.js';
import { AAC_FRAME_SAMPLES } from './audio-configuration.js';
import { audioDurationMs, audioFormat } from './audio-format.js';

/** A frame in which nothing is heard. */
export interface SilentFrame {
	readonly data: Uint8Array;
	readonly durationMs: number;
}

/** Length of the silent frames whose length is free, and of an Opus frame. */
const FRAME_MS = 20;

/**
 * Silent raw_data_blocks of AAC-LC by channel count, as hls.js and mux.js publish them; for six what ffmpeg's encoder makes,
 * as theirs has no LFE element.
 */
const silentAac = [
	'00c800802380',
	'210049900219002380',
	'00c8008020840126400864008e',
	'00c800802084012640086400802c80080238',
	'00c800802084012640086400823004990021900238',
	'011820010880230460231004608c0c230000e0',
].map((hex) => Buffer.from(hex, 'hex'));

/** A frame of CELT, fullband, 20 ms, of nothing (RFC 6716 §3.1). */
const silentOpus = Buffer.of(0xf8, 0xff, 0xfe);

/**
 * One frame of silence in a track's own codec, to fill a gap with: PCM, G.711, AAC-LC of up to six channels, Opus of up to
 * two. Null for every other track.
 */
export function silentFrame(track: Track): SilentFrame | null {
	const { codec, sampleRate, channels } = track;
	if (!sampleRate || !channels) return null;
	const format = audioFormat(track);
	if (format !== null) {
		const samples = Math.max(1, Math.round((sampleRate * FRAME_MS) / 1000));
		const data = Buffer.alloc(samples * channels * format.bytesPerSample, format.silence);
		return { data, durationMs: audioDurationMs(track, data.byteLength) as number };
	}
	if (codec === 'mp4a.40.2') {
		const data = silentAac[channels - 1];
		return data === undefined ? null : { data, durationMs: (AAC_FRAME_SAMPLES * 1000) / sampleRate };
	}
	return codec === 'opus' && channels <= 2 ? { data: silentOpus, durationMs: FRAME_MS } : null;
}
