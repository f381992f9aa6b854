import type { FragmentEvent } from '../model/media-event.js';

/**
 * What becomes of a fragment that begins.
 *
 * `take`: it is the next in the stream. `hold`: it comes before its turn; its events are made, but have the index -1 and
 * are compared with no neighbour. `skip`: nothing of it is wanted. A {@link PartialFragment}: it was begun before, and what
 * was given out of it is not given out again.
 */
export type Admission = 'take' | 'hold' | 'skip' | PartialFragment;

/** A fragment of which a part was given out before its payload broke off. */
export interface PartialFragment {
	readonly fragment: FragmentEvent;
	/** The frames that were given out, in order. */
	readonly frames: readonly FrameMark[];
}

/** What a frame is recognized by when it is read again. */
export interface FrameMark {
	readonly trackNumber: number;
	readonly sizeBytes: number;
	readonly timestampMs: number | null;
}

/** Index of the fragments that are held until their turn. */
export const HELD_INDEX = -1;
