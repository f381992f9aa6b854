import { InvalidOptionError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { Picture } from './picture.js';

/** Options of {@link batchPictures}. */
export interface BatchPicturesOptions {
	/** Pictures in a batch; the last one may have fewer. */
	readonly size: number;
}

const OPTION_NAMES: OptionNames<BatchPicturesOptions> = {
	size: true,
};

/** What a picture in a batch is. */
export interface BatchedPicture
	extends Pick<Picture, 'timestampMs' | 'timestamp' | 'producerTimestamp' | 'fragmentNumber' | 'keyframe'> {
	/** Number of its track. */
	readonly track: number;
	/** See {@link Picture.at}. */
	readonly at?: readonly Date[] | undefined;
}

/** Pictures of one size, as one array. The caller's own: it is not used again. */
export interface PictureBatch {
	/** The samples of all pictures, one after the other. Of the last batch a view of the first part of its buffer. */
	readonly data: Uint8Array;
	/**
	 * `[N, height, width, channels]`: 3 channels of `rgb24` and `bgr24`, 1 of `gray`; `nv12` and `yuv420p` are 1 of
	 * `height * 3 / 2` rows.
	 */
	readonly shape: readonly [number, number, number, number];
	/** Producer time of each picture, epoch milliseconds; null where the payload has no producer clock. */
	readonly times: readonly (number | null)[];
	/** Each picture, in the same order. */
	readonly pictures: readonly BatchedPicture[];
}

/**
 * Puts raw pictures together into arrays of `[N, height, width, channels]`, as a model takes them: `new Tensor('uint8', data, shape)`
 * of onnxruntime, `tf.tensor4d(data, shape, 'int32')` of tfjs. Each batch is one allocation, into which every picture is copied once. Takes
 * pictures as it is read, and ends them when its loop is left.
 *
 * Throws {@link InvalidOptionError} for a `size` that is not valid, for pictures that are no raw samples (`jpg`, `png`, `webp`), and where
 * the size of the pictures changes: `size` of `pictures` makes it one.
 */
export function batchPictures(
	pictures: AsyncIterable<Picture>,
	options: BatchPicturesOptions,
): AsyncGenerator<PictureBatch, void, undefined> {
	checkOptionNames(options, OPTION_NAMES);
	const { size } = options;
	if (!Number.isSafeInteger(size) || size < 1) {
		throw new InvalidOptionError('size', 'a whole number of pictures, at least 1', size);
	}
	return batches(pictures, size);
}

async function* batches(
	pictures: AsyncIterable<Picture>,
	size: number,
): AsyncGenerator<PictureBatch, void, undefined> {
	let batch: OpenBatch | null = null;
	let first: Picture | null = null;
	for await (const picture of pictures) {
		first ??= picture;
		checkSame(picture, first);
		batch ??= new OpenBatch(shapeOf(picture), size);
		if (!batch.add(picture)) continue;
		const full = batch.close();
		// Not held while the caller has it.
		batch = null;
		yield full;
	}
	if (batch !== null) yield batch.close();
}

/** A batch that is not full. */
class OpenBatch {
	readonly #shape: readonly [number, number, number];
	readonly #size: number;
	readonly #data: Uint8Array;
	readonly #pictures: BatchedPicture[] = [];

	constructor(shape: readonly [number, number, number], size: number) {
		this.#shape = shape;
		this.#size = size;
		this.#data = new Uint8Array(size * this.#pictureBytes);
	}

	get #pictureBytes(): number {
		const [height, width, channels] = this.#shape;
		return height * width * channels;
	}

	/** Returns whether it is full then. */
	add(picture: Picture): boolean {
		this.#data.set(picture.data, this.#pictures.length * this.#pictureBytes);
		const { timestampMs, timestamp, producerTimestamp, fragmentNumber, keyframe, frame, at } = picture;
		const { number: track } = frame.track;
		this.#pictures.push({ timestampMs, timestamp, producerTimestamp, fragmentNumber, keyframe, track, at });
		return this.#pictures.length === this.#size;
	}

	close(): PictureBatch {
		const count = this.#pictures.length;
		return {
			data: this.#data.subarray(0, count * this.#pictureBytes),
			shape: [count, ...this.#shape],
			times: this.#pictures.map(({ timestampMs }) => timestampMs),
			pictures: this.#pictures,
		};
	}
}

function shapeOf({ shape, format }: Picture): readonly [number, number, number] {
	const [rows, width, channels = 1] = shape ?? [];
	if (rows === undefined || width === undefined) {
		const expected =
			'`rgb24`, `bgr24` or `gray` for batches, or `nv12` or `yuv420p` of even width and height';
		throw new InvalidOptionError('format', expected, format);
	}
	return [rows, width, channels];
}

function checkSame({ width, height, timestamp }: Picture, first: Picture): void {
	if (width === first.width && height === first.height) return;
	const at = timestamp === null ? '' : ` at ${timestamp.toISOString()}`;
	throw new InvalidOptionError(
		'size',
		`set in the options of \`pictures\`: cannot batch a picture of ${width}x${height}${at}, as the first has ${first.width}x${first.height}`,
	);
}
