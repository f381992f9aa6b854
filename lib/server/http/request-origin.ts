import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { type OwnHost, ownHost } from '../../loopback/own-host.js';
import { toOriginForm } from '../wire/request-target.js';
import { foreignHost } from '../wire/service-error.js';

/** The port that a URL of each scheme means where it names none. */
const defaultPorts = { http: 80, https: 443 } as const;

/**
 * Puts a request's target into origin-form, in place, so that it is routed and its signature verified by path and query
 * alone. Returns the authority that an absolute target named, else null.
 */
export function takeAuthority(request: IncomingMessage): string | null {
	const { url, authority } = toOriginForm(request.url ?? '');
	request.url = url;
	return authority;
}

/**
 * The server's own address, as this client reached it: its host name, with the port that it named or else that of the
 * connection, as producers name none whatever the port. Throws `AccessDeniedException` for a host that is not this machine.
 *
 * `authority`: the one of an absolute target, which then counts in place of the Host header (RFC 9112 §3.2.2).
 */
export function requestOrigin(
	{ headers, socket }: IncomingMessage,
	authority: string | null,
	options: { readonly server: Server; readonly isAnyName: boolean },
): string {
	const named = checkHost(headers.host, { ...options, socket });
	const { name, port } = authority === null ? named : checkHost(authority, { ...options, socket });
	const scheme = 'encrypted' in socket ? 'https' : 'http';
	if (port !== '') return `${scheme}://${name}${port}`;
	const { localPort } = socket;
	const isImplied = localPort === undefined || localPort === defaultPorts[scheme];
	return `${scheme}://${name}${isImplied ? '' : `:${localPort}`}`;
}

function checkHost(
	host: string | undefined,
	options: { readonly server: Server; readonly socket: Socket; readonly isAnyName: boolean },
): OwnHost {
	const own = ownHost(host, options);
	if (own === null) throw foreignHost(host);
	return own;
}
