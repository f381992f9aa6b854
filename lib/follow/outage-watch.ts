import type { CallRecord } from '../aws/call-record.js';
import { RequestError } from '../errors.js';

/**
 * Notices that the service cannot be reached: where a call was not sent or had no response twice in a row, not where a single
 * connection breaks off; once until all that failed had a response again.
 */
export class OutageWatch {
	/** The operations that failed last. */
	readonly #failing = new Set<string>();
	readonly #onUnreachable: (error: Error) => void;
	#isSaid = false;

	/** @param onUnreachable - called with the error of the call */
	constructor(onUnreachable: (error: Error) => void) {
		this.#onUnreachable = onUnreachable;
	}

	/** A call has come to its end. */
	call({ operation, error }: CallRecord): void {
		if (error === null) {
			this.#failing.delete(operation);
			this.#isSaid &&= this.#failing.size > 0;
		}
		if (!(error instanceof RequestError) || error.code !== 'KVS_UNREACHABLE') return;
		const isAgain = this.#failing.has(operation);
		this.#failing.add(operation);
		if (!isAgain || this.#isSaid) return;
		this.#isSaid = true;
		this.#onUnreachable(error);
	}
}
