import type { AckErrorId } from '../wire/ack-error-name.js';

/** Operations a fault rule can name. */
export const faultOperations = [
	'ListFragments',
	'GetMediaForFragmentList',
	'GetImages',
	'GetMedia',
	'PutMedia',
	'GetHLSStreamingSessionURL',
	'GetDASHStreamingSessionURL',
	'GetClip',
	'GetDataEndpoint',
	'CreateStream',
	'DeleteStream',
	'DescribeStream',
	'DescribeStreamStorageConfiguration',
	'ListStreams',
	'ListTagsForStream',
	'TagStream',
	'UntagStream',
	'UpdateDataRetention',
	'UpdateStream',
	'UpdateStreamStorageConfiguration',
] as const;

/** The service's errors for throttled requests. No SDK retries the first two. */
export const throttleErrors = [
	'ClientLimitExceededException',
	'ConnectionLimitExceededException',
	'ThrottlingException',
] as const;

/** What `inside` of a {@link CutPoint} may name; `Block` is a SimpleBlock or a BlockGroup. */
export const cutElements = ['EBML', 'Segment', 'Info', 'Tracks', 'Tags', 'Cluster', 'Block'] as const;

/**
 * When a rule fires. All that is given must hold; nothing given means every request of the fault's operations.
 *
 * A rule counts the requests that match its `operation`, `stream` and `fragmentNumber` and that the quotas let in. The same
 * requests in the same order fire the same rules.
 */
export interface FaultCondition {
	/** Only this operation. @default those the fault is about; any, for a fault that refuses the request */
	readonly operation?: (typeof faultOperations)[number];
	/** Only this stream, by its name. */
	readonly stream?: string;
	/** Only GetMediaForFragmentList of this fragment, and there only this fragment. For `late-listing`: only this fragment. */
	readonly fragmentNumber?: string;
	/** Only the n-th match, from 1. */
	readonly nth?: number;
	/** Only every n-th match: `every: 3` is the third, the sixth and so on. */
	readonly every?: number;
	/** Maximum number of times it fires. */
	readonly times?: number;
	/** Only with this probability, 0 to 1. */
	readonly probability?: number;
	/** Seed of this rule's random numbers. @default 0 */
	readonly seed?: number;
}

/** A fragment of a response: its position from 1 (past the end: the last), the last one, or a random one. */
export type FragmentChoice = number | 'last' | 'random';

/** A position in the bytes of a response, or of a PutMedia's request. */
export type CutPoint =
	/** After a number of bytes of the body; 0 is after the headers. The only one for GetMedia, PutMedia and GetClip, whose length is not known. */
	| { readonly atByte: number }
	/** At a fraction of the body's length, 0 to 1. */
	| { readonly atFraction: number | 'random' }
	/**
	 * In the middle of the `element`-th (default 1) such element of a fragment (default the first); where the fragment has
	 * none, in its own middle. In a Segment or a Cluster: right after its header. GetMediaForFragmentList only.
	 */
	| {
			readonly inside: (typeof cutElements)[number];
			readonly fragment?: FragmentChoice;
			readonly element?: number;
	  };

/** The form of an in-band exception, and what follows it. */
export interface ExceptionShape {
	/**
	 * `get-media`: ERROR_CODE (a word) and ERROR_ID (the number), as seen on the wire; `documented`: EXCEPTION_ERROR_CODE (the
	 * number) and EXCEPTION_MESSAGE, as in the API reference. @default 'get-media'
	 */
	readonly spelling?: 'get-media' | 'documented';
	/** Whether the next fragment follows it, or the response ends. @default false */
	readonly goesOn?: boolean;
}

/** Which body is meant. */
export interface OfBody {
	/** Of PutMedia: the media that is read, or the acknowledgements. @default 'request' for PutMedia, else the response */
	readonly of?: 'request' | 'response';
}

/** What a rule does. Several rules may fire for one request: all are applied, in their order; of refusals the first. */
export type Fault =
	/** Refusal: HTTP 400 of that name. @default error 'ClientLimitExceededException' */
	| { readonly fault: 'throttle'; readonly error?: (typeof throttleErrors)[number] }
	/** Refusal: InternalFailure (500, the default) or ServiceUnavailable (503). */
	| { readonly fault: 'server-error'; readonly status?: 500 | 503 }
	/** Refusal: the connection is reset (RST) without a response. */
	| { readonly fault: 'reset' }
	/** Refusal: the connection is closed (FIN) without a response. */
	| { readonly fault: 'hang-up' }
	/** The response begins after `ms` milliseconds, or never. */
	| { readonly fault: 'no-response'; readonly ms?: number }
	/** The body ends early: the connection is closed (`abort`, the default), or the response ends as if it were whole (`clean`). */
	| ({ readonly fault: 'cut'; readonly as?: 'abort' | 'clean' } & CutPoint & OfBody)
	/** The body pauses for `ms` milliseconds, or never continues: no more is sent, or read. */
	| ({ readonly fault: 'stall'; readonly ms?: number } & CutPoint & OfBody)
	/**
	 * An in-band exception in place of a fragment (default the first). `name` is its name; `isNumbered: false` leaves the
	 * fragment number out.
	 */
	| ({
			readonly fault: 'exception';
			readonly code: number;
			readonly name?: string;
			readonly isNumbered?: boolean;
			readonly fragment?: FragmentChoice;
	  } & ExceptionShape)
	/** Exception 3000 in place of a fragment, for its first `requests` (default 1), for a `share` of them (default all). */
	| ({ readonly fault: 'not-ready'; readonly requests?: number; readonly share?: number } & ExceptionShape)
	/** A fragment (default the first) comes twice: again right after itself (`next`, the default), or at the end (`last`). */
	| { readonly fault: 'duplicate'; readonly fragment?: FragmentChoice; readonly again?: 'next' | 'last' }
	/** The fragments come in another order than requested, where there are two or more. */
	| { readonly fault: 'shuffle' }
	/** `count` (default 1) fragments from `fragment` (default the last) on are not sent, and the response ends cleanly. */
	| { readonly fault: 'leave-out'; readonly fragment?: FragmentChoice; readonly count?: number }
	/** ListFragments responds with no fragment and a token that gives the page that was due. */
	| { readonly fault: 'empty-page' }
	/**
	 * ListFragments leaves a fragment out until `delayMs` after its server time by the archive's clock, or until its
	 * `fromListing`-th listing; for a `share` of the fragments (default all).
	 */
	| ({ readonly fault: 'late-listing'; readonly share?: number } & (
			| { readonly delayMs: number }
			| { readonly fromListing: number }
	  ))
	/**
	 * PutMedia acknowledges an ERROR in place of the `fragment`-th fragment (default the first) of the connection, and ends it. What
	 * came before stays.
	 */
	| { readonly fault: 'put-error'; readonly errorId: AckErrorId; readonly fragment?: number }
	/** Each fsync of a PutMedia takes `ms` milliseconds longer. */
	| { readonly fault: 'slow-disk'; readonly ms: number }
	/** GetDataEndpoint responds with an address that refuses connections (default `http://127.0.0.1:1`). */
	| { readonly fault: 'dead-endpoint'; readonly endpoint?: string };

/** One rule of a fault plan: when, and what. */
export type FaultRule = FaultCondition & Fault;

/** The rule of one fault. */
export type RuleOf<Name extends Fault['fault']> = Extract<FaultRule, { fault: Name }>;

/** A fault that was applied to a request. */
export interface AppliedFault {
	/** Position of the rule in its list, from 0. */
	readonly rule: number;
	readonly fault: Fault['fault'];
}
