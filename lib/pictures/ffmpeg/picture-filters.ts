import type { Track } from '../../model/track.js';
import type { PictureFormat } from '../picture.js';
import { MAX_SIDE, type PictureOutput } from '../picture-output.js';

/** What is done to the decoded frames besides. */
export interface PictureFilters {
	/** ffmpeg's filters for them as they are decoded: before they are turned and scaled. */
	readonly first: readonly string[];
	/** By how much they are turned then. */
	readonly rotation: Track['rotation'];
}

const TURNS: Readonly<Record<Track['rotation'], readonly string[]>> = {
	0: [],
	90: ['transpose=clock'],
	180: ['hflip', 'vflip'],
	270: ['transpose=cclock'],
};

/**
 * What the readers of a format take its colours for, whatever the video's are. The others are RGB or gray, or keep the video's
 * matrix, and are converted by ffmpeg's own rules.
 */
const COLOURS: Partial<Record<PictureFormat, string>> = {
	jpg: 'out_color_matrix=bt601:out_range=pc',
	webp: 'out_color_matrix=bt601:out_range=tv',
	nv12: 'out_range=tv',
	yuv420p: 'out_range=tv',
};

/** What the encoder gets. */
const PIXELS: Partial<Record<PictureFormat, string>> = {
	jpg: 'yuvj420p',
	png: 'rgb24',
	webp: 'yuv420p',
};

/** Proportions of a frame whose pixels are not square; `iw` and `ih` alone are its samples. */
const WIDTH = '(iw*sar)';

/** ffmpeg's filters from a decoded frame to the picture that is encoded. */
export function pictureFilters(output: PictureOutput, { first, rotation }: PictureFilters): string[] {
	const { size, format } = output;
	const colours = COLOURS[format] === undefined ? [] : [`scale=${COLOURS[format]}`];
	const pixels = `format=${PIXELS[format] ?? format}`;
	const before = [...first, ...TURNS[rotation]];
	if (size === undefined) return colours.length === 0 ? before : [...before, ...colours, pixels];
	const { width = null, height = null } = size;
	const { crop, sides, pad } =
		width === null || height === null ? proportional(width, height) : fitted(width, height, output);
	// Another matrix costs as much as decoding: after scaling there are fewer pixels, as a rule.
	const scale = [`scale=${sides.join(':')}`, ...colours];
	// In gray, ffmpeg's black is the one of limited range.
	const bars = pad.length > 0 && format === 'gray' ? ['format=yuvj420p', ...pad, pixels] : [pixels, ...pad];
	return [...before, ...crop, ...scale, ...bars, 'setsar=1'];
}

/** How frames come into a size: what is cut off, what the rest is scaled to, and what is added then. */
interface Scaling {
	readonly crop: readonly string[];
	/** Arguments of ffmpeg's `scale`. */
	readonly sides: readonly string[];
	readonly pad: readonly string[];
}

function proportional(width: number | null, height: number | null): Scaling {
	const sides =
		width === null
			? [`w='clip(round(${WIDTH}*${height}/ih),1,${MAX_SIDE})'`, `h=${height}`]
			: [`w=${width}`, `h='clip(round(ih*${width}/${WIDTH}),1,${MAX_SIDE})'`];
	return { crop: [], sides, pad: [] };
}

function fitted(width: number, height: number, { fit = 'cover' }: PictureOutput): Scaling {
	const exact = [`w=${width}`, `h=${height}`];
	if (fit === 'fill') return { crop: [], sides: exact, pad: [] };
	if (fit === 'cover') {
		const w = `'clip(round(ih*${width}/${height}/sar),1,iw)'`;
		const h = `'clip(round(iw*sar*${height}/${width}),1,ih)'`;
		// Colours are sampled at every other pixel: at even offsets they stay where they are.
		const crop = `crop=w=${w}:h=${h}:x='floor((iw-ow)/4)*2':y='floor((ih-oh)/4)*2':exact=1`;
		return { crop: [crop], sides: exact, pad: [] };
	}
	const sides = [
		`w='clip(round(${WIDTH}*${height}/ih),1,${width})'`,
		`h='clip(round(ih*${width}/${WIDTH}),1,${height})'`,
	];
	// Where colours are sampled at every other pixel, only even sizes can be padded to.
	const pad = `pad=w=${width + (width % 2)}:h=${height + (height % 2)}:x=(${width}-iw)/2:y=(${height}-ih)/2`;
	const isEven = width % 2 === 0 && height % 2 === 0;
	return { crop: [], sides, pad: isEven ? [pad] : [pad, `crop=${width}:${height}:0:0:exact=1`] };
}
