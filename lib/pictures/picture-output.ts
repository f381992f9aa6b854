import { InvalidOptionError } from '../errors.js';
import { PICTURE_FORMATS, type PictureFormat } from './picture.js';

/** A size in pixels; of one side alone the other follows from the proportions of the video. */
export interface PictureSize {
	readonly width?: number | undefined;
	readonly height?: number | undefined;
}

/**
 * How a picture of other proportions comes into a size of two sides: `cover` fills it and cuts off what is beyond it, the same on
 * both sides; `contain` shows all of it between black bars; `fill` stretches it.
 */
export type PictureFit = 'cover' | 'contain' | 'fill';

/** What is made of a decoded frame. */
export interface PictureOutput {
	readonly format: PictureFormat;
	/**
	 * Size of the pictures. Their pixels are square then, whatever the video's were. @default as coded, or as turned where the
	 * track is to be turned
	 */
	readonly size?: PictureSize | undefined;
	/** Counts where `size` has both sides. @default 'cover' */
	readonly fit?: PictureFit | undefined;
	/** Of JPEG and WebP, from 1 (smallest) to 100 (best), as libjpeg and libwebp count. @default about 90, of WebP 75 */
	readonly quality?: number | undefined;
}

/** What a decoder is to give. */
export interface DecoderOutput extends PictureOutput {
	/**
	 * Only pictures whose difference from the one before is more than this, from 0 to 1, by ffmpeg's measure; the others come out
	 * without a picture and without a problem. Asked only of decoders that say `choosesScenes`. @default all pictures
	 */
	readonly scene?: number | undefined;
}

/** The longest side that a picture may be scaled to, and one that follows from the other. */
export const MAX_SIDE = 16_384;

const FITS: readonly PictureFit[] = ['cover', 'contain', 'fill'];

/** Throws {@link InvalidOptionError} for a `format`, `size`, `fit` or `quality` that is not valid. */
export function checkPictureOutput({ format, size, fit = 'cover', quality = 1 }: PictureOutput): void {
	if (!PICTURE_FORMATS.includes(format)) {
		throw new InvalidOptionError('format', `one of ${PICTURE_FORMATS.join(', ')}`, format);
	}
	if (!FITS.includes(fit)) throw new InvalidOptionError('fit', `one of ${FITS.join(', ')}`, fit);
	if (!isWhole(quality, 100)) {
		throw new InvalidOptionError('quality', 'a whole number from 1 to 100', quality);
	}
	if (size === undefined) return;
	const sides = [size?.width, size?.height].filter((side) => side !== undefined);
	if (sides.length === 0 || !sides.every((side) => isWhole(side, MAX_SIDE))) {
		const expected = `{ width, height } or one of them, from 1 to ${MAX_SIDE} pixels`;
		throw new InvalidOptionError('size', expected, size);
	}
}

function isWhole(value: number, max: number): boolean {
	return Number.isInteger(value) && value >= 1 && value <= max;
}
