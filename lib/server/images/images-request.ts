import type { RangeClock } from '../../model/time-range.js';
import type { IntegerBounds, RequestFields, StringBounds } from '../wire/request-fields.js';
import { invalidArgument, validationFailed } from '../wire/service-error.js';

/** Which images a GetImages is about, and what they look like. */
export interface ImagesRequest {
	/** The clock of the times. */
	readonly clock: RangeClock;
	/** Time of the first image, epoch milliseconds. No fragment that begins before it counts. */
	readonly startMs: number;
	/** The last time that an image may have, included. */
	readonly endMs: number;
	/** From one image to the next, in milliseconds. */
	readonly intervalMs: number;
	readonly format: 'jpg' | 'png';
	/** Of JPEG, 1 to 100. */
	readonly jpegQuality: number;
	/** Size in pixels; as coded where both are null, in the video's proportions where the width is. */
	readonly width: number | null;
	readonly height: number | null;
}

const selectorTypes = ['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'] as const;
const formats = ['JPEG', 'PNG'] as const;

const MAX_RANGE_MS = 300_000;

const INTERVAL_MS: IntegerBounds = { min: 200, max: 2 ** 31 - 1 };

/** Undocumented; the shortest that the service took while the member was required. */
const DEFAULT_INTERVAL_MS = 3000;

const WIDTH: IntegerBounds = { min: 1, max: 3840 };
const HEIGHT: IntegerBounds = { min: 1, max: 2160 };

const QUALITY_KEY = 'JPEGQuality';
const CONFIG_KEY: StringBounds = { maxLength: 256, pattern: new RegExp(`^${QUALITY_KEY}$`) };
const CONFIG_VALUE: StringBounds = { minLength: 0, maxLength: 256, pattern: /^(?:[1-9][0-9]?|100)$/ };
const DEFAULT_QUALITY = 80;

/**
 * Reads the members of GetImages besides the stream's and those of paging, fills in the service's defaults and checks them
 * against its rules (GetImages of the API reference). Throws `InvalidArgumentException`, for a width without a height
 * `ValidationException`.
 */
export function readImagesRequest(request: RequestFields): ImagesRequest {
	const type = request.oneOf('ImageSelectorType', selectorTypes);
	const startMs = request.timeMs('StartTimestamp');
	const endMs = request.timeMs('EndTimestamp');
	const intervalMs = request.integer('SamplingInterval', INTERVAL_MS) ?? DEFAULT_INTERVAL_MS;
	const format = request.oneOf('Format', formats);
	const config = request.map('FormatConfig', { min: 1, max: 1 }, { key: CONFIG_KEY, value: CONFIG_VALUE });
	const width = request.integer('WidthPixels', WIDTH) ?? null;
	const height = request.integer('HeightPixels', HEIGHT) ?? null;
	if (endMs < startMs) {
		throw invalidArgument(
			`expected EndTimestamp not to be earlier than StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (endMs - startMs > MAX_RANGE_MS) {
		throw invalidArgument(
			`expected EndTimestamp within 300 seconds of StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (width !== null && height === null) {
		throw validationFailed('expected HeightPixels beside WidthPixels, got WidthPixels alone');
	}
	return {
		clock: type === 'PRODUCER_TIMESTAMP' ? 'producer' : 'server',
		startMs,
		endMs,
		intervalMs,
		format: format === 'JPEG' ? 'jpg' : 'png',
		jpegQuality: Number(config?.get(QUALITY_KEY) ?? DEFAULT_QUALITY),
		width,
		height,
	};
}

/** How many images a request is about, on all its pages. */
export function imageCount({ startMs, endMs, intervalMs }: ImagesRequest): number {
	return Math.floor((endMs - startMs) / intervalMs) + 1;
}
