import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { unlessAborted } from '../../stream/abort.js';
import { stall, stoppedBody } from '../faults/stopped-body.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import { pacedBody } from '../quotas/paced-body.js';
import { type BodyPart, readParts, sizeOfParts } from '../store/body-part.js';
import type { Expectation } from './expectation.js';
import type { Reply } from './reply.js';
import { sendItems } from './send-items.js';

/** How a reply goes out. */
export interface SendOptions {
	readonly clock: MonotonicClock;
	/** Aborted when the response has ended, on either side. */
	readonly signal: AbortSignal;
	/** The body's rate, `Infinity` for none. */
	readonly bytesPerSecond: number;
	/** What the client waits for before it sends its body. */
	readonly expectation: Expectation;
	/** Called before a head is sent that announces the connection's end. */
	readonly onClosing: () => void;
	/** Called with the size of every chunk that is handed to the connection. */
	readonly onBytes: (sizeBytes: number) => void;
}

/**
 * Sends a reply, or closes the connection as it says. Rejects where the connection is gone before the end, and where a file fails while it is sent;
 * nothing is left open or waiting then.
 */
export async function sendReply(
	response: ServerResponse,
	reply: Reply,
	{ clock, signal, bytesPerSecond, expectation, onClosing, onBytes }: SendOptions,
): Promise<void> {
	if (reply.closing === 'reset') {
		response.socket?.resetAndDestroy();
		return;
	}
	if (reply.closing === 'hang-up') {
		response.destroy();
		return;
	}
	if (reply.silenceMs !== 0) await stall(reply.silenceMs, clock, signal);
	if (reply.error === null) await expectation.fulfil();
	setHead(response, reply);
	if (isClosing(response, reply)) {
		response.setHeader('Connection', 'close');
		onClosing();
	}
	if (isAtHand(reply, bytesPerSecond)) {
		sendAtOnce(response, reply.parts, onBytes);
		return;
	}
	let body = reply.stream ?? readParts(reply.parts, reply.replaceDamaged ?? undefined);
	// A body that begins later, or stops before its first byte, still has a head.
	if (reply.stream !== null || reply.stops.length > 0) response.flushHeaders();
	if (reply.stops.length > 0) {
		const abort = () => closeWhenSent(response, signal);
		body = stoppedBody(body, { stops: reply.stops, clock, signal, abort });
	}
	if (bytesPerSecond !== Number.POSITIVE_INFINITY) body = pacedBody(body, { bytesPerSecond, clock, signal });
	if (reply.stream !== null) await sendItems(response, counted(body), signal);
	else await pipeline(body, counted, response);

	async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		for await (const bytes of source) {
			onBytes(bytes.byteLength);
			yield bytes;
		}
	}
}

/** Whether a body is in memory, and goes out as it is: most are, and a pipeline takes longer than the rest of the response. */
function isAtHand({ stream, stops, parts }: Reply, bytesPerSecond: number): boolean {
	return (
		stream === null &&
		stops.length === 0 &&
		bytesPerSecond === Number.POSITIVE_INFINITY &&
		parts.every(({ kind }) => kind === 'bytes')
	);
}

/** The connection may be closed already; it ends the response then. */
function sendAtOnce(
	response: ServerResponse,
	parts: readonly BodyPart[],
	onBytes: SendOptions['onBytes'],
): void {
	if (response.destroyed) return;
	response.cork();
	for (const part of parts) {
		if (part.kind !== 'bytes') continue;
		onBytes(part.bytes.byteLength);
		response.write(part.bytes);
	}
	response.end();
	response.uncork();
}

function setHead(
	response: ServerResponse,
	{ error, contentType, headers, parts, stream, stops, isMedia }: Reply,
): void {
	const requestId = randomUUID();
	response.statusCode = error?.statusCode ?? 200;
	response.setHeader('x-amzn-RequestId', requestId);
	if (error !== null) {
		// The documentation names the `x-amz-` headers, the SDKs read the `x-amzn-` ones.
		response.setHeader('x-amz-RequestId', requestId);
		response.setHeader('x-amzn-ErrorType', error.awsName);
		response.setHeader('x-amz-ErrorType', error.awsName);
	}
	response.setHeader('Content-Type', contentType);
	for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
	// The service sends media without a length; and a body that is to be cut must not say how long it would have been.
	const isOfKnownLength = !isMedia && stream === null && stops.length === 0;
	if (isOfKnownLength) response.setHeader('Content-Length', sizeOfParts(parts));
}

/** Whether the connection ends with this response, because the request's body may not be read to its end. */
function isClosing({ req }: ServerResponse, { error, stream }: Reply): boolean {
	return (error !== null && !req.complete) || (stream !== null && !req.readableEnded);
}

/** Closes the connection once all that was written is sent, as it would be lost otherwise. Rejects when it is closed. */
async function closeWhenSent(response: ServerResponse, signal: AbortSignal): Promise<never> {
	const sent = new Promise<void>((resolve) => {
		response.write('', () => resolve());
	});
	await unlessAborted(sent, signal);
	response.destroy();
	// A body that ended now would end the response before its connection is seen to be closed.
	return unlessAborted(new Promise<never>(() => {}), signal);
}
