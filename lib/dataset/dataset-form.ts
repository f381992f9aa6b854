import { InvalidOptionError } from '../errors.js';
import type { PictureFormat } from '../pictures/picture.js';

/**
 * How pictures are laid out in a folder. `files`: a file each, and `frames.jsonl`. `imagefolder`: a file each, and the
 * `metadata.jsonl` that Hugging Face's `imagefolder` reads. `webdataset`: tar shards of samples `KEY.jpg` and `KEY.json`.
 */
export type PictureLayout = 'files' | 'imagefolder' | 'webdataset';

const LAYOUTS: readonly PictureLayout[] = ['files', 'imagefolder', 'webdataset'];

/** Formats that image libraries open without a size from elsewhere. */
const IMAGE_FORMATS: readonly string[] = ['jpg', 'png', 'webp'];

/** The default of `shardSizeBytes`. */
const SHARD_SIZE_BYTES = 500_000_000;

/** File systems take 255 characters of a name in all. */
const MAX_NAME_LENGTH = 200;

/** The list of each layout that has one, in the order of its pictures. */
export const LIST_NAMES = { files: 'frames.jsonl', imagefolder: 'metadata.jsonl', webdataset: null } as const;

/** How a folder of pictures is written. */
export interface DatasetForm {
	readonly layout: PictureLayout;
	/** What the names of shards begin with. */
	readonly name: string;
	/** The largest size of a shard, but for one of a single sample. */
	readonly shardSizeBytes: number;
}

/** Options that say how a folder of pictures is written. */
export interface DatasetFormOptions {
	/** @default 'files' */
	readonly layout?: PictureLayout | undefined;
	/** With `webdataset`: the size that a shard does not exceed, unless one sample alone does. @default 500000000 */
	readonly shardSizeBytes?: number | undefined;
}

/** Checks options. `name`: of the stream. Throws {@link InvalidOptionError}. */
export function datasetFormOf(
	{ layout = 'files', shardSizeBytes }: DatasetFormOptions,
	name: string,
): DatasetForm {
	if (!LAYOUTS.includes(layout))
		throw new InvalidOptionError('layout', `one of ${LAYOUTS.join(', ')}`, layout);
	if (shardSizeBytes !== undefined) {
		if (layout !== 'webdataset') {
			throw new InvalidOptionError('shardSizeBytes', 'used with the layout webdataset', shardSizeBytes);
		}
		if (!Number.isSafeInteger(shardSizeBytes) || shardSizeBytes < 1) {
			throw new InvalidOptionError('shardSizeBytes', 'a whole number above 0', shardSizeBytes);
		}
	}
	return {
		layout,
		name: name.replace(/[^\w.-]/g, '_').slice(0, MAX_NAME_LENGTH),
		shardSizeBytes: shardSizeBytes ?? SHARD_SIZE_BYTES,
	};
}

/** Throws {@link InvalidOptionError} where a layout cannot hold pictures of a format. */
export function checkFormat({ layout }: Pick<DatasetForm, 'layout'>, format: PictureFormat): void {
	if (layout !== 'imagefolder' || IMAGE_FORMATS.includes(format)) return;
	throw new InvalidOptionError('format', `${IMAGE_FORMATS.join(', ')} with the layout imagefolder`, format);
}
