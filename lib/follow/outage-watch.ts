import type { CallRecord } from '../aws/call-record.js';
import { RequestError } from '../errors.js';

/**
 * Notices that the service cannot be reached: where a call was not sent or not answered twice in a row, not where a single
 * connection breaks off; once until all that failed was answered again.
 */
export class OutageWatch {
	/** The operations that failed last. */
	readonly #failing = new Set<string>();
	readonly #onAway: (error: Error) => void;
	#isSaid = false;

	/** @param onAway - called with the error of the call */
	constructor(onAway: (error: Error) => void) {
		this.#onAway = onAway;
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
		this.#onAway(error);
	}
}
