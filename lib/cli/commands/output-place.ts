import type { S3Place } from '../../s3/index.js';
import { checkLocalPath } from '../../wording/local-path.js';
import { underName } from '../../wording/option-name.js';

/**
 * What the command line names: a place in S3 where it is the URL of one, else a path, as it is. Throws `InvalidOptionError` for any
 * other URL.
 *
 * @param flag - the flag or the argument that names it
 */
export async function outputPlace(
	flag: string,
	text: string,
	{ region, profile }: { readonly region?: string; readonly profile?: string },
): Promise<string | S3Place> {
	if (!text.startsWith('s3://')) {
		checkLocalPath(flag, text, 'a path, or s3://BUCKET/KEY');
		return text;
	}
	const { s3 } = await import('../../s3/index.js');
	return underName('url', flag, () => s3(text, { region, profile }));
}
