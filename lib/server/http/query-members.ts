import { listMembers, type RequestTarget } from '../wire/request-target.js';
import { parsePythonLiteral } from './python-literal.js';

/** Members that are whole numbers or moments, in any request of the service. A query has only text. */
const numberMembers: ReadonlySet<string> = new Set([
	'EndTimestamp',
	'Expires',
	'HeightPixels',
	'MaxManifestFragmentResults',
	'MaxMediaPlaylistFragmentResults',
	'MaxResults',
	'SamplingInterval',
	'StartTimestamp',
	'WidthPixels',
]);

/**
 * The members of a presigned request that stand in its query, as boto3's `generate_presigned_url` moves them there:
 * numbers and texts as they are, lists as a repeated name, nested ones as Python prints a dict. Throws
 * `InvalidArgumentException` for a nested one that cannot be read.
 */
export function membersOfQuery({ query }: RequestTarget): object {
	const members = new Map<string, unknown>();
	for (const [name, text] of query) {
		if (name.toLowerCase().startsWith('x-amz-')) continue;
		if (listMembers.has(name)) members.set(name, [...((members.get(name) as string[]) ?? []), text]);
		else members.set(name, readValue(name, text));
	}
	return Object.fromEntries(members);
}

function readValue(name: string, text: string): unknown {
	if (/^[{[]/.test(text)) return parsePythonLiteral(text);
	return numberMembers.has(name) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
