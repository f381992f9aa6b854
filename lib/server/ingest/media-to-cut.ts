import type { Track } from '../../model/track.js';
import type { FragmentCutter } from './fragment-cutter.js';

/** A file's media as fragments are cut from it, whatever its container was. */
export interface MediaToCut {
	readonly tracks: readonly Track[];
	readonly timecodeScaleNs: number;
	/** Time of the file's first frame in file order, in ticks. */
	readonly firstTicks: bigint;
	/** The latest time of a frame, in ticks from {@link firstTicks}. */
	readonly lastTicks: number;
	/** The track whose key frames begin fragments; null for audio alone. */
	readonly videoTrackNumber: number | null;
	/** What of the file is not taken, and why: one sentence each. */
	readonly omissions: readonly string[];
	/** Gives every frame to the cutter, in file order. After each step the caller takes the fragments that are complete. */
	feed(cutter: FragmentCutter, signal: AbortSignal): AsyncIterable<void>;
}
