import type { StoredFragment } from '../../store/stored-fragment.js';
import type { PlaybackProtocol } from '../packaging/playback-tracks.js';
import type { SessionEntry } from './session-entry.js';

/** How many frames the estimated end of a fragment may be too late. */
const ESTIMATE_FRAMES = 3;

/**
 * How much later than its clock says a fragment is played, so that it does not run into the one before it. Server times
 * jitter, and overlap wherever a producer was faster than its media; players drop what overlaps, or report an error.
 *
 * In DASH, whose manifests say no discontinuities, it is as much earlier where there is a gap: the service closes them there.
 */
export function shiftAfter(
	previous: SessionEntry,
	fragment: StoredFragment,
	startMs: number,
	protocol: PlaybackProtocol,
): number {
	const { durationMs, shiftMs } = previous;
	const stepMs = fragment.producerMs - previous.fragment.producerMs;
	const isJoined = goesOn(previous, fragment);
	const beginMs = previous.startMs + shiftMs;
	if (protocol === 'dash') {
		return Math.ceil(beginMs + (isJoined ? stepMs : Math.max(durationMs, previous.mediaMs))) - startMs;
	}
	// Where a recording continues, its fragments do not overlap. What else is known of a fragment's end is an estimate, and its
	// errors would add up.
	const lengthMs = isJoined ? Math.min(stepMs, durationMs) : durationMs;
	return Math.max(0, Math.ceil(beginMs + lengthMs - startMs));
}

/**
 * Whether a fragment begins where the one before it ends, by the producer's clock. That end is an estimate: some
 * frames off with B-frames across its border or an uneven rate.
 */
export function goesOn(
	{ fragment, durationMs }: Pick<SessionEntry, 'fragment' | 'durationMs'>,
	{ producerMs }: StoredFragment,
): boolean {
	const stepMs = producerMs - fragment.producerMs;
	const frameMs = durationMs - (fragment.picturesMs ?? fragment.lengthMs);
	return stepMs > 0 && Math.abs(durationMs - stepMs) < ESTIMATE_FRAMES * frameMs;
}
