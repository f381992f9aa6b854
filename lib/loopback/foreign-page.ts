/** The headers of a request that say from where it comes and what it is for. */
export interface OriginHeaders {
	readonly host?: string | undefined;
	readonly origin?: string | undefined;
	readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * Whether a browser sends a request for a page of another origin than the one that the request names. Any page of the internet can have
 * a browser send requests to a server on loopback, whatever it may read of the response; browsers say so in these headers (Fetch
 * Metadata Request Headers, Origin of RFC 6454). Other programs send neither.
 */
export function isOfForeignPage({ host, origin, 'sec-fetch-site': site }: OriginHeaders): boolean {
	if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
	return origin !== undefined && origin.toLowerCase().replace(/^https?:\/\//, '') !== host?.toLowerCase();
}
