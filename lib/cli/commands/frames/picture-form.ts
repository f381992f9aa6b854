import {
	FfmpegDecoder,
	InvalidOptionError,
	type PictureFormat,
	type PicturesOptions,
} from '../../../index.js';
import type { FramesCommandOptions } from './frames-options.js';

const FORMATS: Readonly<Record<string, PictureFormat>> = {
	jpg: 'jpg',
	png: 'png',
	raw: 'rgb24',
	nv12: 'nv12',
};

/** How pictures are decoded, and in which form they come. Throws `InvalidOptionError`. */
export function pictureFormOf(options: FramesCommandOptions): Pick<PicturesOptions, 'format' | 'decoder'> {
	const format = FORMATS[options.format];
	if (format === undefined) throw new InvalidOptionError('--format', 'jpg, png, raw or nv12', options.format);
	return { format, decoder: new FfmpegDecoder({ path: options.ffmpeg }) };
}
