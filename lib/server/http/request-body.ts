import { unlessAborted } from '../../stream/abort.js';
import { invalidArgument, requestTimeout, serializationError } from '../wire/service-error.js';
import type { IncomingBody } from './incoming-body.js';

/** The largest body that is read. A list of 1,000 fragment numbers of 128 digits has 131 kB. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Reads a request's body as it came. Throws `InvalidArgumentException` for a body over 1 MiB, and
 * `RequestTimeoutException` for one that has not arrived within `timeoutMs`.
 */
export async function readBody(incoming: IncomingBody, timeoutMs: number): Promise<Buffer> {
	const chunks = incoming[Symbol.asyncIterator]();
	const deadline = AbortSignal.timeout(timeoutMs);
	const body: Buffer[] = [];
	let sizeBytes = 0;
	for (;;) {
		const next = await unlessAborted(chunks.next(), deadline).catch((error: unknown) => {
			throw deadline.aborted ? requestTimeout(timeoutMs) : error;
		});
		if (next.done === true) break;
		sizeBytes += next.value.byteLength;
		if (sizeBytes > MAX_BODY_BYTES)
			throw invalidArgument(`expected a body of at most ${MAX_BODY_BYTES} bytes`);
		body.push(next.value);
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
