import type { Track } from '../model/track.js';
import { uint64 } from './box.js';
import { type InitPositions, MOVIE_TIMESCALE } from './init-segment.js';
import type { TrackState } from './sample-times.js';
import { timescaleOf } from './track-timescale.js';

/** Bytes to overwrite in a file. */
export interface Patch {
	readonly bytes: Uint8Array;
	/** From the start of the file. */
	readonly position: number;
}

/**
 * What to overwrite in an init segment at the start of a file once its end is known: how long it and its tracks are, and
 * by how much a track's pictures show behind their decode times. By track; a track without samples has no state.
 */
export function finalPatches(
	{ movieDurations, tracks: positions }: InitPositions,
	tracks: readonly { track: Track; state: TrackState | null; delayTicks: number }[],
): Patch[] {
	const patches: Patch[] = [];
	let movieDuration = 0;
	for (const [index, { track, state, delayTicks }] of tracks.entries()) {
		const place = positions[index];
		if (place === undefined || state === null) continue;
		const durationTicks = state.endTicks;
		const duration = Math.round((durationTicks * MOVIE_TIMESCALE) / timescaleOf(track));
		movieDuration = Math.max(movieDuration, duration);
		patches.push({ bytes: uint64(duration), position: place.duration });
		patches.push({ bytes: uint64(durationTicks + delayTicks), position: place.mediaDuration });
		if (place.mediaTime !== null) patches.push({ bytes: uint64(delayTicks), position: place.mediaTime });
	}
	for (const position of movieDurations) patches.push({ bytes: uint64(movieDuration), position });
	return patches;
}
