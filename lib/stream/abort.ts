import type { Readable } from 'node:stream';

/** The promise's result, or the signal's reason as soon as the signal is aborted. The promise itself goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	// What becomes of it is nobody's business any more, a rejection included.
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

/** Ends a stream with a signal's reason, as soon as the signal is aborted; leaves no listener behind. */
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
