import { InvalidOptionError } from '../errors.js';

/** Checks the URL of a Redis, and returns it. Throws `InvalidOptionError`, without what may be a password. */
export function checkRedisUrl(url: unknown): string {
	if (typeof url === 'string' && /^rediss?:\/\//.test(url) && URL.canParse(url)) return url;
	const [scheme] = /^[a-z]+:\/\//i.exec(String(url)) ?? [];
	const got = scheme === undefined ? [] : [`${scheme}…`];
	throw new InvalidOptionError('url', 'redis://HOST[:PORT], or rediss://…', ...got);
}
