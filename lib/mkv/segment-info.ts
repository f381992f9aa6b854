import { ID } from '../ebml/ebml-schema.js';
import { ElementCursor, readUnsignedNumber, viewOf } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { MAX_TIMECODE_SCALE_NS } from './limits.js';

/** TimecodeScale where the header does not say (Matroska §5.1.2.9): one millisecond. */
export const DEFAULT_TIMECODE_SCALE_NS = 1_000_000;

/** TimecodeScale of an Info element's body: nanoseconds a tick. */
export function readTimecodeScaleNs(info: Uint8Array, offset = 0): number {
	let scaleNs = DEFAULT_TIMECODE_SCALE_NS;
	const cursor = new ElementCursor(info, 0, info.byteLength, offset);
	while (cursor.next()) {
		const { id, start, end } = cursor;
		if (id !== ID.TimecodeScale || start === end) continue;
		scaleNs = readUnsignedNumber({ id, body: viewOf(info, start, end), offset: cursor.offset });
		if (scaleNs < 1 || scaleNs > MAX_TIMECODE_SCALE_NS) {
			throw malformed(
				`expected a TimecodeScale of 1 to ${MAX_TIMECODE_SCALE_NS} ns, got ${scaleNs} ns`,
				cursor.offset,
			);
		}
	}
	return scaleNs;
}
