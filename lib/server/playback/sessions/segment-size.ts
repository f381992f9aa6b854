import { transportBytesAtMost } from '../../../mpegts/transport-segment.js';
import type { ContainerFormat } from '../packaging/container-format.js';
import { aacFrameMs } from '../packaging/even-audio.js';
import type { PlaybackTracks } from '../packaging/playback-tracks.js';
import type { SessionEntry } from './session-entry.js';

/** How much audio a segment's neighbours lend it, and what a frame of AAC has at most in each channel (ISO 14496-3 §4.5.3). */
const LENT_MS = 200;
const MAX_AAC_BYTES = 768;

/** Size of an MP4 frame's entry in `trun`; Matroska needs fewer bytes. */
const FRAME_OVERHEAD_BYTES = 16;

/**
 * How large a segment can be, by its index, audio that its neighbours lend it included: no playlist may say less than a
 * player will have to load (RFC 8216 §4.3.4.2).
 */
export function segmentBytesAtMost(
	{ fragment, durationMs, previous, next }: SessionEntry,
	tracks: PlaybackTracks,
	container: ContainerFormat,
): number {
	const { sizeBytes, frames } = fragment;
	const lentBytes = previous === null && next === null ? 0 : lentBytesAtMost(tracks);
	const mediaBytes = sizeBytes + lentBytes;
	if (container === 'MPEG_TS') return transportBytesAtMost({ mediaBytes, frames, durationMs });
	return mediaBytes + frames * FRAME_OVERHEAD_BYTES;
}

/** The most audio that producers usually cut on the wrong side. */
function lentBytesAtMost([, audio]: PlaybackTracks): number {
	const frameMs = audio === undefined ? null : aacFrameMs(audio);
	return frameMs === null ? 0 : Math.ceil(LENT_MS / frameMs) * MAX_AAC_BYTES * (audio?.channels ?? 1);
}
