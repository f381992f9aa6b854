import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { ArchiveError } from '../../errors.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { StreamQuotas } from '../quotas/stream-quotas.js';
import { internalFailure, ServiceError, tooManyHeaders } from '../wire/service-error.js';
import { Expectation } from './expectation.js';
import { IncomingBody } from './incoming-body.js';
import { lingerBeforeClose } from './lingering-close.js';
import { errorReply, isThrottle, type Reply } from './reply.js';
import { requestOrigin, takeAuthority } from './request-origin.js';
import type { RequestRecord, ResponseRecord } from './request-record.js';
import type { Router } from './router.js';
import { sendReply } from './send-reply.js';

/** What {@link createResponder} needs. */
export interface ResponderOptions {
	readonly server: Server;
	readonly router: Router;
	readonly maxHeaders: number;
	/** Whether requests are signed: then any Host is accepted. */
	readonly isAuthenticated: boolean;
	/** The quotas that a call of an operation counts against. */
	readonly quotasOf: (operation: string, stream: string | null) => StreamQuotas;
	/** Called for a fragment of the archive that is damaged, or cannot be read. */
	readonly onDamage: (error: ArchiveError) => void;
	readonly clock: MonotonicClock;
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	readonly onRequest: ((record: RequestRecord) => void) | undefined;
	readonly onResponseEnd: ((record: ResponseRecord) => void) | undefined;
}

/** Responds to a request. `isContinueExpected`: whether the client waits for `100 Continue`. */
export type Responder = (
	request: IncomingMessage,
	response: ServerResponse,
	options: { readonly isContinueExpected: boolean },
) => Promise<void>;

/**
 * Makes the function that responds to every request: finds its route, validates it, lets the stream's quotas admit it, logs
 * it and sends the reply. It rejects only where the client disconnected, the disk failed under a body, or a fault rule ends it.
 */
export function createResponder(options: ResponderOptions): Responder {
	const { server, router, clock, now, isAuthenticated: isAnyName } = options;
	let requests = 0;
	return async (request, response, { isContinueExpected }) => {
		// What follows the last request of a connection that is about to close.
		if (request.socket.writableEnded) return;
		const arrival = { id: ++requests, method: request.method ?? '', timeMs: now(), arrivedAtMs: clock.now() };
		const over = new AbortController();
		response.once('close', () => over.abort(RESPONSE_ENDED));
		const { signal } = over;
		const incomingBody = new IncomingBody(request);
		const expectation = new Expectation(response, { isContinueExpected, signal });
		const authority = takeAuthority(request);

		let operation: string | null = null;
		let stream: string | null = null;
		let cost = { fragmentsAsked: 0, metadataPoints: 0, openMediaConnections: 0 };
		let bytesPerSecond = Number.POSITIVE_INFINITY;
		let reply: Reply;
		const route = router.find(request);
		try {
			if (request.rawHeaders.length / 2 > options.maxHeaders) {
				throw tooManyHeaders(options.maxHeaders);
			}
			const origin = requestOrigin(request, authority, { server, isAnyName });
			const routed = route.route(request);
			operation = routed.name;
			const onStream = (name: string | null): void => {
				stream = name;
			};
			const valid = await routed.validate({
				origin,
				arrivedAtMs: arrival.arrivedAtMs,
				incomingBody,
				expectation,
				signal,
				onStream,
			});
			const quotas = options.quotasOf(operation, stream);
			cost = { ...valid.cost, openMediaConnections: quotas.openConnections(operation) };
			quotas.admit({ operation, mediaPoints: cost.fragmentsAsked, ...cost }, arrival.arrivedAtMs);
			whenAborted(signal, quotas.hold(operation));
			bytesPerSecond = quotas.responseBytesPerSecond(operation);
			reply = await valid.reply().catch((error) => {
				if (error instanceof ArchiveError && error.code === 'KVS_DATA_DAMAGED') options.onDamage(error);
				throw error;
			});
		} catch (cause) {
			const error = cause instanceof ServiceError ? cause : internalFailure(cause);
			reply = { ...errorReply(error), headers: route.errorHeaders };
		}
		const { closing, error, fragments, faults } = reply;
		const statusCode = closing === null ? (error?.statusCode ?? 200) : 0;
		const isThrottled = error !== null && isThrottle(error);
		const record = { ...arrival, operation, stream, statusCode, isThrottled, faults, ...cost, fragments };
		options.onRequest?.(record);
		let bytesSent = 0;
		whenAborted(signal, () => {
			const isComplete = response.writableFinished;
			options.onResponseEnd?.({ request: record, bytesSent, isComplete, endedAtMs: clock.now() });
		});
		await sendReply(response, reply, {
			clock,
			signal,
			bytesPerSecond,
			expectation,
			onClosing: () => lingerBeforeClose(request, { body: incomingBody, clock }),
			onBytes: (sizeBytes) => {
				bytesSent += sizeBytes;
			},
		});
	};
}

/** One for all: an error with a stack for each response costs as much as its head. */
const RESPONSE_ENDED = new DOMException('The response has ended', 'AbortError');

function whenAborted(signal: AbortSignal, listener: () => void): void {
	if (signal.aborted) listener();
	else signal.addEventListener('abort', listener, { once: true });
}
