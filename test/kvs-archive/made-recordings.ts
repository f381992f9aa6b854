import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** 5 fragments of 4 s, 25 frames of video and 10 of audio a second, a key frame each second; server time a second later. */
export function videoAndAudio(): Buffer {
	const blocks = Array.from({ length: 100 }, (_, index) => [
		frameBlock(index, { keyframe: index % 25 === 0 }),
		...(index % 5 === 0
			? [2 * index, 2 * index + 5].map((tenth) =>
					frameBlock(tenth, { keyframe: true, trackNumber: 2, relativeTicks: tenth * 20 }),
				)
			: []),
	]).flat();
	return Buffer.concat(
		Array.from({ length: 5 }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 4000,
				tracks: [videoTrack, audioTrack],
				blocks,
			}),
		),
	);
}

/** Two fragments, ingested once more a minute later. */
export function twice(): Buffer {
	return Buffer.concat(
		[0, 1, 2, 3].map((index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + (index % 2) * 2000,
				serverMs: startMs + (index % 2) * 2000 + (index < 2 ? 0 : 60_000),
				blocks: [
					frameBlock(index, { keyframe: true, relativeTicks: 0 }),
					frameBlock(10 + index, { relativeTicks: 1000 }),
				],
			}),
		),
	);
}
