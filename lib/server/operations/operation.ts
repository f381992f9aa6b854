import type { LocalArchive } from '../local-archive.js';
import type { PageTokens } from '../page-token.js';
import type { RequestFields } from '../request-fields.js';
import type { WireValue } from '../wire-json.js';

/** What an operation may use besides its request. */
interface OperationContext {
	/** Open. */
	readonly archive: LocalArchive;
	readonly tokens: PageTokens;
	/** The server's own address, as this client knows it: `http://127.0.0.1:8080`. */
	readonly origin: string;
}

/** What an operation answers, with HTTP status 200. */
export type Answer = {
	/** Fragments that are listed or sent. */
	readonly fragments?: number;
} & (
	| { readonly json: WireValue }
	| {
			readonly contentType: string;
			/** The body. Ended early where the client goes away. */
			readonly media: AsyncIterable<Uint8Array>;
	  }
);

/** One operation of the service. Always `POST`, with a JSON object. */
export interface Operation {
	/** The service's name for it. */
	readonly name: string;
	readonly path: string;
	/** Checks the request, all of it before anything is looked up, and answers it. Throws `ServiceError`. */
	answer(request: RequestFields, context: OperationContext): Answer;
}
