import type { StoredFragment } from '../../store/stored-fragment.js';
import type { ServiceError } from '../../wire/service-error.js';
import { aacFrameMs } from '../packaging/even-audio.js';
import type { PlaybackTracks } from '../packaging/playback-tracks.js';
import type { SessionRequest } from './session-request.js';

/** A fragment in a session's playlists or manifest. Never changed once it is listed. */
export interface SessionEntry {
	readonly fragment: StoredFragment;
	/** Its media sequence number: 1 for the session's first, one more for each that follows. */
	readonly sequence: number;
	/** Start on the session's clock, epoch milliseconds. */
	readonly startMs: number;
	/** How long its video is shown, or its audio is heard where it has no video. */
	readonly durationMs: number;
	/** How long it lasts to the end of its last frame of any track. */
	readonly mediaMs: number;
	/** How long its segment lasts, as playlists say it: see {@link segmentDurationMs}. */
	readonly segmentMs: number;
	/** By how much its media are later than the clock says, so that they do not run into those before it; in DASH negative after a gap. */
	readonly shiftMs: number;
	/** Which of the session's initializations it needs, from 0 on. */
	readonly initialization: number;
	/** The fragments listed before and after it, where the recording continues from one to the other: they share audio. */
	readonly previous: StoredFragment | null;
	readonly next: StoredFragment | null;
	/** When the one listed after it starts on the producer's clock; null where that is before it, or was not known. */
	readonly nextStartMs: number | null;
	/** Whether a player is to begin a new timeline with it. */
	readonly isDiscontinuous: boolean;
	/** How many entries before it begin a new timeline. */
	readonly discontinuitiesBefore: number;
	/** The error of requests for its media where it cannot be played; null where it can. */
	readonly error: ServiceError | null;
}

/** How long a single frame lasts of which nothing else is known, and the longest that is plausible. */
const DEFAULT_FRAME_MS = 40;
const MAX_FRAGMENT_MS = 20_000;

/** How much longer than its frames an audio fragment may be. */
const FAR_MS = 1000;

/**
 * How long a fragment lasts, in milliseconds: from its first video frame to its last and a mean frame more, as in the service's
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
		const frameMs = (first && aacFrameMs(first)) ?? DEFAULT_FRAME_MS;
		const audioMs = fragment.frames * frameMs;
		// A frame that far off the others has a wrong time.
		return lengthMs - audioMs > FAR_MS ? audioMs : lengthMs + frameMs;
	}
	const { pictures, picturesMs } = picturesOf(fragment, tracks);
	if (pictures > 1 && picturesMs > 0) return picturesMs + picturesMs / (pictures - 1);
	const isNextNear = nextMs !== null && nextMs > picturesMs && nextMs <= MAX_FRAGMENT_MS;
	const declaredMs = first.defaultDurationNs === null ? DEFAULT_FRAME_MS : first.defaultDurationNs / 1e6;
	return isNextNear ? nextMs : picturesMs + declaredMs;
}

/** How long a fragment lasts to the end of the last frame of any track, in milliseconds; audio may go on after the video. */
export function mediaDurationMs(
	fragment: StoredFragment,
	tracks: PlaybackTracks,
	durationMs: number,
): number {
	const [, audio] = tracks;
	if (audio === undefined) return durationMs;
	const { lengthMs, frames, pictures } = fragment;
	const audioFrames = pictures === undefined ? 0 : frames - pictures;
	const frameMs = aacFrameMs(audio) ?? (audioFrames > 1 ? lengthMs / (audioFrames - 1) : DEFAULT_FRAME_MS);
	return Math.max(durationMs, lengthMs + frameMs);
}

/**
 * How long a segment lasts whose video takes `durationMs`, in milliseconds. A transport stream that begins a timeline with
 * each segment lasts to the end of the longer track, and audio has whole frames: it ends after the video in as many of
 * the segments as the part of a frame says by which the video is longer than whole ones. This is the mean, rounded up.
 * Players that are given less put the next segment where this one has not ended yet, and lose the key frame of one that
 * they have loaded before.
 */
export function segmentDurationMs(
	durationMs: number,
	tracks: PlaybackTracks,
	{ container, discontinuities }: SessionRequest,
): number {
	const [first, second] = tracks;
	const frameMs = first?.type === 'video' && second !== undefined ? aacFrameMs(second) : null;
	if (container !== 'MPEG_TS' || discontinuities !== 'ALWAYS' || frameMs === null) return durationMs;
	const part = (durationMs / frameMs) % 1;
	return Math.ceil(durationMs + part * (1 - part) * frameMs);
}

/** The video frames by the index; where it lacks them, the frames that remain after as much audio as fits. */
function picturesOf(
	{ lengthMs, frames, pictures, picturesMs }: StoredFragment,
	[, audio]: PlaybackTracks,
): { pictures: number; picturesMs: number } {
	if (pictures !== undefined && picturesMs !== undefined) return { pictures, picturesMs };
	const audioFrameMs = audio === undefined ? null : aacFrameMs(audio);
	const audioFrames = audioFrameMs === null ? 0 : Math.round(lengthMs / audioFrameMs) + 1;
	return { pictures: frames - audioFrames, picturesMs: lengthMs };
}
