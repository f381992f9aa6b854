import type { Readable } from 'node:stream';
import { invalidMember, invalidResponse, isInvalidArgument } from '../aws/aws-errors.js';
import { Paginator } from '../aws/paginator.js';
import type { ServiceContext } from '../aws/service-context.js';
import { type ResolvedTimeRange, resolveTimeRange, type TimeRange } from '../model/time-range.js';
import { Source } from '../stream/source.js';
import { ArchivedImage } from './archived-image.js';
import { type ImageWindow, imageWindows } from './image-windows.js';
import { type ImagesOptions, type ResolvedImagesOptions, resolveImagesOptions } from './images-options.js';

/** The images of a range, in order, each time once. Leaving the loop early is a normal end. */
export interface ImageStream extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<ArchivedImage>;
}

/** What the service gives on a page at most, however much is requested. */
const PAGE_SIZE = 25;

/** What the service says of a range all of which has expired, or is of before the stream. */
const OUTSIDE_OF_RETENTION = /outside of the stream retention period/;

/** An item of a page. */
interface ServiceImage {
	readonly TimeStamp?: unknown;
	readonly Error?: unknown;
	readonly ImageContent?: unknown;
}

/** Reads the images of a range from GetImages, page by page, one call at a time. Holds a page. */
export class ImageSource extends Source<ArchivedImage> {
	readonly #range: ResolvedTimeRange;
	readonly #options: ResolvedImagesOptions;
	readonly #service: ServiceContext;

	/** Throws `InvalidOptionError` for what the service would refuse. */
	constructor(range: TimeRange, options: ImagesOptions, service: ServiceContext) {
		super();
		this.#range = resolveTimeRange(range);
		this.#options = resolveImagesOptions(options);
		this.#service = service;
	}

	protected override async *produce(): AsyncGenerator<ArchivedImage[]> {
		const { everyMs, padStart } = this.#options;
		for (const window of imageWindows(this.#range, everyMs, padStart)) {
			// Times that are half an interval off are others.
			let dueMs = window.firstMs - window.intervalMs / 2;
			const endMs = window.lastMs + window.intervalMs / 2;
			for await (const page of this.#pages(window)) {
				const wanted = page.filter(({ at }) => {
					const isWanted = at.getTime() > dueMs && at.getTime() < endMs;
					if (isWanted) dueMs = at.getTime();
					return isWanted;
				});
				if (wanted.length > 0) yield wanted;
			}
		}
	}

	async *#pages(window: ImageWindow): AsyncGenerator<ArchivedImage[]> {
		const { by, toMs } = this.#range;
		const { members } = this.#options;
		const params = {
			...members,
			ImageSelectorType: by === 'server' ? ('SERVER_TIMESTAMP' as const) : ('PRODUCER_TIMESTAMP' as const),
			StartTimestamp: new Date(window.startMs),
			EndTimestamp: new Date(window.endMs),
			SamplingInterval: window.intervalMs,
		};
		const options = { pageSize: PAGE_SIZE, signal: this.signal };
		const pages = new Paginator('GetImages', params, options, this.#service);
		try {
			for await (const { Images = [] } of pages) yield Images.map((image) => this.#read(image));
		} catch (error) {
			const isOver = isInvalidArgument(error) && OUTSIDE_OF_RETENTION.test((error as Error).message);
			// For a range that ends later, the service says the same as for any time without media.
			if (!isOver || window.lastMs + this.#options.everyMs > toMs) throw error;
			yield this.#withoutMedia(window);
		}
	}

	#withoutMedia({ firstMs, lastMs }: ImageWindow): ArchivedImage[] {
		const { everyMs, format } = this.#options;
		return Array.from({ length: (lastMs - firstMs) / everyMs + 1 }, (_, index) => {
			const at = new Date(firstMs + index * everyMs);
			return new ArchivedImage({ at, error: 'NO_MEDIA', format, data: null });
		});
	}

	#read({ TimeStamp: at, Error: error = null, ImageContent: content }: ServiceImage): ArchivedImage {
		const { stream } = this.#service.client;
		if (!(at instanceof Date) || Number.isNaN(at.getTime())) {
			throw invalidResponse('GetImages', stream, invalidMember('TimeStamp', 'a time', at));
		}
		const { format } = this.#options;
		if (error === 'NO_MEDIA' || error === 'MEDIA_ERROR') {
			return new ArchivedImage({ at, error, format, data: null });
		}
		if (error !== null) {
			throw invalidResponse('GetImages', stream, invalidMember('Error', 'NO_MEDIA or MEDIA_ERROR', error));
		}
		if (typeof content !== 'string' || content === '') {
			throw invalidResponse(
				'GetImages',
				stream,
				invalidMember('ImageContent', 'an image in base64', content),
			);
		}
		return new ArchivedImage({ at, error, format, data: Buffer.from(content, 'base64') });
	}
}
