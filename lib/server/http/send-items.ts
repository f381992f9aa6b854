import type { ServerResponse } from 'node:http';
import { unlessAborted } from '../../stream/abort.js';
import { ConnectionReset } from './connection-reset.js';

/**
 * Sends a body of which each item is one HTTP chunk in a write of its own, and the last chunk another: many producers take
 * what one read gives them for one acknowledgement. The next item is requested when the one before is with the system. Rejects,
 * and ends the iterable, where the client disconnects. Rejects where the iterable does; a {@link ConnectionReset} resets the
 * connection before.
 *
 * `signal`: aborted when the response has ended, on either side.
 */
export async function sendItems(
	response: ServerResponse,
	items: AsyncIterable<Uint8Array>,
	signal: AbortSignal,
): Promise<void> {
	const iterator = items[Symbol.asyncIterator]();
	try {
		for (;;) {
			const next = await unlessAborted(iterator.next(), signal);
			if (next.done === true) break;
			// An empty chunk would be the last one.
			if (next.value.byteLength > 0) await unlessAborted(written(response, next.value), signal);
		}
	} catch (error) {
		if (error instanceof ConnectionReset) response.socket?.resetAndDestroy();
		throw error;
	} finally {
		await iterator.return?.();
	}
	await unlessAborted(new Promise<void>((resolve) => response.end(resolve)), signal);
}

function written(response: ServerResponse, bytes: Uint8Array): Promise<void> {
	return new Promise((resolve, reject) => {
		response.write(bytes, (error) => (error ? reject(error) : resolve()));
	});
}
