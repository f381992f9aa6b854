import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** A frame with its place in the file. */
export interface PlacedFrame {
	/** What is written of it; its bytes are not copied. One without bytes is not written: it says when something is missing. */
	readonly frame: Pick<Frame, 'data' | 'keyframe' | 'durationMs'> & Partial<Pick<Frame, 'discardPaddingNs'>>;
	/** The file's own track for it. */
	readonly track: Track;
	/** When it is shown, in milliseconds of the file, fractional. */
	readonly ms: number;
}

/** Bytes to overwrite in a file. */
export interface Patch {
	readonly bytes: Uint8Array;
	/** From the start of the file. */
	readonly position: number;
}

/**
 * Turns fragments into the bytes of one file; touches no disk.
 *
 * What it holds is plain JSON: a muxer that is made again from `state()` and from all `entries()` so far goes on byte for
 * byte as the first would have.
 */
export interface Muxer {
	/** Bytes the file begins with. Once, and before anything else; not for a muxer that was made from a state. */
	begin(): Promise<Uint8Array[]>;
	/**
	 * The next fragment's frames, in archive order. Gives the bytes to append; frames among them are the caller's own
	 * bytes. `sizeBytes` is the file's size so far.
	 */
	fragment(frames: readonly PlacedFrame[], sizeBytes: number): Uint8Array[];
	/** Everything `fragment` needs to go on, as plain JSON; does not grow with the file. */
	state(): unknown;
	/** What the last call of `fragment` added to the tables for the end of the file, as plain JSON. */
	entries(): readonly unknown[];
	/** What is left to append, and then to overwrite. `sizeBytes` is the file's size so far. */
	finish(
		sizeBytes: number,
		durationMs: number,
	): { readonly append: Uint8Array[]; readonly patches: readonly Patch[] };
}

/** What a muxer is made again from. */
export interface MuxerState {
	/** What `state()` gave last. */
	readonly state: unknown;
	/** All that `entries()` ever gave, in order. */
	readonly entries: readonly unknown[];
}
