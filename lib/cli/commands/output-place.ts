import type { S3Place } from '../../s3/index.js';

/** What the command line names: a place in S3 where it is the URL of one, else a path, as it is. Throws `InvalidOptionError`. */
export async function outputPlace(
	text: string,
	{ region, profile }: { readonly region?: string; readonly profile?: string },
): Promise<string | S3Place> {
	if (!text.startsWith('s3://')) return text;
	const { s3 } = await import('../../s3/index.js');
	return s3(text, { region, profile });
}
