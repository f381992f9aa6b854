import type { KvsArchiveOptions } from './kvs-archive-options.js';
import type { S3Place } from './s3/index.js';

/**
 * Where output goes that was named: a path as it is, or a place that is not on the local disk, also where its URL was given. Throws
 * `InvalidOptionError` for a URL that is not valid.
 *
 * @param identity - as whom it is called; the environment where undefined
 */
export async function placeOf<Place extends object>(
	target: string | Place,
	identity: Pick<KvsArchiveOptions, 'region' | 'profile' | 'credentials'>,
): Promise<string | Place | S3Place> {
	if (typeof target !== 'string' || !target.startsWith('s3://')) return target;
	const { s3 } = await import('./s3/index.js');
	return s3(target, identity);
}
