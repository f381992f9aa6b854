import type { Clock } from '../pace/clock.js';
import { unlessAborted, whatHasCome } from '../stream/abort.js';

/** How long a call may take, and by whose time. */
export interface TimeLimit {
	readonly timeoutMs: number;
	readonly clock: Clock;
	/** The caller's own; its reason is what the call rejects with when it is aborted. */
	readonly signal: AbortSignal;
}

/**
 * The result of a call, unless it takes too long: the SDK's own timeout looks at the headers only, and what a response in
 * JSON says comes after them. Rejects with an error named `TimeoutError`, as the SDK names its own.
 *
 * The signal that `send` gets ends the call in either case, and stays the caller's once the result is there: the body of
 * media comes after it.
 */
export async function withTimeout<T>(
	send: (signal: AbortSignal) => Promise<T>,
	{ timeoutMs, clock, signal }: TimeLimit,
): Promise<T> {
	const tooLate = new AbortController();
	const isOver = new AbortController();
	clock
		.sleep(timeoutMs, { signal: isOver.signal, isBackground: true })
		.then(whatHasCome)
		.then(
			() => {
				// The body of media is read under the same signal, after the response is there.
				if (!isOver.signal.aborted) tooLate.abort(responseTimeout(timeoutMs));
			},
			() => {},
		);
	const either = AbortSignal.any([signal, tooLate.signal]);
	try {
		return await unlessAborted(send(either), either);
	} finally {
		isOver.abort();
	}
}

function responseTimeout(timeoutMs: number): Error {
	return Object.assign(new Error(`no complete response within ${timeoutMs} ms`), {
		name: 'TimeoutError',
	});
}
