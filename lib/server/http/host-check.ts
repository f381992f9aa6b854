import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { foreignHost } from '../wire/service-error.js';

const HOST_PATTERN = /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?$/i;
const LOOPBACK_PATTERN = /^(localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])$/;

/**
 * Returns the Host header of a request if it names this machine: loopback, or the address the server is bound to. Throws
 * `AccessDeniedException` for any other.
 *
 * A web page can point a name of its own at 127.0.0.1 and read a local server through the visitor's browser (DNS
 * rebinding); its requests still carry that name. Only the name is checked: ports get forwarded. With `isAnyName` any
 * valid host is accepted: the signature of every request then covers the host.
 */
export function checkHost(
	{ headers: { host }, socket }: IncomingMessage,
	server: Server,
	{ isAnyName }: { readonly isAnyName: boolean },
): string {
	const name = HOST_PATTERN.exec(host ?? '')?.groups?.['name']?.toLowerCase();
	if (host === undefined || name === undefined) throw foreignHost(host);
	if (isAnyName || LOOPBACK_PATTERN.test(name)) return host;
	const bound = (server.address() as AddressInfo | null)?.address;
	// A server that is bound to every address is reached at the connection's local address.
	if (name === asHostName(bound) || name === asHostName(socket.localAddress)) return host;
	throw foreignHost(host);
}

function asHostName(address: string | undefined): string | undefined {
	if (address === undefined) return undefined;
	const plain = address.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '');
	return plain.includes(':') ? `[${plain}]` : plain;
}
