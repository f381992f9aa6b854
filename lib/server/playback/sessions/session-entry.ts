import type { StoredFragment } from '../../store/stored-fragment.js';
import type { ServiceError } from '../../wire/service-error.js';
import { aacFrameMs } from '../packaging/even-sound.js';
import type { PlaybackTracks } from '../packaging/playback-tracks.js';

/** A fragment in a session's playlists. Never changed once it is listed. */
export interface SessionEntry {
	readonly fragment: StoredFragment;
	/** Its media sequence number: 1 for the session's first, one more for each that follows. */
	readonly sequence: number;
	/** Start on the session's clock, epoch milliseconds. */
	readonly startMs: number;
	readonly durationMs: number;
	/** By how much its media are later than the clock says, so that they do not run into those before it. */
	readonly shiftMs: number;
	/** Which of the session's initializations it needs, from 0 on. */
	readonly initialization: number;
	/** Whether a player is to begin a new timeline with it. */
	readonly isDiscontinuous: boolean;
	/** How many entries before it did so. */
	readonly discontinuitiesBefore: number;
	/** What its media is answered with where it cannot be played; null where it can. */
	readonly error: ServiceError | null;
}

/** How long a single frame lasts of which nothing else is known, and the longest that is believed. */
const DEFAULT_FRAME_MS = 40;
const MAX_FRAGMENT_MS = 20_000;

/**
 * How long a fragment lasts, in milliseconds: from its first picture to its last and a mean frame more, as in the service's
 * own playlists. `nextMs` is how much later the next one starts, for fragments of a single frame; null where none is known.
 */
export function fragmentDurationMs(
	fragment: StoredFragment,
	tracks: PlaybackTracks,
	nextMs: number | null,
): number {
	const { lengthMs } = fragment;
	const [first] = tracks;
	if (first === undefined || first.type === 'audio') {
		return lengthMs + ((first && aacFrameMs(first)) ?? DEFAULT_FRAME_MS);
	}
	const { pictures, picturesMs } = picturesOf(fragment, tracks);
	if (pictures > 1 && picturesMs > 0) return picturesMs + picturesMs / (pictures - 1);
	const isNextNear = nextMs !== null && nextMs > picturesMs && nextMs <= MAX_FRAGMENT_MS;
	const declaredMs = first.defaultDurationNs === null ? DEFAULT_FRAME_MS : first.defaultDurationNs / 1e6;
	return isNextNear ? nextMs : picturesMs + declaredMs;
}

/** What the index says of the pictures; where it is silent, what is left of its frames when sound has as many as fit. */
function picturesOf(
	{ lengthMs, frames, pictures, picturesMs }: StoredFragment,
	[, sound]: PlaybackTracks,
): { pictures: number; picturesMs: number } {
	if (pictures !== undefined && picturesMs !== undefined) return { pictures, picturesMs };
	const soundFrameMs = sound === undefined ? null : aacFrameMs(sound);
	const soundFrames = soundFrameMs === null ? 0 : Math.round(lengthMs / soundFrameMs) + 1;
	return { pictures: frames - soundFrames, picturesMs: lengthMs };
}
