import { utf8Of } from '../model/bytes.js';

const EVENT_TYPES = ['BUFFERING', 'RECEIVED', 'PERSISTED', 'ERROR', 'IDLE'] as const;

/**
 * What becomes of the media of PutMedia, as the service acknowledges it: a fragment begins to come, came whole, is stored; an
 * error, with which the connection ends; nothing comes any more.
 */
export interface Ack {
	readonly eventType: (typeof EVENT_TYPES)[number];
	/** The fragment's timecode in milliseconds, as it was sent; null where the acknowledgement is about no fragment. */
	readonly fragmentTimecode: number | null;
	/** Null where none was given. */
	readonly fragmentNumber: string | null;
	/** Of an ERROR: its number, 4006 for instance. */
	readonly errorId?: number;
	/** Of an ERROR: its word, `INVALID_MKV_DATA` for instance. */
	readonly errorCode?: string;
}

/**
 * Reads one acknowledgement. Null for one of a kind that is not known here. Throws `SyntaxError` for what is not JSON, and
 * `TypeError` for what is not an acknowledgement.
 */
export function parseAck(line: Uint8Array): Ack | null {
	const text = utf8Of(line, 0, line.byteLength);
	const members = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
	const type = members?.['EventType'];
	if (typeof type !== 'string')
		throw new TypeError(`expected an acknowledgement, got \`${text.slice(0, 200)}\``);
	const eventType = EVENT_TYPES.find((known) => known === type);
	if (members === null || members === undefined || eventType === undefined) return null;
	const { FragmentTimecode: timecode, FragmentNumber: number, ErrorId: id, ErrorCode: code } = members;
	return {
		eventType,
		fragmentTimecode: typeof timecode === 'number' && timecode >= 0 ? timecode : null,
		fragmentNumber: typeof number === 'string' && number !== '' ? number : null,
		// The service's documentation has the number as a text.
		...(eventType === 'ERROR' && id !== undefined && { errorId: Number(id) }),
		...(eventType === 'ERROR' && typeof code === 'string' && { errorCode: code }),
	};
}
