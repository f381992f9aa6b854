import { InvalidOptionError } from '../errors.js';

/** Where paging stopped: inside the page that a token of the service names. */
export interface PagePosition {
	readonly operation: string;
	/** Null for the first page. */
	readonly nextToken: string | null;
	/** Items of that page that were given out. */
	readonly skip: number;
}

/** Marks the form of a token, so that a later form can be recognized. */
const VERSION = 1;

/** A position as text. The service's own token is in it, and lives no longer for that. */
export function toPageToken({ operation, nextToken, skip }: PagePosition): string {
	return Buffer.from(JSON.stringify([VERSION, operation, nextToken, skip])).toString('base64url');
}

/** Reads a token of {@link toPageToken} for the same operation. Throws {@link InvalidOptionError} for any other text. */
export function readPageToken(token: string, operation: string): PagePosition {
	const [version, name, nextToken, skip] = parse(token);
	const isToken = nextToken === null || (typeof nextToken === 'string' && nextToken !== '');
	const isCount = Number.isSafeInteger(skip) && (skip as number) >= 0;
	if (version !== VERSION || name !== operation || !isToken || !isCount) {
		throw new InvalidOptionError('startingToken', `the token of earlier paging of ${operation}`, token);
	}
	return { operation, nextToken: nextToken as string | null, skip: skip as number };
}

function parse(token: string): unknown[] {
	try {
		const fields: unknown = JSON.parse(Buffer.from(String(token), 'base64url').toString());
		return Array.isArray(fields) ? fields : [];
	} catch {
		// No JSON: no token of ours, which is said by the caller of this.
		return [];
	}
}
