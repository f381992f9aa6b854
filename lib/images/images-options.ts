import { InvalidOptionError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';

/** Which images of a range the service is to make, and what they look like (GetImages). */
export interface ImagesOptions {
	/** From one image to the next, in whole milliseconds: 200 at least. @default 1000 */
	readonly everyMs?: number | undefined;
	/** @default 'jpg' */
	readonly format?: 'jpg' | 'png' | undefined;
	/** Of JPEG, from 1 (smallest) to 100 (best). @default 80, the service's */
	readonly quality?: number | undefined;
	/** In pixels, up to 3,840, and only beside `height`: the images are stretched. @default as `height` says */
	readonly width?: number | undefined;
	/** In pixels, up to 2,160; alone, the proportions stay. @default as recorded */
	readonly height?: number | undefined;
	/**
	 * Requests images of the 20 s before the range too, and leaves them out: the service gives none of a fragment that begins
	 * before the requested range. They cost what others do. @default true
	 */
	readonly padStart?: boolean | undefined;
	readonly signal?: AbortSignal | undefined;
}

const NAMES: OptionNames<ImagesOptions> = {
	everyMs: true,
	format: true,
	quality: true,
	width: true,
	height: true,
	padStart: true,
	signal: true,
};

/** The service's limits (GetImages of the API reference). */
const MIN_EVERY_MS = 200;
const MAX_EVERY_MS = 2 ** 31 - 1;
const MAX_WIDTH = 3840;
const MAX_HEIGHT = 2160;
const MAX_QUALITY = 100;

/** Members of GetImages, but for the stream's, the times' and those of paging. */
export interface ImageMembers {
	readonly Format: 'JPEG' | 'PNG';
	readonly FormatConfig?: { readonly JPEGQuality: string };
	readonly WidthPixels?: number;
	readonly HeightPixels?: number;
}

/** Options that were checked. */
export interface ResolvedImagesOptions {
	readonly everyMs: number;
	readonly format: 'jpg' | 'png';
	readonly padStart: boolean;
	readonly members: ImageMembers;
}

/** Checks options, and says them in the service's words. Throws `InvalidOptionError`. */
export function resolveImagesOptions(options: ImagesOptions): ResolvedImagesOptions {
	checkOptionNames(options, NAMES);
	const { everyMs = 1000, format = 'jpg', quality, width, height, padStart = true } = options;
	checkWhole('everyMs', everyMs, MIN_EVERY_MS, MAX_EVERY_MS, ' of milliseconds');
	if (format !== 'jpg' && format !== 'png') throw new InvalidOptionError('format', 'jpg or png', format);
	if (quality !== undefined) {
		if (format === 'png') throw new InvalidOptionError('quality', 'left out with the format png', quality);
		checkWhole('quality', quality, 1, MAX_QUALITY);
	}
	if (height !== undefined) checkWhole('height', height, 1, MAX_HEIGHT);
	if (width !== undefined) {
		checkWhole('width', width, 1, MAX_WIDTH);
		if (height === undefined) throw new InvalidOptionError('height', 'given beside `width`', height);
	}
	return {
		everyMs,
		format,
		padStart,
		members: {
			Format: format === 'jpg' ? 'JPEG' : 'PNG',
			...(quality !== undefined && { FormatConfig: { JPEGQuality: String(quality) } }),
			...(width !== undefined && { WidthPixels: width }),
			...(height !== undefined && { HeightPixels: height }),
		},
	};
}

function checkWhole(option: string, value: number, min: number, max: number, unit = ''): void {
	if (Number.isInteger(value) && value >= min && value <= max) return;
	throw new InvalidOptionError(option, `a whole number${unit} from ${min} to ${max}`, value);
}
