import { InvalidOptionError } from '../errors.js';

/** An object, or what the keys of several begin with. */
export interface S3Location {
	readonly bucket: string;
	/** Empty for the whole bucket. */
	readonly key: string;
}

const EXPECTED = '`s3://BUCKET/KEY`, of a bucket of 3 to 63 of the characters a-z, 0-9, . and -';

const URL_PATTERN = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s;

/** Of S3, in UTF-8; and the longest of the endings that stand beside an object. */
const MAX_KEY_BYTES = 1024 - '.upload.json'.length;

/** Reads `s3://BUCKET/KEY`; the key is taken as it is, without decoding. Throws {@link InvalidOptionError}. */
export function parseS3Url(url: string): S3Location {
	const [, bucket, key = ''] = (typeof url === 'string' && URL_PATTERN.exec(url)) || [];
	if (bucket === undefined) throw new InvalidOptionError('url', EXPECTED, url);
	if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
		throw new InvalidOptionError('url', `of a key of ${MAX_KEY_BYTES} bytes at most`, url);
	}
	// The name of the last part is also that of a file on the local disk.
	const isPlain = key.split('/').every((part) => part !== '.' && part !== '..') && !key.includes('\0');
	if (!isPlain) throw new InvalidOptionError('url', 'without `.` and `..` in its key', url);
	return { bucket, key };
}
