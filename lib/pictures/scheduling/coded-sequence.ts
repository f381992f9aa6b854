import type { TrackMedia } from '../../codecs/track-media.js';
import type { Frame } from '../../model/media-event.js';
import type { Track } from '../../model/track.js';
import type { DecodedPicture } from '../frame-decoder.js';
import type { SelectedFrame } from '../selected-frame.js';

/** What a decoder is set up with: key frames with other parameters need another run. */
export interface CodecParameters {
	readonly track: Track;
	/** The parameter sets of its key frames, with start codes; empty where they have none. */
	readonly sets: Uint8Array;
	/** Size of the largest picture so far, in bytes; null before the first. */
	pictureBytes: number | null;
}

/** What the sequences of a track hold together: frames and pictures that have not been taken as results. */
export interface HeldBytes {
	count: number;
}

/** What came of a frame. */
export interface SequenceResult extends DecodedPicture {
	readonly isWanted: boolean;
}

/**
 * Frames of one track that need no frame before them, from one key frame on: what one decoder is given as a whole, so that
 * others can be at work on those before and after it. Knows how far it has come.
 */
export class CodedSequence {
	readonly parameters: CodecParameters;
	/** What its track really holds. */
	media: TrackMedia;
	/** Whether all its frames are in. */
	isWhole = false;
	readonly #heldBytes: HeldBytes;
	readonly #waiting: SelectedFrame[] = [];
	/** Frames that were handed to a decoder, each as often as it was, and whether their pictures are wanted. */
	readonly #decoding = new Map<Frame, boolean[]>();
	readonly #results: SequenceResult[] = [];

	constructor(parameters: CodecParameters, media: TrackMedia, heldBytes: HeldBytes) {
		this.parameters = parameters;
		this.media = media;
		this.#heldBytes = heldBytes;
	}

	/** How many of its frames wait for a decoder. */
	get waitingCount(): number {
		return this.#waiting.length;
	}

	/** What its frames that wait for a decoder have of pixels, as its track says. */
	get waitingPixels(): number {
		const { width = 0, height = 0 } = this.media.track;
		return this.waitingCount * width * height;
	}

	/** Whether results wait to be taken. */
	get hasResults(): boolean {
		return this.#results.length > 0;
	}

	/** Whether all its frames are in, and their results are there. */
	get isDecoded(): boolean {
		return this.isWhole && this.waitingCount === 0 && this.#decoding.size === 0;
	}

	/** Whether its results were taken too. */
	get isOver(): boolean {
		return this.isDecoded && !this.hasResults;
	}

	/** The next frame, in decoding order. */
	add(selected: SelectedFrame): void {
		this.#waiting.push(selected);
		this.#heldBytes.count += selected.frame.data.byteLength;
	}

	/** Takes the next frame to be decoded; undefined where none waits. */
	next(): SelectedFrame | undefined {
		const selected = this.#waiting.shift();
		if (selected === undefined) return undefined;
		const { frame, isWanted } = selected;
		const handed = this.#decoding.get(frame);
		if (handed === undefined) this.#decoding.set(frame, [isWanted]);
		else handed.push(isWanted);
		return selected;
	}

	/** A result of a frame that was taken. Returns whether it is one of this sequence. */
	decoded(result: DecodedPicture): boolean {
		const { frame, picture } = result;
		const handed = this.#decoding.get(frame);
		const isWanted = handed?.shift();
		if (handed === undefined || isWanted === undefined) return false;
		if (handed.length === 0) this.#decoding.delete(frame);
		const sizeBytes = picture?.data.byteLength ?? 0;
		this.#heldBytes.count += sizeBytes;
		if (picture !== null)
			this.parameters.pictureBytes = Math.max(this.parameters.pictureBytes ?? 0, sizeBytes);
		this.#results.push({ ...result, isWanted });
		return true;
	}

	/** Nothing more comes of the frames that were taken. */
	giveUp(): void {
		for (const [{ data }, handed] of this.#decoding) this.#heldBytes.count -= handed.length * data.byteLength;
		this.#decoding.clear();
	}

	/** Takes the next result, of pictures in presentation order; undefined where none has come. */
	takeResult(): SequenceResult | undefined {
		const result = this.#results.shift();
		if (result === undefined) return undefined;
		const { frame, picture } = result;
		this.#heldBytes.count -= frame.data.byteLength + (picture?.data.byteLength ?? 0);
		return result;
	}
}
