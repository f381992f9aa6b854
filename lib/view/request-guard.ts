import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { isOfForeignPage } from '../loopback/foreign-page.js';
import { ownHost } from '../loopback/own-host.js';

/** The port of a Host that names none. */
const DEFAULT_PORT = '80';

/** Why a request is refused. */
export interface Refusal {
	readonly status: 403 | 405 | 421;
	readonly message: string;
}

/**
 * Lets in only the page that this process gave out: requests to a loopback name (a name of a foreign page that points
 * at 127.0.0.1 is refused, DNS rebinding), of no other origin, and with the token: in the query of the page itself, and
 * from then on in a cookie that scripts cannot read.
 */
export class RequestGuard {
	readonly #token: string;

	/** `token`: at least 128 bits, at random. */
	constructor(token: string) {
		this.#token = token;
	}

	/** Why the request is refused; null where it is let in. `url`: its target. */
	refusalOf(
		{ method, headers, socket }: IncomingMessage,
		{ url, server }: { readonly url: URL; readonly server: Server },
	): Refusal | null {
		if (ownHost(headers.host, { server, socket, isAnyName: false }) === null) {
			return {
				status: 421,
				message: 'the Host header names another server: open the address that `view` printed',
			};
		}
		if (method !== 'GET' && method !== 'POST' && method !== 'DELETE') {
			return { status: 405, message: `the method ${method} is not allowed` };
		}
		// A link from elsewhere may open the page, which then needs the token.
		const isLink = method === 'GET' && url.pathname === '/' && headers.origin === undefined;
		if (!isLink && isOfForeignPage(headers)) {
			return { status: 403, message: 'cross-origin requests are refused' };
		}
		if (this.#isToken(url.searchParams.get('token')) || this.#isToken(this.#cookieOf(headers))) {
			return null;
		}
		return { status: 403, message: 'the token is missing or wrong: open the address that `view` printed' };
	}

	/** The header that gives the page its cookie. */
	cookieFor({ headers }: IncomingMessage): string {
		return `${cookieName(headers.host)}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`;
	}

	#cookieOf({ host, cookie: header }: IncomingMessage['headers']): string | null {
		const name = `${cookieName(host)}=`;
		const found = (header ?? '').split(/;\s*/).find((cookie) => cookie.startsWith(name));
		return found?.slice(name.length) ?? null;
	}

	#isToken(text: string | null): boolean {
		return text !== null && timingSafeEqual(digest(text), digest(this.#token));
	}
}

/** Browsers share cookies between ports, so it has the one that the browser uses: not ours, where that is forwarded. */
function cookieName(host = ''): string {
	return `kvs-view-${/:(\d+)$/.exec(host)?.[1] ?? DEFAULT_PORT}`;
}

/** Of one length, so that they can be compared in constant time. */
function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}
