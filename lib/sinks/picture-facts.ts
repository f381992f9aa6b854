import type { Picture, PictureFormat } from '../pictures/picture.js';

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

/** What a file with a picture of a format ends with, without the dot. */
export function extensionOf(format: PictureFormat): string {
	return EXTENSIONS[format];
}

/** ISO 8601 with milliseconds, or with microseconds where the time is finer. */
export function isoTime(timestampMs: number): string {
	const us = Math.round(timestampMs * 1000);
	const fraction = ((us % 1000) + 1000) % 1000;
	const iso = new Date((us - fraction) / 1000).toISOString();
	return fraction === 0 ? iso : iso.replace('Z', `${String(fraction).padStart(3, '0')}Z`);
}

/**
 * What the lists say of a picture besides its file. `timestamp` is the picture's by the producer's clock, `timestampByServer` the same by
 * the server's; `producerTimestamp` and `serverTimestamp` are its fragment's.
 */
export function pictureFacts(picture: Picture): object {
	const { fragmentNumber, frame, timestampMs, producerTimestamp, keyframe, width, height, format, at } =
		picture;
	const { serverTimestampMs } = frame;
	return {
		fragmentNumber,
		track: frame.track.number,
		timestamp: timestampMs === null ? null : isoTime(timestampMs),
		timestampByServer: serverTimestampMs === null ? null : isoTime(serverTimestampMs),
		producerTimestamp,
		serverTimestamp: frame.fragment.serverTimestamp,
		...(at !== undefined && { at }),
		keyframe,
		width,
		height,
		format,
	};
}
