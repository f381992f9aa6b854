import { registeredCodecId } from '../../mkv/codec.js';
import type { ServiceError } from '../service-error.js';
import type { StoredFragment } from '../stored-fragment.js';
import { aacFrameMs } from './even-sound.js';
import type { PlaybackTracks } from './playback-tracks.js';

/** A fragment in a session's playlists. Never changed once it is listed. */
export interface SessionEntry {
	readonly fragment: StoredFragment;
	/** Its media sequence number: 1 for the session's first, one more for each that follows. */
	readonly sequence: number;
	/** Start on the session's clock, epoch milliseconds. */
	readonly startMs: number;
	readonly durationMs: number;
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
 * How long a fragment lasts, in milliseconds: from its first frame to its last and a mean frame more, as in the service's
 * own playlists. `nextMs` is how much later the next one starts, for fragments of a single frame; null where none is known.
 */
export function fragmentDurationMs(
	{ lengthMs, frames }: StoredFragment,
	tracks: PlaybackTracks,
	nextMs: number | null,
): number {
	const [first, second] = tracks;
	const soundFrameMs = [first, second].flatMap((track) =>
		track !== undefined && registeredCodecId(track.codecId) === 'A_AAC' ? (aacFrameMs(track) ?? []) : [],
	)[0];
	const isSound = first !== undefined && second === undefined && soundFrameMs !== undefined;
	if (isSound) return lengthMs + soundFrameMs;
	// The index counts the frames of both tracks; sound has as many as fit.
	const soundFrames = soundFrameMs === undefined ? 0 : Math.round(lengthMs / soundFrameMs) + 1;
	const pictures = frames - soundFrames;
	if (pictures > 1 && lengthMs > 0) return lengthMs + lengthMs / (pictures - 1);
	const declaredMs = first?.defaultDurationNs == null ? null : first.defaultDurationNs / 1e6;
	const isNextNear = nextMs !== null && nextMs > lengthMs && nextMs <= MAX_FRAGMENT_MS;
	return isNextNear ? nextMs : lengthMs + (declaredMs ?? DEFAULT_FRAME_MS);
}
