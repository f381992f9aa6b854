import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { InvalidOptionError } from '../../errors.js';

/** What a server proves who it is with, over TLS. */
export interface ServerIdentity {
	/** Its certificate in PEM, followed by those between it and a root where there are such. */
	readonly cert: string | Uint8Array;
	/** The certificate's private key in PEM, not encrypted. */
	readonly key: string | Uint8Array;
}

/** A {@link ServerIdentity} as `node:tls` takes it. */
export interface CheckedIdentity {
	readonly cert: Buffer;
	readonly key: Buffer;
}

/**
 * The identity as `node:tls` takes it. Throws `InvalidOptionError` for a certificate or a key that cannot be read, and for a key of
 * another certificate; no message contains any part of the key.
 */
export function checkIdentity({ cert, key }: ServerIdentity): CheckedIdentity {
	const identity = { cert: bufferOf('tls.cert', cert), key: bufferOf('tls.key', key) };
	check('tls.cert', 'a certificate in PEM', { cert: identity.cert });
	check('tls.key', 'a private key in PEM, not encrypted', { key: identity.key });
	check('tls.key', 'the private key of the certificate', identity);
	return identity;
}

function check(option: string, expected: string, options: SecureContextOptions): void {
	try {
		createSecureContext(options);
	} catch (error) {
		const reason = (error as Error).message;
		throw new InvalidOptionError(option, `${expected} (${reason})`, HIDDEN);
	}
}

/** What messages contain in place of a key. */
const HIDDEN = '***';

function bufferOf(option: string, value: unknown): Buffer {
	if (typeof value === 'string') return Buffer.from(value);
	if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	throw new InvalidOptionError(option, 'a string or bytes in PEM', value === undefined ? value : HIDDEN);
}
