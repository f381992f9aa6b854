import type { PictureFormat } from './picture.js';

/** A size that pictures are scaled to, in pixels. */
export interface PictureSize {
	/** Null: so that the proportions stay. */
	readonly width: number | null;
	readonly height: number;
}

/** What pictures are made of the frames. */
export interface PictureOutput {
	/** Size of the pictures, which are stretched to it; without a width in the proportions of the video. @default as coded */
	readonly size?: PictureSize | undefined;
	/** Of JPEG, from 1 (smallest) to 100 (best), as libjpeg counts. @default about 90 */
	readonly jpegQuality?: number | undefined;
	/** Frames with more pixels give no picture. @default no limit but ffmpeg's */
	readonly maxPixels?: number | undefined;
}

/** A width that is derived from a height is no more than this, however wide the video. */
export const MAX_DERIVED_WIDTH = 16_384;

/** ffmpeg's scales of JPEG's tables; without a word from us it uses none that is finer than 2. */
const MIN_SCALE = 1;
const MAX_SCALE = 31;

const ENCODERS: Readonly<Record<PictureFormat, readonly string[]>> = {
	jpg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '2'],
	png: ['-c:v', 'png', '-pix_fmt', 'rgb24'],
	rgb24: ['-c:v', 'rawvideo', '-pix_fmt', 'rgb24', '-allow_raw_vfw', '1'],
	nv12: ['-c:v', 'rawvideo', '-pix_fmt', 'nv12'],
};

/** ffmpeg's command line: Matroska in on stdin, one picture a frame in Matroska out on stdout. */
export function ffmpegArguments(
	format: PictureFormat,
	{ size, jpegQuality, maxPixels }: PictureOutput,
): string[] {
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
		`metadata=add:key=picture:value=1,metadata=print${size === undefined ? '' : `,${scaling(size)}`}`,
		'-enc_time_base',
		'1/1000',
		...ENCODERS[format],
		...(format === 'jpg' && jpegQuality !== undefined ? scaleOf(jpegQuality) : []),
		'-f',
		'matroska',
		// Of raw pictures, a checksum costs as much as decoding them.
		'-write_crc32',
		'0',
		'pipe:1',
	];
}

/** The filters that scale to a size. Its pixels are square then, whatever the video's were. */
function scaling({ width, height }: PictureSize): string {
	const derived = `'clip(round(iw*${height}/ih),1,${MAX_DERIVED_WIDTH})'`;
	return `scale=w=${width ?? derived}:h=${height},setsar=1`;
}

/** libjpeg's percentage of the tables for a quality, which ffmpeg counts in eighths. Of two `-q:v` the later counts. */
function scaleOf(quality: number): string[] {
	const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
	const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, Math.round((percent * 8) / 100)));
	return ['-qmin', `${MIN_SCALE}`, '-q:v', `${scale}`];
}
