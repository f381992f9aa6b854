import { preSkipOf } from '../codecs/opus-head.js';
import type { Track } from '../model/track.js';

/** Every whole millisecond and every usual frame rate is a whole number of these. */
const VIDEO_TIMESCALE = 90_000;

/** Opus runs at this rate whatever the producer recorded (RFC 6716 §2). */
const OPUS_TIMESCALE = 48_000;

/** Ticks a second of a track in an MP4 file: 90,000 for video, the sample rate for audio. */
export function timescaleOf(track: Track): number {
	if (track.type !== 'audio') return VIDEO_TIMESCALE;
	if (track.codec === 'opus') return OPUS_TIMESCALE;
	const rate = Math.round(track.sampleRate ?? 0);
	return rate > 0 ? rate : VIDEO_TIMESCALE;
}

/** Of Opus the samples at the start of the decoder's output that are not played (Opus in ISOBMFF §4.4), in ticks; 0 for other codecs. */
export function preSkipTicks({ codec, codecPrivate }: Track): number {
	return codec === 'opus' && codecPrivate !== null ? preSkipOf(codecPrivate) : 0;
}
