import type { LocalArchive } from '../local-archive.js';
import type { HlsSessions } from '../playback/sessions/hls-sessions.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import type { PageTokens } from '../wire/page-token.js';
import type { RequestFields } from '../wire/request-fields.js';
import type { WireValue } from '../wire/wire-json.js';

/** What an operation may use besides its request. */
interface OperationContext {
	/** Open. */
	readonly archive: LocalArchive;
	readonly tokens: PageTokens;
	/** The server's own address, as this client knows it: `http://127.0.0.1:8080`. */
	readonly origin: string;
	/** Playback sessions. */
	readonly sessions: HlsSessions;
	/** The archive's clock, epoch milliseconds. */
	readonly nowMs: number;
}

/** A page of ListFragments. */
export interface ListingAnswer {
	readonly kind: 'listing';
	readonly fragments: readonly StoredFragment[];
	readonly nextToken: string | null;
	/** The token that gives this very page. */
	readonly ownToken: () => string;
	/** The page size that was asked for: what the call costs. */
	readonly metadataPoints: number;
}

/** An answer that is a JSON object and nothing else. */
export interface JsonAnswer {
	readonly kind: 'json';
	readonly json: WireValue;
}

/** What an operation answers, with HTTP status 200. */
export type Answer =
	| JsonAnswer
	/** What changes something: done once the request is admitted. Rejects with `ServiceError`. */
	| { readonly kind: 'action'; readonly act: () => Promise<JsonAnswer> }
	| ListingAnswer
	/** The chunks of these fragments. */
	| { readonly kind: 'media'; readonly fragments: readonly StoredFragment[] };

/** One operation of the service. Always `POST`, with a JSON object. */
export interface Operation {
	/** The service's name for it. */
	readonly name: string;
	readonly path: string;
	/** Checks the request, all of it before anything is looked up, and answers it. Throws `ServiceError`. */
	answer(request: RequestFields, context: OperationContext): Answer;
}
