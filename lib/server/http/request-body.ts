import type { IncomingMessage } from 'node:http';
import { unlessAborted } from '../../stream/abort.js';
import { invalidArgument, requestTimeout, serializationError } from '../wire/service-error.js';

/** The largest body that is read. A list of 1,000 fragment numbers of 128 digits has 131 kB. */
const MAX_BODY_BYTES = 1024 * 1024;

/** The most of a body that is read, and discarded above 1 MiB; a client that sends more is disconnected. */
const MAX_DRAINED_BYTES = 16 * MAX_BODY_BYTES;

/**
 * Reads a request's body as it came. Throws `InvalidArgumentException` for a body over 1 MiB, and
 * `RequestTimeoutException` for one that has not arrived within `timeoutMs`.
 */
export async function readBody(request: IncomingMessage, timeoutMs: number): Promise<Buffer> {
	// Closing the iterator of a request destroys its socket: one that is too slow is still to get its response.
	const chunks = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	const deadline = AbortSignal.timeout(timeoutMs);
	const body: Buffer[] = [];
	let sizeBytes = 0;
	for (;;) {
		const next = await unlessAborted(chunks.next(), deadline).catch((error: unknown) => {
			throw deadline.aborted ? requestTimeout(timeoutMs) : error;
		});
		if (next.done === true) break;
		sizeBytes += next.value.byteLength;
		// A body that is too large is still read: a client that is cut off while it sends never reads the error.
		if (sizeBytes <= MAX_BODY_BYTES) body.push(next.value);
		if (sizeBytes > MAX_DRAINED_BYTES) {
			request.socket.destroy();
			break;
		}
	}
	if (sizeBytes > MAX_BODY_BYTES) {
		throw invalidArgument(`expected a body of at most ${MAX_BODY_BYTES} bytes, got ${sizeBytes} bytes`);
	}
	return Buffer.concat(body);
}

/**
 * A body as a JSON object; an empty body is an empty object. Throws `SerializationException` for anything else. No
 * Content-Type is required: old SDKs send none.
 */
export function parseJsonBody(body: Buffer): object {
	const text = body.toString();
	if (text.trim() === '') return {};
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw serializationError(`expected the body to be JSON: ${(error as Error).message}`);
	}
	if (value === null || typeof value !== 'object' || Array.isArray(value)) {
		throw serializationError('expected the body to be a JSON object');
	}
	return value;
}
