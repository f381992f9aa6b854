import type { Frame } from '../model/media-event.js';

/**
 * How a picture's bytes are to be read. `jpg`, `png` and `webp` are whole files, whose colours every reader of them knows (JPEG is
 * BT.601, full range; WebP BT.601, limited range). The others are raw samples, rows from the top, without padding: `rgb24` and
 * `bgr24` three bytes a pixel, full range; `gray` the luma, full range; `nv12` (Y, then U and V by turns) and `yuv420p` (Y, then
 * U, then V) in the matrix of the video, limited range.
 */
export type PictureFormat = 'jpg' | 'png' | 'webp' | 'rgb24' | 'bgr24' | 'nv12' | 'yuv420p' | 'gray';

/** The formats there are. */
export const PICTURE_FORMATS: readonly PictureFormat[] = [
	'jpg',
	'png',
	'webp',
	'rgb24',
	'bgr24',
	'nv12',
	'yuv420p',
	'gray',
];

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
	/** The whole JPEG, PNG or WebP, or the samples. Its own bytes: nothing else is kept alive by it. */
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
	 * Shape of `data` as an array of bytes: `[height, width, 3]` for `rgb24` and `bgr24`, `[height, width]` for `gray`,
	 * `[height * 3 / 2, width]` for `nv12` and `yuv420p` (the rows of Y, then those of the colours). Null for `jpg`, `png` and `webp`,
	 * and for an `nv12` or `yuv420p` of odd sides, which is not such an array.
	 */
	get shape(): readonly number[] | null {
		const { width, height, format } = this;
		if (format === 'rgb24' || format === 'bgr24') return [height, width, 3];
		if (format === 'gray') return [height, width];
		const isEven = width % 2 === 0 && height % 2 === 0;
		return (format === 'nv12' || format === 'yuv420p') && isEven ? [(height * 3) / 2, width] : null;
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
