import { channel } from 'node:diagnostics_channel';
import { RequestError } from '../errors.js';
import { type CallTarget, toRequestError } from './aws-errors.js';

/** Options of a single call. */
export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	/** Called with every request that was sent, once its response has come. */
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	/** Called right before the request itself goes out, after the data endpoint is known. */
	readonly onSend?: (() => void) | undefined;
}

/** One request to the service, as {@link CallOptions} and the diagnostics channel `kvs-archive:call` report it. */
export interface CallRecord {
	readonly operation: string;
	/** Name or ARN, as the caller gave it. */
	readonly stream: string;
	readonly outcome: 'succeeded' | 'throttled' | 'failed';
	/** Until the response's headers, in milliseconds. */
	readonly durationMs: number;
	/** What came instead of a response; null where one came. */
	readonly error: Error | null;
}

/** Every request of the process, for tracing. */
const callChannel = channel('kvs-archive:call');

/** Makes a call, reports it where that was asked for, and wraps its error; an abort is the signal's reason. */
export async function observeCall<T>(
	{
		onCall,
		signal,
		...target
	}: CallTarget & { readonly onCall: CallOptions['onCall']; readonly signal: AbortSignal },
	send: () => Promise<T>,
): Promise<T> {
	const { operation, stream } = target;
	const startMs = performance.now();
	const report = (outcome: CallRecord['outcome'], error: Error | null): void => {
		const record: CallRecord = { operation, stream, outcome, durationMs: performance.now() - startMs, error };
		onCall?.(record);
		callChannel.publish(record);
	};
	try {
		const response = await send();
		report('succeeded', null);
		return response;
	} catch (error) {
		signal.throwIfAborted();
		const wrapped = toRequestError(error, target);
		const isThrottled = wrapped instanceof RequestError && wrapped.code === 'KVS_THROTTLED';
		report(isThrottled ? 'throttled' : 'failed', wrapped);
		throw wrapped;
	}
}
