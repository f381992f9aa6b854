import type { PlaybackSession } from '../sessions/playback-session.js';

/** What of a session's media came within a minute is live. */
const LIVE_MS = 60_000;

/** How often a player reads the manifest of a session that grows. */
const UPDATE_MS = 1000;

/** When the media of a session can be requested. */
export interface Availability {
	/** The wall-clock time of the media timeline's start (MPD@availabilityStartTime), epoch milliseconds. */
	readonly availabilityStartMs: number;
	/** How long after that a player should play it (MPD@suggestedPresentationDelay), in milliseconds. */
	readonly delayMs: number;
}

/**
 * A segment is available from the moment on when it ends on the wall clock. What is on demand, and what is live, has its own
 * time there. A replay is there as if its media came now: what is listed first ends when the session begins.
 *
 * A player stays far enough from the end to have the next manifest and the segment after that in time.
 */
export function availabilityOf(
	{ request, timeline, openedMs }: Pick<PlaybackSession, 'request' | 'timeline' | 'openedMs'>,
	longestMs: number,
): Availability {
	const lagMs = openedMs - timeline.firstEndMs;
	const isOnClock = request.mode === 'ON_DEMAND' || (lagMs >= 0 && lagMs < LIVE_MS);
	const ownDelayMs = 2 * longestMs + UPDATE_MS;
	return isOnClock
		? { availabilityStartMs: timeline.startMs, delayMs: lagMs + ownDelayMs }
		: { availabilityStartMs: timeline.startMs + lagMs, delayMs: ownDelayMs };
}
