import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256's length. */
const MAC_BYTES = 32;
const ID_BYTES = 16;

/**
 * Makes and reads session tokens, which alone authorize requests for a session: URL-safe, random, and with an HMAC that clients
 * without the process's secret can make. They carry nothing but the session's id.
 */
export class SessionTokens {
	readonly #secret = randomBytes(MAC_BYTES);

	/** A new token, and the id in it. */
	make(): { token: string; id: string } {
		const id = randomBytes(ID_BYTES);
		return { token: Buffer.concat([id, this.#mac(id)]).toString('base64url'), id: id.toString('hex') };
	}

	/** The id in a token, or null where this object did not make it. Takes constant time for forged tokens. */
	read(token: string): string | null {
		const bytes = Buffer.from(token, 'base64url');
		// Node reads much that is not valid base64; only the one spelling that was given out counts.
		if (bytes.byteLength !== ID_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return null;
		const id = bytes.subarray(0, ID_BYTES);
		return timingSafeEqual(bytes.subarray(ID_BYTES), this.#mac(id)) ? id.toString('hex') : null;
	}

	#mac(id: Buffer): Buffer {
		return createHmac('sha256', this.#secret).update(id).digest();
	}
}
