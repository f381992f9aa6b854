import type { MatroskaHandler } from '../mkv/parser/matroska-handler.js';
import type { Track } from '../model/track.js';

/** The media of a file, whatever its container was: what Matroska would say of its tracks, and its frames. */
export interface FileMedia {
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
	/** Reports every frame to the handler, in file order. After each step the caller takes what the handler made of them. */
	feed(handler: MatroskaHandler, signal: AbortSignal): AsyncIterable<void>;
}
