import type { Readable } from 'node:stream';

/** The promise's result, or the signal's reason as soon as the signal is aborted. The promise itself is not cancelled. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	// After an abort its result is ignored, a rejection included.
	promise.catch(() => {});
	signal.throwIfAborted();
	let onAbort = (): void => {};
	const aborted = new Promise<never>((_, reject) => {
		onAbort = () => reject(signal.reason);
		signal.addEventListener('abort', onAbort, { once: true });
	});
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}

/** Ends a stream with a signal's reason, as soon as the signal is aborted; removes its listener when the stream is closed. */
export function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
	const onAbort = (): void => {
		stream.destroy(signal.reason);
	};
	if (signal.aborted) {
		onAbort();
		return;
	}
	signal.addEventListener('abort', onAbort, { once: true });
	stream.once('close', () => signal.removeEventListener('abort', onAbort));
}
