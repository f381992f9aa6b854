import type { Readable } from 'node:stream';
import type { FragmentBatch } from './fragment-batch.js';

/** Where a response is resumed. */
export interface ReopenOptions {
	/** The last fragment that arrived whole; the new response begins after it. Absent: from the start. */
	readonly after?: string | undefined;
	/** Of the fragments after it, only these. Absent: all of them. */
	readonly only?: ReadonlySet<string> | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * The response to one GetMediaForFragmentList call: the unit that fails and is requested again.
 *
 * The stage that takes it from the stream owns `body` and must read it to its end or destroy it: an unread body holds
 * memory and a connection. A body may end with the error `KVS_HELD_BACK`: its connection was closed for a response that is
 * needed earlier, which is not a failure; `reopen` brings the rest.
 */
export interface MediaResponse {
	readonly batch: FragmentBatch;
	/** The payload: one Matroska document for each fragment, one after the other. */
	readonly body: Readable;
	/** Requests the rest of the batch, before everything else. The old body should have ended or been destroyed. */
	reopen(options: ReopenOptions): Promise<MediaResponse>;
}
