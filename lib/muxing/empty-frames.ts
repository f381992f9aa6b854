import type { PlacedFrame } from './muxer.js';

/** Whether nothing was stored of a frame but its time. */
export function isEmpty({ frame }: PlacedFrame): boolean {
	return frame.data.byteLength === 0;
}

/**
 * The frames that have bytes. For an empty one the frame of its track before it lasts longer: up to where the empty one would
 * have ended, or, where nothing says that, as long again.
 */
export function withoutEmptyFrames(frames: readonly PlacedFrame[]): readonly PlacedFrame[] {
	if (!frames.some(isEmpty)) return frames;
	const kept: PlacedFrame[] = [];
	/** Where the last frame of a track is among them, by its number. */
	const last = new Map<number, number>();
	for (const placed of frames) {
		const { track, ms, frame } = placed;
		if (!isEmpty(placed)) {
			last.set(track.number, kept.length);
			kept.push(placed);
			continue;
		}
		const index = last.get(track.number);
		const before = index === undefined ? undefined : kept[index];
		// Of frames that are shown before the one they come after, the time is in another frame already.
		if (index === undefined || before === undefined || ms <= before.ms) continue;
		const { data, keyframe, durationMs } = before.frame;
		const untilMs = ms - before.ms;
		kept[index] = {
			...before,
			frame: { data, keyframe, durationMs: untilMs + (frame.durationMs ?? durationMs ?? untilMs) },
		};
	}
	return kept;
}
