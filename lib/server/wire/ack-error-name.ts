import { COMMON_ERROR_NAMES } from '../../model/failure-name.js';

/** The name of each error that an acknowledgement of PutMedia can carry, by its id. */
const NAMES = {
	4000: 'STREAM_READ_ERROR',
	4001: 'MAX_FRAGMENT_SIZE_REACHED',
	4002: 'MAX_FRAGMENT_DURATION_REACHED',
	4003: 'MAX_CONNECTION_DURATION_REACHED',
	4004: 'FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS',
	4005: 'MORE_THAN_ONE_TRACK_FOUND',
	4006: 'INVALID_MKV_DATA',
	4007: 'INVALID_PRODUCER_TIMESTAMP',
	4008: 'STREAM_NOT_ACTIVE',
	4009: 'FRAGMENT_METADATA_LIMIT_REACHED',
	4010: 'TRACK_NUMBER_MISMATCH',
	4011: 'FRAMES_MISSING_FOR_TRACK',
	4012: 'MORE_THAN_ALLOWED_TRACKS_FOUND',
	...COMMON_ERROR_NAMES,
	5001: 'ARCHIVAL_ERROR',
} as const;

/** The id of such an error: `ErrorId` on the wire. */
export type AckErrorId = keyof typeof NAMES;

/** `ErrorCode` on the wire: a word. */
export function ackErrorName(id: AckErrorId): string {
	return NAMES[id];
}

/** All ids of such errors. */
export const ACK_ERROR_IDS: readonly number[] = Object.keys(NAMES).map(Number);
