import type { OutputFolder } from '../files/output-folder.js';
import type { Picture, PictureFormat } from '../pictures/picture.js';
import { type ImageFile, ImageFiles } from './image-files.js';

const EXTENSIONS: Readonly<Record<PictureFormat, string>> = {
	jpg: 'jpg',
	png: 'png',
	webp: 'webp',
	rgb24: 'rgb',
	bgr24: 'bgr',
	nv12: 'nv12',
	yuv420p: 'yuv',
	gray: 'gray',
};

/** The list of what was written, in the order of the pictures. */
const LIST_NAME = 'frames.jsonl';

/**
 * Writes each picture into a file of its own, named by its exact time (`2026-01-31T14.03.07.250Z.jpg`, microseconds where
 * there are any, `_2` after it where two have the same time), and a line for each into `frames.jsonl`.
 *
 * The directory is made where it is not there. Every file appears when it is whole; `frames.jsonl` when the sink has
 * finished. On an error the images that were written stay, and no list appears. Fails with `SinkError`: `KVS_SINK_FAILED`, and
 * `KVS_EMPTY_RANGE` where no picture came, which leaves no file.
 */
export class ImageSink extends ImageFiles<Picture> {
	/** `folder`: the path of a directory, or a folder of another kind. */
	constructor(folder: string | OutputFolder) {
		super(folder, LIST_NAME);
	}

	protected override fileOf(picture: Picture): ImageFile {
		const { fragmentNumber, frame, timestampMs, producerTimestamp, keyframe, width, height } = picture;
		const timestamp = timestampMs === null ? null : isoTime(timestampMs);
		return {
			time: timestamp?.replaceAll(':', '.') ?? `${String(frame.timecodeNs / 1000n).padStart(15, '0')}us`,
			extension: EXTENSIONS[picture.format],
			data: picture.data,
			line: {
				fragmentNumber,
				track: frame.track.number,
				timestamp,
				producerTimestamp,
				keyframe,
				width,
				height,
			},
		};
	}
}

/** ISO 8601 with milliseconds, or with microseconds where the time is finer. */
function isoTime(timestampMs: number): string {
	const us = Math.round(timestampMs * 1000);
	const fraction = ((us % 1000) + 1000) % 1000;
	const iso = new Date((us - fraction) / 1000).toISOString();
	return fraction === 0 ? iso : iso.replace('Z', `${String(fraction).padStart(3, '0')}Z`);
}
