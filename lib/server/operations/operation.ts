import type { IncomingHttpHeaders } from 'node:http';
import type { ActiveFaultRule } from '../faults/active-fault-rule.js';
import type { ListedPage } from '../faults/listing-faults.js';
import type { Reply } from '../http/reply.js';
import type { RouteCost } from '../http/router.js';
import type { ImageMaker } from '../images/image-maker.js';
import type { LocalArchive } from '../local-archive.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { PlaybackSessions } from '../playback/sessions/playback-sessions.js';
import type { QuotaValues } from '../quotas/quota-values.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import type { PageTokens } from '../wire/page-token.js';
import type { RequestFields } from '../wire/request-fields.js';
import type { WireValue } from '../wire/wire-json.js';

/** What an operation may use besides its request. */
export interface OperationContext {
	/** Its data directory is open. */
	readonly archive: LocalArchive;
	readonly tokens: PageTokens;
	/** The server's own address, as this client knows it: `http://127.0.0.1:8080`. */
	readonly origin: string;
	/** The quotas that hold within a request. */
	readonly quotas: QuotaValues;
	/** What makes images. */
	readonly images: ImageMaker;
	/** The program that decodes video; undefined: the one in the PATH. */
	readonly ffmpeg: string | undefined;
	/** Playback sessions. */
	readonly sessions: PlaybackSessions;
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	/** What that clock said when the request was read. */
	readonly nowMs: number;
	/** The server's monotonic clock, for what is waited for. */
	readonly clock: MonotonicClock;
	/** Random whole number below its argument, for the versions of streams. */
	readonly randomInt: (exclusiveMax: number) => number;
	/** Aborted when the response has ended, on either side: what an operation still waits for then is to end. */
	readonly signal: AbortSignal;
}

/** A page of ListFragments. */
export interface ListingResult extends ListedPage {
	readonly kind: 'listing';
	/** The requested page size: what the call costs. */
	readonly metadataPoints: number;
}

/** A response that is a JSON object. */
export interface JsonResult {
	readonly kind: 'json';
	readonly json: WireValue;
}

/** A response of a known length. */
export interface BytesResult {
	readonly kind: 'bytes';
	readonly contentType: string;
	readonly slices: readonly Uint8Array[];
}

/**
 * Bytes as they come, of unknown number, each item one HTTP chunk in a write of its own. The head is sent before the first.
 * The response ends with the iterable; when the client disconnects the iterable is closed, which is to end on `signal` too.
 */
export interface StreamResult {
	readonly kind: 'stream';
	readonly contentType: string;
	/** Fragments that are sent. @default 0: not known */
	readonly fragments?: number;
	/** Called once the request is admitted, with the fault rules that fired for it. */
	readonly body: (fired: readonly ActiveFaultRule[]) => AsyncIterable<Uint8Array>;
}

/** The result of an operation, sent with HTTP status 200. */
export type OperationResult =
	| JsonResult
	/** A change, or work: done after the request is admitted. Rejects with `ServiceError`. */
	| {
			readonly kind: 'action';
			/** What it costs the stream. @default nothing */
			readonly cost?: RouteCost;
			readonly act: () => Promise<JsonResult | BytesResult | StreamResult>;
	  }
	| BytesResult
	| ListingResult
	/** The chunks of these fragments, and what there is in place of one that cannot be read. */
	| {
			readonly kind: 'media';
			readonly fragments: readonly StoredFragment[];
			readonly replaceDamaged: NonNullable<Reply['replaceDamaged']>;
	  }
	| StreamResult;

/** An operation that takes a JSON object, with `POST`, or as a presigned link. */
export interface JsonOperation {
	/** The service's name for it. */
	readonly name: string;
	readonly path: string;
	/** Validates the whole request before anything is looked up, and gives the result. Throws `ServiceError`. */
	respond(request: RequestFields, context: OperationContext): OperationResult;
}

/** An operation that takes its request's body as it comes: of any size, for any time, while it responds. */
export interface StreamedOperation {
	/** The service's name for it. */
	readonly name: string;
	readonly path: string;
	/**
	 * Validates the headers and gives the result, which may read the body at its own pace, and not to its end. `onStream` is to be called with the
	 * stream's name as soon as it is known. Throws `ServiceError`.
	 */
	stream(
		headers: IncomingHttpHeaders,
		body: AsyncIterable<Uint8Array>,
		context: OperationContext & { readonly onStream: (stream: string | null) => void },
	): OperationResult;
}

/** One operation of the service. */
export type Operation = JsonOperation | StreamedOperation;
