import { checkRange, type RequestedRange } from '../playback/sessions/checked-range.js';
import { playedFragments } from '../playback/sessions/playback-order.js';
import type { LocalStream } from '../store/local-stream.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import type { RequestFields } from '../wire/request-fields.js';
import { requireRetention, ServiceError } from '../wire/service-error.js';

/** The most a clip may hold: fragments, and bytes of them as they are stored. */
const MAX_FRAGMENTS = 200;
const MAX_BYTES = 100_000_000;

const selectorTypes = ['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'] as const;

/** A clip's range, with both its ends. */
export interface ClipRange extends RequestedRange {
	readonly endMs: number;
}

/**
 * Reads the members of GetClip besides the stream's, all of which are required. `nowMs` is the archive's clock. Throws
 * `InvalidArgumentException`.
 */
export function readClipRange(request: RequestFields, nowMs: number): ClipRange {
	const selector = request.requiredObject('ClipFragmentSelector');
	const type = selector.oneOf('FragmentSelectorType', selectorTypes);
	const times = selector.requiredObject('TimestampRange');
	const range = {
		clock: type === 'PRODUCER_TIMESTAMP' ? 'producer' : 'server',
		startMs: times.timeMs('StartTimestamp'),
		endMs: times.timeMs('EndTimestamp'),
	} as const;
	checkRange(range, nowMs);
	return range;
}

/**
 * The fragments of a clip, in the order in which they are played: of those that begin within the range the oldest, 200 of
 * them and 100 MB at most, and one at least. Throws `NoDataRetentionException`, and `ResourceNotFoundException` where
 * there is nothing in the range.
 */
export function clipFragments(
	stream: LocalStream,
	range: ClipRange,
	nowMs: number,
): readonly StoredFragment[] {
	requireRetention(stream.metadata);
	const inRange = stream.fragments.select(range, stream.snapshot(nowMs)).all();
	const played = playedFragments(range.clock, inRange).slice(0, MAX_FRAGMENTS);
	if (played.length === 0) {
		throw new ServiceError(
			'ResourceNotFoundException',
			404,
			'No fragments found in the stream for the clip request.',
		);
	}
	let sizeBytes = 0;
	const end = played.findIndex((fragment, index) => {
		sizeBytes += fragment.sizeBytes;
		return index > 0 && sizeBytes > MAX_BYTES;
	});
	return end === -1 ? played : played.slice(0, end);
}
