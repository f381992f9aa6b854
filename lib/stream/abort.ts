import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** All that wait for one signal, with one listener on it. */
class AbortListener {
	readonly #signal: AbortSignal;
	readonly #callbacks = new Set<() => void>();

	constructor(signal: AbortSignal) {
		this.#signal = signal;
	}

	add(callback: () => void): void {
		if (this.#callbacks.size === 0) this.#signal.addEventListener('abort', this.#onAbort);
		this.#callbacks.add(callback);
	}

	delete(callback: () => void): void {
		this.#callbacks.delete(callback);
		if (this.#callbacks.size === 0) this.#signal.removeEventListener('abort', this.#onAbort);
	}

	readonly #onAbort = (): void => {
		for (const callback of this.#callbacks) {
			this.delete(callback);
			callback();
		}
	};
}

const listeners = new WeakMap<AbortSignal, AbortListener>();

/**
 * Calls `callback` when a signal is aborted; not where it is already. Returns a function that calls it off. However many wait
 * for a signal, it has one listener: Node takes eleven for a leak, and one signal may end any number of runs.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
	const listener = listeners.get(signal) ?? new AbortListener(signal);
	listeners.set(signal, listener);
	// Of its own, so that the same function may be given twice.
	const entry = (): void => callback();
	listener.add(entry);
	return () => listener.delete(entry);
}

/** The promise's result, or the signal's reason as soon as the signal is aborted. The promise itself is not cancelled. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	// After an abort its result is ignored, a rejection included.
	promise.catch(() => {});
	signal.throwIfAborted();
	let release = (): void => {};
	const aborted = new Promise<never>((_, reject) => {
		release = onAbort(signal, () => reject(signal.reason));
	});
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		release();
	}
}

/** Ends a stream with a signal's reason, as soon as the signal is aborted; removes its listener when the stream is closed. */
export function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
	if (signal.aborted) {
		stream.destroy(signal.reason);
		return;
	}
	const release = onAbort(signal, () => stream.destroy(signal.reason));
	stream.once('close', release);
}

/**
 * Waits until what has come over the network by now is in this process: a timer that is due in a busy process fires before
 * its sockets are read, and what is in them is not late.
 */
export async function whatHasCome(): Promise<void> {
	await setImmediate();
	await setImmediate();
}
