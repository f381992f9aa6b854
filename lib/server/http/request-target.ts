import { InvalidArgumentError } from '../wire/service-error.js';

/** The parts of a request's target. */
export interface RequestTarget {
	/** As it was sent. */
	readonly path: string;
	/** Names and values of the query, decoded, in order. */
	readonly query: readonly (readonly [name: string, value: string])[];
}

/**
 * Takes a request's target apart. A `+` stays one: signatures are made over the characters, and their makers write a space
 * as `%20`. Throws `InvalidArgumentError` for escapes that are no UTF-8.
 */
export function parseTarget(url: string): RequestTarget {
	const [, path = '', text = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? [];
	try {
		const query = text
			.split('&')
			.filter((pair) => pair !== '')
			.map((pair) => {
				const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
				return [decodeURIComponent(name), decodeURIComponent(value)] as const;
			});
		return { path, query };
	} catch {
		throw new InvalidArgumentError('expected the query to be percent-encoded UTF-8');
	}
}

/** Whether a query carries a signature: it is then a presigned request, and its members may be in the query too. */
export function isPresigned({ query }: RequestTarget): boolean {
	return query.some(([name]) => name === 'X-Amz-Algorithm');
}
