import type { AddressInfo, Server, Socket } from 'node:net';

const HOST_PATTERN = /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?<port>:[0-9]{1,5})?$/i;
const LOOPBACK_PATTERN = /^(localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])$/;

/** A host as a client used it. */
export interface OwnHost {
	readonly name: string;
	/** `:8080`, or empty where the client named none. */
	readonly port: string;
}

/**
 * Takes a host that a request names apart if it is this machine: loopback, or the address the server is bound to; null for
 * any other.
 *
 * A web page can point a name of its own at 127.0.0.1 and read a local server through the visitor's browser (DNS
 * rebinding); its requests still carry that name. Only the name is checked: ports get forwarded. With `isAnyName` any
 * valid host is accepted: the signature of every request then covers the host.
 */
export function ownHost(
	host: string | undefined,
	{
		server,
		socket,
		isAnyName,
	}: { readonly server: Server; readonly socket: Socket; readonly isAnyName: boolean },
): OwnHost | null {
	const { name, port = '' } = HOST_PATTERN.exec(host ?? '')?.groups ?? {};
	if (name === undefined) return null;
	const own = { name, port };
	const lowerCase = name.toLowerCase();
	if (isAnyName || LOOPBACK_PATTERN.test(lowerCase)) return own;
	const bound = (server.address() as AddressInfo | null)?.address;
	// A server that is bound to every address is reached at the connection's local address.
	return lowerCase === asHostName(bound) || lowerCase === asHostName(socket.localAddress) ? own : null;
}

function asHostName(address: string | undefined): string | undefined {
	if (address === undefined) return undefined;
	const plain = address.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '');
	return plain.includes(':') ? `[${plain}]` : plain;
}
