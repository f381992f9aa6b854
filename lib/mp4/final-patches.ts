import { uint64 } from './box.js';
import type { TrackEnd } from './classic-track.js';
import { editList } from './edit-list.js';
import { type InitPositions, MOVIE_TIMESCALE } from './init-segment.js';

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
	tracks: readonly TrackEnd[],
): Patch[] {
	const patches: Patch[] = [];
	let movieDuration = 0;
	for (const [index, track] of tracks.entries()) {
		const place = positions[index];
		const durations = durationsOf(track);
		if (place === undefined || durations === null) continue;
		const { durationMs, mediaTicks } = durations;
		movieDuration = Math.max(movieDuration, durationMs);
		patches.push({ bytes: uint64(durationMs), position: place.duration });
		patches.push({ bytes: uint64(mediaTicks), position: place.mediaDuration });
		patches.push({ bytes: editList(track.edit), position: place.edits });
	}
	for (const position of movieDurations) patches.push({ bytes: uint64(movieDuration), position });
	return patches;
}

/** How long a track is. */
export interface TrackDurations {
	/** In the file, with what is before its media. */
	readonly durationMs: number;
	/** Of its media, in its timescale. */
	readonly mediaTicks: number;
}

/** How long a track is; null for one without samples. */
export function durationsOf({ timescale, state, edit }: TrackEnd): TrackDurations | null {
	if (state === null) return null;
	const playedTicks = Math.max(0, state.endTicks - (edit.skipTicks ?? 0));
	const exactMs = (playedTicks * MOVIE_TIMESCALE) / timescale;
	// An edit that is rounded down would cut off samples of audio whose end is exact.
	const mediaMs = edit.skipTicks ? Math.ceil(exactMs) : Math.round(exactMs);
	return { durationMs: edit.startMs + mediaMs, mediaTicks: state.endTicks };
}
