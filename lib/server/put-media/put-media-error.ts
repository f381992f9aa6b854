import { type AckErrorId, ackErrorName } from '../wire/ack-error-name.js';

/** A PutMedia body that is not taken any further: what its last acknowledgement says. Ends the connection. */
export class PutMediaError extends Error {
	override name = 'PutMediaError';
	/** `ErrorId` of the acknowledgement. */
	readonly errorId: AckErrorId;
	/** `ErrorCode` of the acknowledgement. */
	readonly errorCode: string;
	/** Timecode of the fragment that it is about, in ticks as written; null where it is about none (-1 on the wire). */
	readonly timecodeTicks: bigint | null;

	/** @param message - what the service does not say: which rule was broken, and where */
	constructor(errorId: AckErrorId, timecodeTicks: bigint | null, message: string, options?: ErrorOptions) {
		super(message, options);
		this.errorId = errorId;
		this.errorCode = ackErrorName(errorId);
		this.timecodeTicks = timecodeTicks;
	}
}
