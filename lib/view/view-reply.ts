import { ArchiveError, InvalidOptionError, type KvsErrorCode } from '../errors.js';
import { withoutAdvice } from '../wording/advice.js';

/** A response of the view's server. */
export interface ViewReply {
	readonly status?: number;
	readonly contentType: string;
	/** Sent as it comes; closed early where the browser goes away. */
	readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
	readonly headers?: Readonly<Record<string, string>>;
}

/** A request as a resource sees it. */
export interface ViewRequest {
	readonly method: string;
	readonly url: URL;
	/** The members of a JSON body; empty without one. */
	readonly body: Readonly<Record<string, unknown>>;
	/** Aborted when the browser gives the request up, and when the server closes. */
	readonly signal: AbortSignal;
}

/** JSON. */
export function jsonReply(value: unknown, status = 200): ViewReply {
	return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

/** JSON Lines, each sent when it is there. An error on the way is the last line, `{ error }`. */
export function linesReply(values: AsyncIterable<unknown>): ViewReply {
	return { contentType: 'application/x-ndjson', body: linesOf(values) };
}

async function* linesOf(values: AsyncIterable<unknown>): AsyncGenerator<string> {
	try {
		for await (const value of values) yield `${JSON.stringify(value)}\n`;
	} catch (error) {
		yield `${JSON.stringify({ error: describe(error) })}\n`;
	}
}

/** What the page gets of an error: `code` for the page, which has advice of its own, `message` for its reader. */
export function describe(error: unknown): { code: string; message: string } {
	if (error instanceof ArchiveError) return { code: error.code, message: withoutAdvice(error.message) };
	return { code: 'KVS_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

const statuses: Partial<Record<KvsErrorCode, number>> = {
	KVS_NOT_FOUND: 404,
	KVS_EMPTY_RANGE: 404,
	KVS_DENIED: 403,
	KVS_THROTTLED: 429,
	KVS_UNREACHABLE: 502,
	KVS_FFMPEG_NOT_FOUND: 501,
};

/** An error as a response. */
export function errorReply(error: unknown): ViewReply {
	const known = error instanceof ArchiveError ? statuses[error.code] : undefined;
	return jsonReply(describe(error), known ?? (error instanceof InvalidOptionError ? 400 : 500));
}
