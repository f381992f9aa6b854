import type { RateLimiter, RequestCost } from './rate-limiter.js';

/** What a request is sent with under a permit. */
export interface PermittedRequest {
	/** To be called when the request goes out. Until then a failure costs nothing. */
	readonly onSend: () => void;
	/** Aborted with the caller's signal, and where the permit is lost. */
	readonly signal: AbortSignal | undefined;
}

/**
 * Sends one request when the limiter allows it. The connection, where the cost has one, is given back when `send` fails
 * or, after a success, when `whenOver` calls `closed`: at the end of the response's body.
 *
 * Rejects with what `send` rejects with, or with the signal's reason.
 */
export async function withPermit<Result>(
	limiter: RateLimiter,
	{
		signal,
		whenOver,
		...cost
	}: RequestCost & {
		readonly signal: AbortSignal | undefined;
		readonly whenOver?: (result: Result, closed: () => void) => void;
	},
	send: (request: PermittedRequest) => Promise<Result>,
): Promise<Result> {
	const permit = await limiter.acquire(cost, signal);
	const limits = [signal, permit.lost].filter((limit) => limit !== undefined);
	let isSent = false;
	const onSend = (): void => {
		isSent = true;
		permit.sent(response);
	};
	// Begun in a moment: `onSend` is called with what it is to be known by.
	const response = Promise.resolve().then(() =>
		send({ onSend, signal: limits.length > 1 ? AbortSignal.any(limits) : limits[0] }),
	);
	try {
		const result = await response;
		// A client of the caller's own may not say when.
		if (!isSent) {
			isSent = true;
			permit.sent();
		}
		if (whenOver === undefined) permit.closed();
		else whenOver(result, permit.closed);
		return result;
	} catch (error) {
		permit.closed();
		throw error;
	} finally {
		if (!isSent) permit.cancel();
	}
}
