import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { StringBounds } from './request-fields.js';

/** SHA-256's length. */
const MAC_BYTES = 32;

/** Bounds of NextToken, as the service's model gives them: standard base64. */
export const NEXT_TOKEN: StringBounds = { maxLength: 4096, pattern: /^[a-zA-Z0-9+/]+={0,2}$/ };

/** The operations that hand out tokens; a token is good for its own only. */
export type PageTokenKind = 'GetImages' | 'ListFragments' | 'ListStreams';

/**
 * Makes and reads page tokens: standard base64, as NextToken's pattern wants it, of a JSON value and its HMAC.
 *
 * The secret lives as long as the object, so a token of another process, or one that was changed, is refused. Nothing is
 * kept for a token: any number of them may be out.
 */
export class PageTokens {
	readonly #secret = randomBytes(MAC_BYTES);

	/** A token that carries `fields`, readable again as the same `kind`. */
	seal(kind: PageTokenKind, fields: Readonly<Record<string, string | number | null>>): string {
		const body = Buffer.from(JSON.stringify(fields));
		return Buffer.concat([this.#mac(kind, body), body]).toString('base64');
	}

	/** What a token carries, or null where this object did not make it. */
	open<Fields>(kind: PageTokenKind, token: string): Fields | null {
		const bytes = Buffer.from(token, 'base64');
		// Node decodes invalid base64 too; only the spelling that was issued is accepted.
		if (bytes.byteLength <= MAC_BYTES || bytes.toString('base64') !== token) return null;
		const body = bytes.subarray(MAC_BYTES);
		if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(kind, body))) return null;
		return JSON.parse(body.toString());
	}

	#mac(kind: PageTokenKind, body: Buffer): Buffer {
		return createHmac('sha256', this.#secret).update(`${kind}\n`).update(body).digest();
	}
}
