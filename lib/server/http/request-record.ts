import type { AppliedFault } from '../faults/fault-rule.js';

/** One request, just before its response is sent. */
export interface RequestRecord {
	/** 1 for the server's first request, in the order they came. */
	readonly id: number;
	/** The request's HTTP method. */
	readonly method: string;
	/** The service's name of the operation, null where the request named none. */
	readonly operation: string | null;
	/** Name of the stream in the request, null where it named none. */
	readonly stream: string | null;
	/** 0 where a fault closes the connection without a response. */
	readonly statusCode: number;
	/** Whether it is throttled, by a quota or by a fault. */
	readonly isThrottled: boolean;
	/** The faults that change this response; empty where none does. */
	readonly faults: readonly AppliedFault[];
	/**
	 * Fragments that GetMediaForFragmentList named, those of a clip, the one of a session, or images that GetImages may give: the
	 * cost in fragment-media points. 0 for an invalid request.
	 */
	readonly fragmentsAsked: number;
	/**
	 * The MaxResults of a ListFragments, 400 more of a GetImages, the fragments of a clip, and what a session's media playlist may
	 * hold: the cost in fragment-metadata points. 0 for an invalid request.
	 */
	readonly metadataPoints: number;
	/** Fragments listed, or sent unless the response breaks off; 0 for an error. */
	readonly fragments: number;
	/**
	 * Of a GetMediaForFragmentList, GetMedia or PutMedia: responses of that operation and stream that were open when this request
	 * came, without its own. 0 for other operations.
	 */
	readonly openMediaConnections: number;
	/** When the request's head came, epoch milliseconds by the archive's clock. */
	readonly timeMs: number;
	/** The same by the server's monotonic clock: fractional milliseconds, of `performance.now()` unless it was given another. */
	readonly arrivedAtMs: number;
}

/** How a response ended. */
export interface ResponseRecord {
	/** The record that `onRequest` was called with, the same object. */
	readonly request: RequestRecord;
	/** Bytes of the body that were handed to the connection. */
	readonly bytesSent: number;
	/** Whether the HTTP response was ended, as a clean cut is too; false where the connection broke, on either side. */
	readonly isComplete: boolean;
	/** When the response had ended, in milliseconds of the same clock as `arrivedAtMs`. */
	readonly endedAtMs: number;
}
