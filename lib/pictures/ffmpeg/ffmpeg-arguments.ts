import type { PictureFormat } from '../picture.js';
import type { DecoderOutput } from '../picture-output.js';
import { type PictureFilters, pictureFilters } from './picture-filters.js';

/** How ffmpeg is run, apart from what is made of the frames. */
export interface FfmpegArguments {
	/** Options of the input. */
	readonly args: readonly string[];
	/** Frames with more pixels give no picture. */
	readonly maxPixels: number | undefined;
	readonly filters: PictureFilters;
}

/** ffmpeg's scales of JPEG's tables; without a word from us it uses none that is finer than 2. */
const MIN_SCALE = 1;
const MAX_SCALE = 31;

const RAW = ['-c:v', 'rawvideo', '-allow_raw_vfw', '1'];

const ENCODERS: Readonly<Record<PictureFormat, readonly string[]>> = {
	jpg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '2'],
	png: ['-c:v', 'png', '-pix_fmt', 'rgb24'],
	// Matroska has no name for WebP: without one of ours ffmpeg refuses to write it.
	webp: ['-c:v', 'libwebp', '-pix_fmt', 'yuv420p', '-tag:v', 'WEBP'],
	rgb24: [...RAW, '-pix_fmt', 'rgb24'],
	bgr24: [...RAW, '-pix_fmt', 'bgr24'],
	nv12: [...RAW, '-pix_fmt', 'nv12'],
	yuv420p: [...RAW, '-pix_fmt', 'yuv420p'],
	gray: [...RAW, '-pix_fmt', 'gray'],
};

/** ffmpeg's command line: Matroska in on stdin, one picture a frame in Matroska out on stdout. */
export function ffmpegArguments(
	output: DecoderOutput,
	{ args, maxPixels, filters }: FfmpegArguments,
): string[] {
	const { format, quality } = output;
	return [
		'-nostdin',
		'-hide_banner',
		'-nostats',
		'-v',
		'repeat+level+debug',
		// What is said of a frame must not be mixed with what is said of the next.
		'-threads',
		'1',
		// Where the producer sends hashes of its pictures, they are compared.
		'-err_detect',
		'crccheck',
		// The standard's delay, so that no order has to be guessed.
		'-strict',
		'1',
		// What is decoded to be looked at first is decoded twice.
		'-probesize',
		'32',
		'-analyzeduration',
		'0',
		'-fpsprobesize',
		'0',
		'-copyts',
		'-noautorotate',
		...(maxPixels === undefined ? [] : ['-max_pixels', `${maxPixels}`]),
		...args,
		'-f',
		'matroska',
		'-i',
		'pipe:0',
		'-map',
		'0:v:0',
		'-vsync',
		'passthrough',
		// Logs a line for each picture.
		'-vf',
		[
			'metadata=add:key=picture:value=1',
			'metadata=print',
			...(output.scene === undefined ? [] : [`select='gt(scene,${output.scene})'`]),
			...pictureFilters(output, filters),
		].join(','),
		'-enc_time_base',
		'1/1000',
		...ENCODERS[format],
		...(quality === undefined ? [] : qualityOf(format, quality)),
		'-f',
		'matroska',
		// Of raw pictures, a checksum costs as much as decoding them.
		'-write_crc32',
		'0',
		'pipe:1',
	];
}

/** Of two options of the same name the later counts. */
function qualityOf(format: PictureFormat, quality: number): string[] {
	if (format === 'webp') return ['-quality', `${quality}`];
	return format === 'jpg' ? ['-qmin', `${MIN_SCALE}`, '-q:v', `${jpegScaleOf(quality)}`] : [];
}

/** libjpeg's percentage of the tables for a quality, which ffmpeg counts in eighths. */
function jpegScaleOf(quality: number): number {
	const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
	return Math.min(MAX_SCALE, Math.max(MIN_SCALE, Math.round((percent * 8) / 100)));
}
