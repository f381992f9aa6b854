import type { AppliedFault } from '../faults/fault-rule.js';

/** One request, as it is about to be answered. */
export interface RequestRecord {
	/** 1 for the server's first request, in the order they came. */
	readonly id: number;
	/** The service's name of the operation, null where the request named none. */
	readonly operation: string | null;
	/** Name of the stream the request asked for, null where it named none. */
	readonly stream: string | null;
	/** 0 where a fault closes the connection in place of an answer. */
	readonly statusCode: number;
	/** Whether it is refused as too much, by a quota or by a fault. */
	readonly isThrottled: boolean;
	/** The faults that change this answer, empty for an honest one. */
	readonly faults: readonly AppliedFault[];
	/** Fragments that GetMediaForFragmentList named, or the one of a session: the cost in fragment-media points. 0 for an invalid request. */
	readonly fragmentsAsked: number;
	/**
	 * The MaxResults of a ListFragments, and what a session's media playlist may hold: the cost in fragment-metadata points. 0
	 * for an invalid request.
	 */
	readonly metadataPoints: number;
	/** Fragments listed, or sent unless the answer breaks off; 0 for an error. */
	readonly fragments: number;
	/** GetMediaForFragmentList answers of the stream that were under way when this request came, itself not among them. */
	readonly openMediaConnections: number;
	/** When the request's head came, epoch milliseconds by the archive's clock. */
	readonly timeMs: number;
	/** The same by the server's monotonic clock: fractional milliseconds, of `performance.now()` unless it was given another. */
	readonly arrivedAtMs: number;
}

/** How an answer ended. */
export interface ResponseRecord {
	/** The record that `onRequest` was told, the same object. */
	readonly request: RequestRecord;
	/** Bytes of the body that were handed to the connection. */
	readonly bytesSent: number;
	/** Whether the HTTP answer was ended, as a clean cut is too; false where the connection broke, whoever broke it. */
	readonly isComplete: boolean;
	/** When the answer was over, milliseconds of the same clock as `arrivedAtMs`. */
	readonly endedAtMs: number;
}
