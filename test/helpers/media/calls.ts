import { fragmentDocument, fragmentNumber, frameBlock, tags } from './payload.js';
import { startMs } from './range.js';

/**
 * Fragments of 2 s, one after the other, two frames in each, with a tag `Call` of these values, before the media and after it
 * in turns; null: without the tag. By the server's clock they begin a second later.
 */
export function callsRecording(calls: readonly (string | null)[], { stepMs = 2000 } = {}): Buffer {
	return Buffer.concat(
		calls.map((call, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * stepMs,
				blocks: [
					frameBlock(2 * index, { keyframe: true, relativeTicks: 0 }),
					frameBlock(2 * index + 1, { relativeTicks: 1000 }),
				],
				...(call === null ? {} : { [index % 2 === 0 ? 'after' : 'before']: tags(['Call', call]) }),
			}),
		),
	);
}
