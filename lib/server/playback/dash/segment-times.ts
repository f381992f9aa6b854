import type { SessionWindow } from '../sessions/playback-session.js';
import type { SessionEntry } from '../sessions/session-entry.js';

/** A segment in the manifest. Times are whole milliseconds of the media timeline. */
export interface SegmentTime {
	readonly entry: SessionEntry;
	readonly ms: number;
	readonly durationMs: number;
}

/** The segments of a manifest. */
export interface SegmentTimes {
	/** The first one's number; the others have the next ones. */
	readonly startNumber: number;
	readonly segments: readonly SegmentTime[];
	/** Where the last one ends. */
	readonly endMs: number;
	/** The longest one. */
	readonly longestMs: number;
}

/** When the segments of a window are on the media timeline, each up to where the next begins; how long the last one lasts is an estimate. */
export function segmentTimes({ entries }: SessionWindow): SegmentTimes {
	const segments = entries.map((entry, index): SegmentTime => {
		const ms = entry.startMs + entry.shiftMs;
		const next = entries[index + 1];
		const endMs = next === undefined ? Math.round(ms + entry.durationMs) : next.startMs + next.shiftMs;
		return { entry, ms, durationMs: Math.max(1, endMs - ms) };
	});
	const last = segments.at(-1) as SegmentTime;
	return {
		startNumber: entries[0]?.sequence ?? 1,
		segments,
		endMs: last.ms + last.durationMs,
		longestMs: Math.max(...segments.map(({ durationMs }) => durationMs)),
	};
}
