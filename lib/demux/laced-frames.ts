import { codedDurationMs } from '../codecs/coded-duration.js';
import type { Track } from '../model/track.js';

/** When a frame of a lace is due, from its Cluster's Timecode, and how long it lasts. */
export interface LacedTime {
	readonly offsetNs: number;
	readonly durationMs: number | null;
}

/**
 * Times of the frames of one block, of which Matroska stores the first alone: they follow each other. Each lasts its part of
 * the BlockDuration, else the track's DefaultDuration, else what its codec says; where nothing says it, they share the
 * block's time. `durationNs` is the BlockDuration, null where there is none.
 */
export function timesOfLace(
	track: Track,
	frames: readonly Uint8Array[],
	firstNs: number,
	durationNs: number | null,
): LacedTime[] {
	const sharedNs = durationNs === null ? track.defaultDurationNs : durationNs / frames.length;
	const times: LacedTime[] = [];
	let sinceFirstNs = 0;
	for (const [index, frame] of frames.entries()) {
		const durationMs = sharedNs === null ? codedDurationMs(track, frame) : sharedNs / 1e6;
		if (sharedNs !== null) sinceFirstNs = index * sharedNs;
		times.push({ offsetNs: firstNs + Math.round(sinceFirstNs), durationMs });
		if (sharedNs === null) sinceFirstNs += (durationMs ?? 0) * 1e6;
	}
	return times;
}
