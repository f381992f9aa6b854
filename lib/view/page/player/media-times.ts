import type { Fragment } from 'hls.js/light';
import type { FrameTime } from './shown-frames.js';

/** Where a moment is among the fragments of a playlist, in seconds of media: its place, or in a gap that of what comes after it; null where it is not among them. */
export function secondsOf(ms: number, fragments: readonly Fragment[]): number | null {
	const first = fragments[0];
	const last = fragments.at(-1);
	if (first?.programDateTime == null || last?.programDateTime == null) return null;
	if (ms < first.programDateTime || ms >= last.programDateTime + last.duration * 1000) return null;
	const next = fragments.findIndex((fragment) => (fragment.programDateTime ?? 0) > ms);
	const found = fragments[(next < 0 ? fragments.length : next) - 1] as Fragment;
	const inside = (ms - (found.programDateTime as number)) / 1000;
	if (inside > found.duration && next > 0) return videoStart(fragments[next] as Fragment) + ROUNDING_SECONDS;
	return (
		videoStart(found) + Math.min(inside, Math.max(0, found.duration - ROUNDING_SECONDS)) + ROUNDING_SECONDS
	);
}

/** The time of a place in the media; null where the playlist does not say it. */
export function timeOf(seconds: number, fragments: readonly Fragment[]): FrameTime | null {
	let found: Fragment | null = null;
	for (const fragment of fragments) if (videoStart(fragment) <= seconds + ROUNDING_SECONDS) found = fragment;
	if (found?.programDateTime == null) return null;
	const fragmentStartMs = found.programDateTime;
	return {
		ms: fragmentStartMs + (seconds - videoStart(found)) * 1000,
		fragmentStartMs,
		fragmentEndMs: fragmentStartMs + found.duration * 1000,
	};
}

/** Players round times to less than this. */
const ROUNDING_SECONDS = 0.001;

/** Where the video of a fragment begins, which is at its time; its audio may begin a little earlier. */
function videoStart(fragment: Fragment): number {
	return fragment.elementaryStreams?.video?.startPTS ?? fragment.start;
}
