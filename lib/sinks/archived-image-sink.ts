import type { OutputFolder } from '../files/output-folder.js';
import type { ArchivedImage } from '../images/archived-image.js';
import { type ImageFile, ImageFiles } from './image-files.js';

/** The list of the images, and of the times without one. */
const LIST_NAME = 'images.jsonl';

/**
 * Writes each image into a file of its own, named by its time (`2026-01-31T14.03.07.250Z.jpg`), and a line for each time into
 * `images.jsonl`, with `file` null and an `error` where there is no image.
 *
 * The directory is made where it is not there. Every file appears when it is whole; `images.jsonl` when the sink has
 * finished. On an error the images that were written stay, and no list appears. Fails with `SinkError`: `KVS_SINK_FAILED`, and
 * `KVS_EMPTY_RANGE` where no image came, which leaves no file.
 */
export class ArchivedImageSink extends ImageFiles<ArchivedImage> {
	/** `folder`: the path of a directory, or a folder of another kind. */
	constructor(folder: string | OutputFolder) {
		super(folder, LIST_NAME);
	}

	protected override fileOf({ at, error, format, data }: ArchivedImage): ImageFile {
		const timestamp = at.toISOString();
		return {
			time: timestamp.replaceAll(':', '.'),
			extension: format,
			data,
			line: { timestamp, error },
		};
	}
}
