import type { Track } from '../model/track.js';
import { AAC_FRAME_SAMPLES, readAudioSpecificConfig, readWaveFormat } from './audio-configuration.js';

/** By track, as every frame asks. */
const known = new WeakMap<Track, number | null>();

/**
 * How long a frame of an AAC track lasts, in milliseconds: 1024 samples, or 960 or fewer where the configuration says so, at
 * the rate of the core, which is half of the track's where it says SBR. Without a configuration 1024 at the container's rate.
 * Null for everything else.
 */
export function aacFrameMs(track: Track): number | null {
	const before = known.get(track);
	if (before !== undefined) return before;
	const durationMs = track.codec?.startsWith('mp4a.40.') ? frameMsOf(track) : null;
	known.set(track, durationMs);
	return durationMs;
}

function frameMsOf({ codecId, codecPrivate, sampleRate }: Track): number | null {
	const read = codecId === 'A_MS/ACM' ? readWaveFormat : readAudioSpecificConfig;
	const configuration = codecPrivate === null ? null : read(codecPrivate);
	if (configuration !== null) return configuration.frameMs;
	return sampleRate ? (AAC_FRAME_SAMPLES * 1000) / sampleRate : null;
}
