import { invalidArgument } from './service-error.js';

/** The parts of a request's target. */
export interface RequestTarget {
	/** As it was sent. */
	readonly path: string;
	/** Names and values of the query, decoded, in order. */
	readonly query: readonly (readonly [name: string, value: string])[];
}

/** Members that are lists: one entry each time the name stands in a presigned query. */
export const listMembers: ReadonlySet<string> = new Set(['Fragments']);

/** A request's target in origin-form, and the authority that it named. */
export interface OriginForm {
	/** Path and query, as they were sent. */
	readonly url: string;
	/** `127.0.0.1:8080` of `http://127.0.0.1:8080/putMedia`; null where the target was in origin-form already. */
	readonly authority: string | null;
}

/** Takes the authority off a target in absolute-form (RFC 9112 §3.2.2), as the AWS SDK for Java 1 sends PutMedia. */
export function toOriginForm(url: string): OriginForm {
	const match = /^https?:\/\/([^/?]*)\/?(.*)$/is.exec(url);
	return match === null ? { url, authority: null } : { url: `/${match[2]}`, authority: match[1] as string };
}

/**
 * Parses a request's target, which is in origin-form. A `+` stays a `+`: signatures cover the characters as sent, and signers write a space
 * as `%20`. Throws `InvalidArgumentException` for escapes that are not UTF-8, and for a presigned query with a parameter that
 * occurs twice: the signer may have used one value, and the verifier the other.
 */
export function parseTarget(url: string): RequestTarget {
	const [, path = '', text = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? [];
	const target = { path, query: parseQuery(text) };
	if (isPresigned(target)) checkOnce(target);
	return target;
}

function parseQuery(text: string): RequestTarget['query'] {
	try {
		return text
			.split('&')
			.filter((pair) => pair !== '')
			.map((pair) => {
				const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
				return [decodeURIComponent(name), decodeURIComponent(value)] as const;
			});
	} catch {
		throw invalidArgument('expected the query to be percent-encoded UTF-8');
	}
}

function checkOnce({ query }: RequestTarget): void {
	const seen = new Set<string>();
	for (const [name] of query) {
		// Some clients write the parameters of the signature in lower case.
		const key = /^x-amz-/i.test(name) ? name.toLowerCase() : name;
		if (seen.has(key) && !listMembers.has(name)) {
			throw invalidArgument(`expected \`${name}\` once in the query, got it again`);
		}
		seen.add(key);
	}
}

/** Whether a query carries a signature: it is then a presigned request, and its members may be in the query too. */
export function isPresigned({ query }: RequestTarget): boolean {
	return query.some(([name]) => name === 'X-Amz-Algorithm');
}
