import type { ServerResponse } from 'node:http';
import { unlessAborted } from '../../stream/abort.js';

/** What a client waits for before it sends its body: `100 Continue` (RFC 9110 §10.1.1), or nothing. */
export class Expectation {
	readonly #response: ServerResponse;
	readonly #signal: AbortSignal;
	#isDue: boolean;

	/** `signal`: aborted when the response has ended, on either side. */
	constructor(
		response: ServerResponse,
		{ isContinueExpected, signal }: { readonly isContinueExpected: boolean; readonly signal: AbortSignal },
	) {
		this.#response = response;
		this.#isDue = isContinueExpected;
		this.#signal = signal;
	}

	/** Sends `100 Continue` where the client waits for it, once. Resolves when it is with the system. */
	async fulfil(): Promise<void> {
		if (!this.#isDue) return;
		this.#isDue = false;
		// A client that finds the response's head in the same read loses it, so the two are never written at once.
		const sent = new Promise<void>((resolve) => this.#response.writeContinue(resolve));
		await unlessAborted(sent, this.#signal);
	}
}
