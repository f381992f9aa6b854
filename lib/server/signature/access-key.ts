import { InvalidOptionError } from '../../errors.js';

/** A key that may call the archive: what a client signs with. */
export interface AccessKey {
	/** Letters, digits, `_`, `.` and `-`, up to 128. */
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	/** Where given, every request must carry it. A token that is sent without one here is ignored. */
	readonly sessionToken?: string | undefined;
}

const KEY_ID_PATTERN = /^[\w.-]{1,128}$/;

/** What messages contain in place of a secret. */
const HIDDEN = '***';

/**
 * The keys by their id. Throws `InvalidOptionError` for a list without a key, and for a key without an id or a secret;
 * no message contains any part of a key.
 */
export function checkAccessKeys(keys: readonly AccessKey[]): ReadonlyMap<string, AccessKey> {
	if (keys.length === 0) throw new InvalidOptionError('credentials', 'at least one key, or left out', keys);
	for (const [index, { accessKeyId, secretAccessKey, sessionToken }] of keys.entries()) {
		const option = `credentials[${index}]`;
		if (typeof accessKeyId !== 'string' || !KEY_ID_PATTERN.test(accessKeyId)) {
			throw new InvalidOptionError(
				`${option}.accessKeyId`,
				'1 to 128 letters, digits, `_`, `.` or `-`',
				HIDDEN,
			);
		}
		if (typeof secretAccessKey !== 'string' || secretAccessKey === '') {
			throw new InvalidOptionError(`${option}.secretAccessKey`, 'a secret', HIDDEN);
		}
		if (sessionToken !== undefined && (typeof sessionToken !== 'string' || sessionToken === '')) {
			throw new InvalidOptionError(`${option}.sessionToken`, 'a token, or left out', HIDDEN);
		}
	}
	return new Map(keys.map((key) => [key.accessKeyId, key]));
}
