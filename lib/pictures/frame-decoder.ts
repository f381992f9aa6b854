import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import type { DecoderOutput } from './picture-output.js';

/** What comes out of a decoder for one frame that went in. */
export interface DecodedPicture {
	/** The very object that was handed in. */
	readonly frame: Frame;
	/** The picture; null where the frame gave none. */
	readonly picture: { readonly width: number; readonly height: number; readonly data: Uint8Array } | null;
	/** Where there is no picture: what the decoder said, in one line; null where the picture is left out, as `scene` says. */
	readonly problem: string | null;
}

/**
 * One run of a decoder over frames of one track with equal parameters, the first of them a key frame.
 *
 * Every frame that goes in comes out exactly once, as a picture or as the lack of one: pictures in presentation order, a lack
 * as soon as it is known. Both
 * generators give what is ready and wait only where the decoder cannot take more: the caller decides how much is
 * held. After an error, and after `close`, the run is over.
 */
export interface DecoderRun {
	/** Whether it takes frames. One that ended by itself does not, but still gives back in `finish` those it was handed. */
	readonly isOpen: boolean;
	/**
	 * Said of the next frame, a key frame of an open group: the frames it is numbered on from are left out or missing. Returns
	 * whether the run can go on with it; where it cannot, and without this method, another is opened.
	 */
	cut?(): boolean;
	/**
	 * Takes a frame, in decoding order. `presentationMs`: its time, in milliseconds; where the producer's is plainly wrong, one
	 * between those of its neighbours.
	 */
	decode(frame: Frame, presentationMs: number): AsyncIterable<DecodedPicture[]>;
	/** No more frames: gives everything that is left. */
	finish(): AsyncIterable<DecodedPicture[]>;
	/** Ends the run at once and gives back what it holds: no process, no pipe. May be called at any time, and again. */
	close(): Promise<void>;
}

/**
 * Turns encoded frames into pictures. The default is {@link FfmpegDecoder}; anything else that keeps the promise will do.
 *
 * Several runs are open at a time, each over frames of its own: as many as `decoders` says, and one for each video track. Where
 * there can be one only, as with a device that serves one at a time, set `decoders: 1`.
 */
export interface FrameDecoder {
	/**
	 * What it costs to begin a run, as the number of pixels that could be decoded instead: a further one is begun only when
	 * as many were found for each of those before, be they decoded or waiting. @default 0
	 */
	readonly runCostPixels?: number;
	/** Whether it heeds the `scene` of its output, which `select: { scene }` needs. @default false */
	readonly choosesScenes?: boolean;
	/**
	 * Begins a run at this frame, which is then handed to `decode`. `output`: what its pictures are to be, which is valid. `track`:
	 * what the frames' track really is; `first.track` may lack parameter sets that only key frames before this one had.
	 */
	open(first: Frame, output: DecoderOutput, track: Track): DecoderRun;
}
