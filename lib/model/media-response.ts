import type { Readable } from 'node:stream';
import type { FragmentBatch } from './fragment-batch.js';

/** Where a response is picked up again. */
export interface ReopenOptions {
	/** The last fragment that arrived whole; the new response begins behind it. Absent: from the start. */
	readonly after?: string | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * The answer to one GetMediaForFragmentList call: the unit that fails and is asked for again.
 *
 * Whoever takes it from the stream owns `body` and must read it to its end or destroy it: an unread body holds a
 * connection, and the next one is not opened before it is gone.
 */
export interface MediaResponse {
	readonly batch: FragmentBatch;
	/** The payload: Matroska documents, one a fragment, one behind the other. */
	readonly body: Readable;
	/** Asks for what is left of the batch. The old body should be destroyed first. */
	reopen(options: ReopenOptions): Promise<MediaResponse>;
}
