import { correctTimes } from '../gaps/outlier-times.js';
import { TimeExtent } from '../gaps/time-extent.js';
import type { Frame } from '../model/media-event.js';
import { sourceMs } from '../muxing/output-timeline.js';

/** What frames are compared with, on the producer's clock; null where it is not known. */
export interface FramesBetween {
	/** Where their fragment starts. */
	readonly startMs: number | null;
	/** Where what comes after them starts. */
	readonly nextStartMs: number | null;
}

/** Frames with believable times. */
export interface TimedFrames {
	readonly frames: readonly Frame[];
	/** Those whose times were wrong, as they came. */
	readonly outliers: readonly Frame[];
}

/**
 * Puts frames whose time is wrong where they belong, track by track, so that no file has to follow them; see
 * {@link correctTimes}. All others are the caller's own; the usual input is the same array.
 */
export function withCorrectTimes(frames: readonly Frame[], between: FramesBetween): TimedFrames {
	const outliers: Frame[] = [];
	let timed: Frame[] | null = null;
	for (const own of framesByTrack(frames)) {
		const [{ track }] = own.frames as [Frame];
		const correction = correctTimes(own.timesMs, {
			...between,
			frameMs: frameMsOf(own.frames),
			mayReorder: track.type === 'video',
		});
		if (correction === null) continue;
		timed ??= [...frames];
		for (const index of correction.outliers) {
			const frame = own.frames[index] as Frame;
			const laterMs = (correction.timesMs[index] as number) - (own.timesMs[index] as number);
			timed[frames.indexOf(frame)] = frame.movedBy(laterMs);
			outliers.push(frame);
		}
	}
	return { frames: timed ?? frames, outliers };
}

/** Whether only the start of what comes next tells if the last frames of a fragment are where they say. */
export function isEndInDoubt(frames: readonly Frame[], startMs: number | null): boolean {
	return framesByTrack(frames).some((own) => {
		const extent = new TimeExtent();
		for (const ms of own.timesMs) extent.add(ms);
		return extent.isInDoubt({ startMs, frameMs: frameMsOf(own.frames) });
	});
}

/** How long a frame lasts by what its producer says. */
function frameMsOf([first]: readonly Frame[]): number | null {
	return first?.durationMs ?? null;
}

interface FramesOfTrack {
	/** Never empty. */
	readonly frames: Frame[];
	readonly timesMs: number[];
}

function framesByTrack(frames: readonly Frame[]): FramesOfTrack[] {
	const byNumber = new Map<number, FramesOfTrack>();
	for (const frame of frames) {
		let own = byNumber.get(frame.track.number);
		if (own === undefined) {
			own = { frames: [], timesMs: [] };
			byNumber.set(frame.track.number, own);
		}
		own.frames.push(frame);
		own.timesMs.push(sourceMs(frame));
	}
	return [...byNumber.values()];
}
