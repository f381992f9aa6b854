import type { Track } from '../../../model/track.js';
import type { TimedSample } from '../../../mp4/sample-times.js';

/** Samples of a channel in a frame of AAC; SBR, which the object types 5 and 29 have, doubles them. */
const AAC_FRAME_SAMPLES = 1024;
const AAC_CODEC = /^mp4a\.40\./;
const SBR_CODEC = /^mp4a\.40\.(5|29)$/;

/** Matroska times are rounded to milliseconds; what is further off is a gap. */
const ROUNDING_MS = 2;

/** How long a frame of AAC lasts, in milliseconds; null for other codecs, and where its sample rate is unknown. */
export function aacFrameMs({ codec, sampleRate }: Track): number | null {
	if (sampleRate === undefined || codec === null || !AAC_CODEC.test(codec)) return null;
	const samples = SBR_CODEC.test(codec) ? 2 * AAC_FRAME_SAMPLES : AAC_FRAME_SAMPLES;
	return (samples * 1000) / sampleRate;
}

/**
 * Frames of AAC with times that are exactly one frame apart, as they were before they were rounded: half a millisecond is
 * audible. A frame that is more than 2 ms off its place keeps its time, and those after it follow it.
 */
export function evenAudio<Timed extends TimedSample>(track: Track, samples: readonly Timed[]): Timed[] {
	const frameMs = aacFrameMs(track);
	if (frameMs === null) return [...samples];
	let anchorMs = samples[0]?.ms ?? 0;
	let since = 0;
	return samples.map((sample) => {
		let ms = anchorMs + since * frameMs;
		if (Math.abs(ms - sample.ms) > ROUNDING_MS) {
			anchorMs = sample.ms;
			since = 0;
			ms = sample.ms;
		}
		since++;
		return { ...sample, ms, durationMs: frameMs };
	});
}
