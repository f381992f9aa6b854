import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { IncomingBody } from './incoming-body.js';

/** How long what a client still sends is read after its response, in milliseconds: enough for it to read the response. */
const LINGER_MS = 2000;

/** How much of it is read. */
const LINGER_BYTES = 32 * 1024 * 1024;

/**
 * Lets the connection close gently after the response: where the request is not complete, the end of the response is sent, and what
 * still comes is read and thrown away for a short time. A connection that is closed over unread bytes is reset, and a
 * client that sends at that moment never reads the end of its response.
 */
export function lingerBeforeClose(
	request: IncomingMessage,
	{ body, clock }: { readonly body: IncomingBody; readonly clock: MonotonicClock },
): void {
	const { socket } = request;
	const closeAtOnce = socket.destroySoon.bind(socket);
	// What node:http calls on the connection after the last response.
	socket.destroySoon = () => {
		if (request.complete) {
			closeAtOnce();
			return;
		}
		let sizeBytes = 0;
		body.discard((chunkBytes) => {
			sizeBytes += chunkBytes;
			if (sizeBytes > LINGER_BYTES) socket.destroy();
		});
		request.once('end', closeAtOnce);
		socket.end();
		// Rejects when the connection is closed, by either side, which is what is waited for.
		waitFor(socket, clock).then(
			() => socket.destroy(),
			() => {},
		);
	};
}

async function waitFor(socket: Socket, clock: MonotonicClock): Promise<void> {
	const closed = new AbortController();
	socket.once('close', () => closed.abort());
	await once(socket, 'finish', closed);
	await clock.sleep(LINGER_MS, closed.signal);
}
