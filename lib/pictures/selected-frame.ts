import type { Frame } from '../model/media-event.js';

/** A frame on its way to a decoder. */
export interface SelectedFrame {
	readonly frame: Frame;
	/** Where it is among the other frames of its group, in milliseconds: its own time, or the right one where that is wrong. */
	readonly presentationMs: number;
	/** Whether its picture is requested; else it is decoded for others that refer to it. */
	readonly isWanted: boolean;
	/** Whether it comes right after the frame that was selected before it: nothing is left out between them. */
	readonly isNext: boolean;
}

/** Time of a frame by the producer's clock, or within its payload where that has none, in milliseconds. */
export function timeOf(frame: Frame): number {
	return frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
}
