import { InvalidOptionError } from './errors.js';
import type { KvsArchiveOptions } from './kvs-archive-options.js';
import type { S3Place } from './s3/index.js';
import { checkLocalPath } from './wording/local-path.js';
import { underName } from './wording/option-name.js';

/**
 * Where output goes that was named: a path as it is, or a place that is not on the local disk, also where its URL was given. Throws
 * `InvalidOptionError` for any other URL.
 *
 * @param option - what the caller calls the target
 * @param identity - as whom it is called; the environment where undefined
 */
export async function placeOf<Place extends object>(
	option: string,
	target: string | Place,
	identity: Pick<KvsArchiveOptions, 'region' | 'profile' | 'credentials'>,
): Promise<string | Place | S3Place> {
	if (typeof target === 'object' && target !== null) return target;
	if (typeof target !== 'string') throw new InvalidOptionError(option, 'a path or a place', target);
	if (!target.startsWith('s3://')) {
		checkLocalPath(option, target, 'a path or `s3://BUCKET/KEY`');
		return target;
	}
	const { s3 } = await import('./s3/index.js');
	return underName('url', option, () => s3(target, identity));
}
