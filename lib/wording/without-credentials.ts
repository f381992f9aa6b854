/** A URL as a name that may be shown and stored: without user, password and query. */
export function withoutCredentials(url: string): string {
	const { protocol, host, pathname } = new URL(url);
	return `${protocol}//${host}${pathname}`.replace(/\/+$/, '');
}
