import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { InvalidOptionError } from '../../errors.js';
import type { CheckedIdentity } from './server-identity.js';

/** The limits on clients of the server. */
export interface ServerLimits {
	/** Connections at once; further ones are closed at once. @default 1024 */
	readonly maxConnections: number;
	/** Headers of a request; one with more is refused (431). @default 100 */
	readonly maxHeaders: number;
	/** Bytes of a request's first line and headers; one with more is refused (431). @default 32 KiB */
	readonly maxHeadersBytes: number;
	/** Until a request's headers must be there, in milliseconds (408). @default 20000 */
	readonly headersTimeoutMs: number;
	/** Until the JSON body of a request must be there, in milliseconds (408). @default 60000 */
	readonly requestTimeoutMs: number;
	/** How long a connection may be idle between two requests, in milliseconds. @default 120000 */
	readonly keepAliveTimeoutMs: number;
	/** How long a connection may be idle while its response is sent, in milliseconds. @default 2700000 */
	readonly stalledTimeoutMs: number;
}

/** Five sessions and a few dozen players use a tenth of the connections; the rest is for clients that forget to close. */
const MAX_CONNECTIONS = 1024;

/** The SDKs send about 15. */
const MAX_HEADERS = 100;

/** Signed requests have about 2 kB of headers; session tokens, and members in a presigned query, add some more. */
const MAX_HEADERS_BYTES = 32 * 1024;

/** A client that has not sent its request within a minute is taken to have failed. */
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Longer than the SDKs keep an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

/** A reader may pause: the service itself ends a media connection after three quarters of an hour. */
const STALLED_TIMEOUT_MS = 45 * 60_000;

/** Longest interval of the request-timeout check, in milliseconds. */
const CHECK_INTERVAL_MS = 5000;

const defaults: ServerLimits = {
	maxConnections: MAX_CONNECTIONS,
	maxHeaders: MAX_HEADERS,
	maxHeadersBytes: MAX_HEADERS_BYTES,
	headersTimeoutMs: HEADERS_TIMEOUT_MS,
	requestTimeoutMs: REQUEST_TIMEOUT_MS,
	keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
	stalledTimeoutMs: STALLED_TIMEOUT_MS,
};

/** Fills in what is not given. Throws `InvalidOptionError` for an unknown limit, and for a value that is not a whole number of at least 1. */
export function resolveLimits(limits: Partial<ServerLimits> = {}): ServerLimits {
	const resolved = { ...defaults, ...limits };
	for (const [name, value] of Object.entries(resolved)) {
		if (!Object.hasOwn(defaults, name))
			throw new InvalidOptionError(`limits.${name}`, 'a known limit', value);
		if (!Number.isInteger(value) || value < 1) {
			throw new InvalidOptionError(`limits.${name}`, 'a whole number of at least 1', value);
		}
	}
	return resolved;
}

/**
 * A `node:http` server within these limits, or a `node:https` one where it has an identity; the caller must refuse requests with too
 * many headers.
 */
export function createLimitedServer(limits: ServerLimits, identity: CheckedIdentity | null): Server {
	const options = {
		// Bodies have limits of their own: some come as long as their producer runs.
		requestTimeout: 0,
		headersTimeout: limits.headersTimeoutMs,
		keepAliveTimeout: limits.keepAliveTimeoutMs,
		connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
		maxHeaderSize: limits.maxHeadersBytes,
	};
	const server =
		identity === null
			? createServer(options)
			: closingHandshakes(
					createTlsServer({ ...options, ...identity, handshakeTimeout: limits.headersTimeoutMs }),
				);
	server.maxConnections = limits.maxConnections;
	// Past this some versions of Node drop headers silently, and others close the connection: they are counted by the caller.
	server.maxHeadersCount = 0;
	server.timeout = limits.stalledTimeoutMs;
	return server;
}

/** Lets `closeAllConnections` close connections that are in their handshake too: node:http does not know them yet. */
function closingHandshakes(server: TlsServer): TlsServer {
	const sockets = new Set<Socket>();
	server.on('connection', (socket: Socket) => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
	});
	const closeAll = server.closeAllConnections.bind(server);
	server.closeAllConnections = () => {
		closeAll();
		for (const socket of sockets) socket.destroy();
	};
	return server;
}
