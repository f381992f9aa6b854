import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** A frame with its place in a file. */
export interface PlacedFrame {
	/** What is to be written; its bytes are not copied. */
	readonly frame: Pick<Frame, 'data' | 'keyframe' | 'durationMs'>;
	/** The file's own track, which may be another object than the frame's. */
	readonly track: Track;
	/** Time in the file, in milliseconds, fractional, not negative. */
	readonly ms: number;
}

/** Bytes to write over those that are at a position. */
export interface Patch {
	readonly bytes: Uint8Array;
	readonly position: number;
}

/**
 * Turns fragments into the bytes of one file. It touches no disk; its state is plain JSON, and a muxer restored from it
 * goes on byte for byte as the first would have.
 */
export interface Muxer {
	/** The bytes the file begins with. */
	begin(): Promise<Uint8Array[]>;
	/** The next frames, in archive order: the bytes to append to the file, which has `sizeBytes` so far. */
	fragment(frames: readonly PlacedFrame[], sizeBytes: number): Uint8Array[];
	/** What `fragment` needs to go on with, as plain JSON, small whatever the length of the file. */
	state(): unknown;
	/** What the last `fragment` added to what grows with the file (an index), as plain JSON; all of it is needed to go on. */
	entries(): readonly unknown[];
	/** What is left to append to the file, which has `sizeBytes` so far, and then to write over. */
	finish(
		sizeBytes: number,
		durationMs: number,
	): { readonly append: Uint8Array[]; readonly patches: readonly Patch[] };
}

/** A muxer's past, to go on from: its `state` after the last fragment, and the `entries` of all of them. */
export interface MuxerPast {
	readonly state: unknown;
	readonly entries: readonly unknown[];
}
