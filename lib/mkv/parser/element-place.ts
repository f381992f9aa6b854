import { endsCluster, ID, idOf, isGlobal, isKnown, nameOf } from '../../ebml/ebml-schema.js';
import { malformed } from '../../ebml/element-header.js';
import { MediaError } from '../../errors.js';
import {
	MAX_BLOCK_BYTES,
	MAX_EBML_HEADER_BYTES,
	MAX_HEADER_ELEMENT_BYTES,
	MAX_SKIPPED_ELEMENT_BYTES,
	MAX_UNKNOWN_ELEMENT_BYTES,
} from '../limits.js';

/** Between documents, or between an EBML header and its Segment. */
export const OUTSIDE = 0;

/** Among the children of a Segment. */
export const IN_SEGMENT = 1;

/** Among the children of a Cluster. */
export const IN_CLUSTER = 2;

/** An unsigned integer has at most 8 bytes (RFC 8794 §7.2). */
const MAX_TIMECODE_BYTES = 8;

const ENCRYPTED_BLOCK = idOf('EncryptedBlock');
const clusterIds: ReadonlySet<number> = new Set([
	ID.Timecode,
	ID.SimpleBlock,
	ID.BlockGroup,
	...['SilentTracks', 'Position', 'PrevSize'].map(idOf),
]);

/**
 * How large an element may be that is read as a whole at that level; 0 for one that is skipped. Throws for one that may not
 * stand there: then the bytes are something else than they seem.
 */
export function maxCollectedBytes(level: number, id: number, offset: number): number {
	switch (level) {
		case IN_CLUSTER:
			if (id === ID.Timecode) return MAX_TIMECODE_BYTES;
			if (id === ID.SimpleBlock || id === ID.BlockGroup) return MAX_BLOCK_BYTES;
			if (id === ENCRYPTED_BLOCK) {
				const message = `an EncryptedBlock at byte ${offset}, and encryption is not supported`;
				throw new MediaError('KVS_MEDIA_UNSUPPORTED', message, { offset });
			}
			if (isKnown(id) && !isGlobal(id) && !clusterIds.has(id)) {
				throw malformed(`${nameOf(id)} inside a Cluster`, offset);
			}
			return 0;
		case IN_SEGMENT:
			if (id === ID.Info || id === ID.Tracks || id === ID.Tags) return MAX_HEADER_ELEMENT_BYTES;
			if (isKnown(id) && !isGlobal(id) && !endsCluster(id)) {
				throw malformed(`${nameOf(id)} inside a Segment`, offset);
			}
			return 0;
		default:
			if (id === ID.EBML) return MAX_EBML_HEADER_BYTES;
			if (id === ID.Void || id === ID.Crc32) return 0;
			throw malformed(`expected an EBML header, got ${nameOf(id)}`, offset);
	}
}

/** How large an element may be that is skipped. */
export function maxSkippedBytes(id: number): number {
	return isKnown(id) ? MAX_SKIPPED_ELEMENT_BYTES : MAX_UNKNOWN_ELEMENT_BYTES;
}
