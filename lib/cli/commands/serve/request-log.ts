import type { ResponseRecord } from '../../../server/index.js';
import { counted } from '../../../wording/counted.js';

/** What a stream may be called. What else a request names has not to stand in a log. */
const STREAM_NAME = /^[a-zA-Z0-9_.-]{1,256}$/;

/**
 * A line about a request whose response has ended: when it came, method, operation, stream, status, bytes of the body that were
 * sent, and milliseconds to the end. `-` for what it did not name. No URL and no header: these hold tokens and credentials.
 */
export function requestLine({ request, bytesSent, isComplete, endedAtMs }: ResponseRecord): string {
	const { timeMs, method, operation, stream, statusCode, faults, arrivedAtMs } = request;
	const name = stream !== null && STREAM_NAME.test(stream) ? stream : '-';
	const parts = [
		new Date(timeMs).toISOString(),
		method,
		operation ?? '-',
		name,
		statusCode,
		counted(bytesSent, 'byte'),
		`${Math.round(endedAtMs - arrivedAtMs)} ms`,
		...(isComplete ? [] : ['(broke off)']),
		...(faults.length > 0 ? ['(fault)'] : []),
	];
	return parts.join(' ');
}
