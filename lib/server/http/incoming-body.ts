import type { IncomingMessage } from 'node:http';

/**
 * The body of a request, chunk by chunk as it comes, for one reader. Unlike the iterator of the request itself, a reader that
 * stops before the end does not close the connection: the response is still to be read.
 */
export class IncomingBody implements AsyncIterable<Uint8Array> {
	readonly #request: IncomingMessage;
	#isDiscarded = false;
	#wake = (): void => {};

	constructor(request: IncomingMessage) {
		this.#request = request;
	}

	/** Rejects with `ECONNRESET` where the client disconnects before the body's end. */
	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
		const request = this.#request;
		request.on('readable', this.#onChange).on('end', this.#onChange).on('close', this.#onChange);
		try {
			while (!this.#isDiscarded) {
				const chunk: Buffer | null = request.read();
				if (chunk !== null) yield chunk;
				else if (request.readableEnded) return;
				else if (request.destroyed) throw request.errored ?? brokenOff();
				else await this.#change();
			}
		} finally {
			this.#release();
		}
	}

	/**
	 * Reads and throws away what still comes; a reader that waits for it is at its end then. `onBytes` is called with the size
	 * of each chunk.
	 */
	discard(onBytes: (sizeBytes: number) => void = () => {}): void {
		this.#isDiscarded = true;
		this.#release();
		this.#wake();
		this.#request.on('data', (chunk: Buffer) => onBytes(chunk.byteLength));
		// Reading with 'readable' has paused it.
		this.#request.resume();
	}

	readonly #onChange = (): void => this.#wake();

	#change(): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
		});
	}

	#release(): void {
		const request = this.#request;
		request.off('readable', this.#onChange).off('end', this.#onChange).off('close', this.#onChange);
	}
}

function brokenOff(): Error {
	return Object.assign(new Error('the client disconnected before the end of its request'), {
		code: 'ECONNRESET',
	});
}
