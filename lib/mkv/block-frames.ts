import { malformed } from '../ebml/element-header.js';
import type { Track } from '../model/track.js';
import { LACING_MASK, splitLacing } from './lacing.js';
import { MAX_INFLATED_BYTES } from './limits.js';

/**
 * The frames of a block whose track has ContentEncodings or whose flags say that it is laced, in order, as they were before
 * the container encoded them. Views of `bytes`, or memory of their own where they were encoded. Throws a malformed error for
 * lacing that does not add up and for more than {@link MAX_INFLATED_BYTES} of inflated frames.
 */
export function framesOfBlock(
	{ undoEncodings }: Track,
	flags: number,
	bytes: Uint8Array,
	start: number,
	end: number,
	offset: number,
): Uint8Array[] {
	const ranges =
		(flags & LACING_MASK) === 0 ? [{ start, end }] : splitLacing(bytes, start, end, flags, offset);
	let inflatedBytes = 0;
	return ranges.map((range) => {
		const stored = bytes.subarray(range.start, range.end);
		if (undoEncodings === null) return stored;
		const frame = undoEncodings(stored, offset);
		inflatedBytes += frame.byteLength;
		if (inflatedBytes > MAX_INFLATED_BYTES) {
			throw malformed(`a block that inflates to more than ${MAX_INFLATED_BYTES} bytes`, offset);
		}
		return frame;
	});
}
