import { silentFrame } from '../codecs/silence.js';
import { SinkError } from '../errors.js';
import { GAP_THRESHOLD_MS } from '../gaps/gap-threshold.js';
import type { Track } from '../model/track.js';
import type { PlacedFrame } from '../muxing/muxer.js';

/** Frames of silence that are written at a time. */
const MAX_FRAMES = 1000;

/** Throws `SinkError` (`KVS_CODEC_NOT_SUPPORTED`) for an audio track of a codec without known silence. */
export function requireSilence(file: string, track: Track): void {
	if (track.type !== 'audio' || silentFrame(track) !== null) return;
	throw new SinkError(
		'KVS_CODEC_NOT_SUPPORTED',
		file,
		`cannot fill gaps in \`${file}\`: track ${track.number} is ${track.codec ?? track.codecId}, and no silence is known for it; set the option \`gaps\` to 'keep' or 'close'`,
	);
}

/** Frames of silence from where a track ends to where it goes on, in turns; none where it goes on in time. */
export function* silenceUntil(track: Track, endMs: number, nextMs: number): Generator<PlacedFrame[]> {
	if (nextMs - endMs <= GAP_THRESHOLD_MS) return;
	const silence = silentFrame(track);
	if (silence === null) return;
	const { data, durationMs } = silence;
	const count = Math.floor((nextMs - endMs) / durationMs);
	for (let from = 0; from < count; from += MAX_FRAMES) {
		const length = Math.min(MAX_FRAMES, count - from);
		yield Array.from({ length }, (_, index) => ({
			frame: { data, keyframe: true, durationMs },
			track,
			ms: endMs + (from + index) * durationMs,
		}));
	}
}
