import type { Track } from '../model/track.js';
import { uint64 } from './box.js';
import { editList, type TrackEdit } from './edit-list.js';
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
 * where the tracks' media lie in it. By track; a track without samples has no state.
 */
export function finalPatches(
	{ movieDurations, tracks: positions }: InitPositions,
	tracks: readonly { track: Track; state: TrackState | null; edit: TrackEdit }[],
): Patch[] {
	const patches: Patch[] = [];
	let movieDuration = 0;
	for (const [index, { track, state, edit }] of tracks.entries()) {
		const place = positions[index];
		if (place === undefined || state === null) continue;
		const playedTicks = Math.max(0, state.endTicks - (edit.skipTicks ?? 0));
		const exactMs = (playedTicks * MOVIE_TIMESCALE) / timescaleOf(track);
		// An edit that is rounded down would cut off samples of audio whose end is exact.
		const mediaMs = edit.skipTicks ? Math.ceil(exactMs) : Math.round(exactMs);
		const duration = edit.startMs + mediaMs;
		movieDuration = Math.max(movieDuration, duration);
		patches.push({ bytes: uint64(duration), position: place.duration });
		patches.push({ bytes: uint64(state.endTicks), position: place.mediaDuration });
		patches.push({ bytes: editList(edit), position: place.edits });
	}
	for (const position of movieDurations) patches.push({ bytes: uint64(movieDuration), position });
	return patches;
}
