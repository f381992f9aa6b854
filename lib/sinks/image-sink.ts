import type { OutputFolder } from '../files/output-folder.js';
import type { Picture } from '../pictures/picture.js';
import { type ImageFile, ImageFiles } from './image-files.js';
import { extensionOf, isoTime, pictureFacts } from './picture-facts.js';

/** The list of what was written, in the order of the pictures. */
const LIST_NAME = 'frames.jsonl';

/**
 * Writes each picture into a file of its own, named by its exact time (`2026-01-31T14.03.07.250Z.jpg`, microseconds where
 * there are any, `_2` after it where two have the same time), and a line for each into `frames.jsonl`.
 *
 * The directory is made where it is not there. Every file appears when it is whole; `frames.jsonl` when the sink has
 * finished. On an error the images that were written stay, and no list appears. Fails with `SinkError`: `KVS_SINK_FAILED`, and
 * `KVS_EMPTY_RANGE` where no picture came, which leaves no file. What resumes, and can be verified, is
 * {@link KvsArchive.exportPictures}.
 */
export class ImageSink extends ImageFiles<Picture> {
	/** `folder`: the path of a directory, or a folder of another kind. */
	constructor(folder: string | OutputFolder) {
		super(folder, LIST_NAME);
	}

	protected override fileOf(picture: Picture): ImageFile {
		const { frame, timestampMs } = picture;
		const timestamp = timestampMs === null ? null : isoTime(timestampMs);
		return {
			time: timestamp?.replaceAll(':', '.') ?? `${String(frame.timecodeNs / 1000n).padStart(15, '0')}us`,
			extension: extensionOf(picture.format),
			data: picture.data,
			line: pictureFacts(picture),
		};
	}
}
