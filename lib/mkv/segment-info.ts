import { ID } from '../ebml/ebml-schema.js';
import { childrenOf, readUnsigned } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { MAX_TIMECODE_SCALE_NS } from './limits.js';

/** TimecodeScale where the header does not say (Matroska §5.1.2.9): one millisecond. */
export const DEFAULT_TIMECODE_SCALE_NS = 1_000_000;

/** TimecodeScale of an Info element's body: nanoseconds a tick. */
export function readTimecodeScaleNs(info: Uint8Array, offset = 0): number {
	let scaleNs = DEFAULT_TIMECODE_SCALE_NS;
	for (const element of childrenOf(info, offset)) {
		if (element.id !== ID.TimecodeScale || element.body.byteLength === 0) continue;
		const value = readUnsigned(element);
		if (value < 1n || value > BigInt(MAX_TIMECODE_SCALE_NS)) {
			throw malformed(`a TimecodeScale of ${value} ns`, element.offset);
		}
		scaleNs = Number(value);
	}
	return scaleNs;
}
