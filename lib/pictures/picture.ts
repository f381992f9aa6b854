import type { Frame } from '../model/media-event.js';

/** How a picture's bytes are to be read. `rgb24` and `nv12` are raw samples, rows from the top, without padding. */
export type PictureFormat = 'jpg' | 'png' | 'rgb24' | 'nv12';

/** The formats there are. */
export const PICTURE_FORMATS: readonly PictureFormat[] = ['jpg', 'png', 'rgb24', 'nv12'];

/** A decoded picture, and the frame it was decoded from. */
export class Picture {
	readonly type = 'picture';
	/** Index of its fragment. */
	readonly index: number;
	readonly fragmentNumber: string | null;
	/** Producer time of the picture, epoch milliseconds, exactly its frame's. Null where the payload has no producer clock. */
	readonly timestampMs: number | null;
	/** Producer time of its fragment. */
	readonly producerTimestamp: Date | null;
	readonly keyframe: boolean;
	/** Pixels. */
	readonly width: number;
	/** Pixels. */
	readonly height: number;
	readonly format: PictureFormat;
	/** With `select: { at }`: the times at which it is on the screen, of those that were asked for, in order. */
	declare readonly at?: readonly Date[];
	/** The whole JPEG or PNG, or the samples. Its own bytes: nothing else is kept alive by it. */
	readonly data: Uint8Array;
	readonly #frame: Frame;

	constructor(
		frame: Frame,
		fields: {
			width: number;
			height: number;
			format: PictureFormat;
			data: Uint8Array;
			at?: readonly Date[] | undefined;
		},
	) {
		this.index = frame.index;
		this.fragmentNumber = frame.fragmentNumber;
		this.timestampMs = frame.timestampMs;
		this.producerTimestamp = frame.fragment.producerTimestamp;
		this.keyframe = frame.keyframe;
		this.width = fields.width;
		this.height = fields.height;
		this.format = fields.format;
		this.data = fields.data;
		if (fields.at !== undefined) this.at = fields.at;
		this.#frame = frame;
	}

	/** The encoded frame it was decoded from. */
	get frame(): Frame {
		return this.#frame;
	}

	/** `timestampMs` as a Date, which rounds to whole milliseconds. */
	get timestamp(): Date | null {
		return this.#frame.timestamp;
	}

	/**
	 * Shape of `data` as an array of bytes: `[height, width, 3]` for `rgb24`, `[height * 3 / 2, width]` for `nv12` (the rows of
	 * Y, then those of U and V by turns). Null for `jpg` and `png`, and for an `nv12` of odd sides, which is not such an array.
	 */
	get shape(): readonly number[] | null {
		const { width, height, format } = this;
		if (format === 'rgb24') return [height, width, 3];
		const isEven = width % 2 === 0 && height % 2 === 0;
		return format === 'nv12' && isEven ? [(height * 3) / 2, width] : null;
	}

	/** The documented JSON line: the track by its number, `size` in place of `data`. */
	toJSON(): object {
		return {
			type: this.type,
			index: this.index,
			fragmentNumber: this.fragmentNumber,
			track: this.#frame.track.number,
			timestampMs: this.timestampMs,
			timestamp: this.timestamp,
			producerTimestamp: this.producerTimestamp,
			...(this.at !== undefined && { at: this.at }),
			keyframe: this.keyframe,
			width: this.width,
			height: this.height,
			format: this.format,
			size: this.data.byteLength,
		};
	}
}
