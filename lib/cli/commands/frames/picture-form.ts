import {
	ffmpeg,
	InvalidOptionError,
	type PictureFit,
	type PictureFormat,
	type PictureSize,
	type PicturesOptions,
} from '../../../index.js';
import { integerOption } from '../../integer-option.js';
import type { FramesCommandOptions } from './frames-options.js';

const FORMATS: ReadonlyMap<string, PictureFormat> = new Map([
	...(['jpg', 'png', 'webp', 'rgb24', 'bgr24', 'nv12', 'gray'] as const).map((name) => [name, name] as const),
	['raw', 'rgb24'],
	['y4m', 'yuv420p'],
]);

/** How pictures are decoded, and in which form they come. Throws `InvalidOptionError`. */
export function pictureFormOf(
	options: FramesCommandOptions,
): Pick<PicturesOptions, 'format' | 'size' | 'fit' | 'decoder' | 'decoders'> {
	const format = FORMATS.get(options.format);
	if (format === undefined || (options.format === 'y4m' && options.output !== '-')) {
		const expected = 'jpg, png, webp, rgb24 (or raw), bgr24, nv12, gray or, with -o -, y4m';
		throw new InvalidOptionError('--format', expected, options.format);
	}
	return {
		format,
		size: options.size === undefined ? undefined : sizeOf(options.size),
		fit: fitOf(options),
		decoder: ffmpeg({ path: options.ffmpeg }),
		decoders: integerOption('--decoders', options.decoders),
	};
}

function sizeOf(text: string): PictureSize {
	const match = /^([1-9]\d{0,4})?x([1-9]\d{0,4})?$/.exec(text);
	const [width, height] = [match?.[1], match?.[2]].map((side) => (side ? Number(side) : undefined));
	if (match === null || (width === undefined && height === undefined)) {
		throw new InvalidOptionError('--size', 'WIDTHxHEIGHT, WIDTHx or xHEIGHT, in pixels', text);
	}
	return { width, height };
}

function fitOf({ fit, size }: FramesCommandOptions): PictureFit | undefined {
	if (fit !== undefined && size === undefined) {
		throw new InvalidOptionError('--fit', 'given with --size', fit);
	}
	return fit;
}
