import type { Readable } from 'node:stream';
import type { FragmentBatch } from './fragment-batch.js';

/** Where a response is picked up again. */
export interface ReopenOptions {
	/** The last fragment that arrived whole; the new response begins behind it. Absent: from the start. */
	readonly after?: string | undefined;
	/** Of what is behind it, only these. Absent: all of them. */
	readonly only?: ReadonlySet<string> | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * The answer to one GetMediaForFragmentList call: the unit that fails and is asked for again.
 *
 * Whoever takes it from the stream owns `body` and must read it to its end or destroy it: an unread body holds memory and
 * a connection. A body may end with the error `KVS_HELD_BACK`: its connection was given up to make room, which is no
 * failure; `reopen` brings the rest.
 */
export interface MediaResponse {
	readonly batch: FragmentBatch;
	/** The payload: Matroska documents, one a fragment, one behind the other. */
	readonly body: Readable;
	/** Asks for what is left of the batch, before everything else. The old body should be over or destroyed by then. */
	reopen(options: ReopenOptions): Promise<MediaResponse>;
}
