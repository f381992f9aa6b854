import { wireJson } from '../wire/wire-json.js';

/** What becomes of a fragment that is put in, as the service acknowledges it. */
export type AckEventType = 'BUFFERING' | 'RECEIVED' | 'PERSISTED' | 'IDLE' | 'ERROR';

/** One acknowledgement. */
export interface Ack {
	readonly eventType: AckEventType;
	/** The Cluster's time in milliseconds, as the producer wrote it; null where no fragment is meant. */
	readonly timecodeMs: number | null;
	/** Null where none was given yet. */
	readonly fragmentNumber: string | null;
	/** Of an ERROR: its word and its number. */
	readonly error?: { readonly errorCode: string; readonly errorId: number };
}

/** One line of a PutMedia response, members in the service's own order. */
export function ackLine({ eventType, timecodeMs, fragmentNumber, error }: Ack): Uint8Array {
	// The AWS producers cannot read -1, and skip such an ERROR. That is as well where they have lost nothing: of one that they read
	// as 4006 they drop the fragment that they are in.
	const fragment =
		eventType === 'IDLE' ? {} : { FragmentTimecode: timecodeMs ?? -1, FragmentNumber: fragmentNumber ?? '' };
	const trouble = error === undefined ? {} : { ErrorCode: error.errorCode, ErrorId: error.errorId };
	return Buffer.from(`${wireJson({ EventType: eventType, ...fragment, ...trouble })}\n`);
}
