import { ArchiveError, InvalidOptionError } from '../../errors.js';
import { s3 } from '../../s3/index.js';
import { checkLocalPath } from '../../wording/local-path.js';
import { underName } from '../../wording/option-name.js';
import { checkRelativePath, folderBelow } from './path-below.js';

/** Where a worker writes, as it was named when it was started. */
export interface OutputPlaces {
	/** Null: to no folder of the machine. */
	readonly folder: string | null;
	/** What the URLs of objects begin with; each ends with a slash. */
	readonly urls: readonly string[];
}

/** Sorts what a worker was started with. Throws `InvalidOptionError` for a second folder, and for a URL that is not valid. */
export function outputPlacesOf(out: string | readonly string[]): OutputPlaces {
	const places = typeof out === 'string' ? [out] : out;
	const urls = places.filter(isS3).map((url) => underName('url', 'out', () => prefixOf(url)));
	const [folder = null, other] = places.filter((place) => !isS3(place));
	if (folder !== null) checkLocalPath('out', folder, 'a folder or `s3://BUCKET/PREFIX/`');
	if (places.length > 0 && other === undefined) return { folder, urls };
	throw new InvalidOptionError('out', 'one folder, `s3://BUCKET/PREFIX/` once or more, or both', out);
}

/**
 * Checks the output that a job names: a path relative to the folder of the worker, or `s3://BUCKET/PREFIX/`, whose last slash may be
 * left out. Returns it, always in the same form. Throws `InvalidOptionError`.
 */
export function checkOutput(option: string, output: unknown): string {
	return isS3(output) ? underName('url', option, () => prefixOf(output)) : checkRelativePath(option, output);
}

/** Whether an output is in S3. */
export function isS3(output: unknown): output is `s3://${string}` {
	return typeof output === 'string' && output.startsWith('s3://');
}

/** What a file or folder of an output is called: a path where the output is one, a URL where it is a URL. */
export function within(output: string, name: string): string {
	if (isS3(output)) return `${prefixOf(output)}${name}`;
	return output === '.' ? name : `${output}/${name}`;
}

/**
 * The folder that a job names, made where it is not there, or its URL. Rejects with `ArchiveError` (`KVS_JOB_REFUSED`) where it is not
 * below what the worker was started with, and with the system's error.
 */
export async function placeBelow({ folder, urls }: OutputPlaces, output: string): Promise<string> {
	if (!isS3(output)) {
		if (folder !== null) return folderBelow(folder, output);
		throw refused(
			`\`${output}\` is a path in a folder, and the worker's option \`out\` is ${named(urls)} alone`,
		);
	}
	const url = prefixOf(output);
	if (urls.some((root) => url.startsWith(root))) return url;
	const places = folder === null ? urls : [folder, ...urls];
	throw refused(`\`${url}\` is not below the worker's option \`out\`, ${named(places)}`);
}

/** The URL of a folder in S3, with its last slash. */
function prefixOf(url: string): string {
	const { url: checked } = s3(url);
	return checked.endsWith('/') ? checked : `${checked}/`;
}

function named(places: readonly string[]): string {
	return places.map((place) => `\`${place}\``).join(', ');
}

function refused(what: string): ArchiveError {
	return new ArchiveError('KVS_JOB_REFUSED', `the worker refuses the job: ${what}`);
}
