import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidOptionError } from '../errors.js';
import { ownHost } from '../loopback/own-host.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { listenError } from '../wording/system-trouble.js';
import { METRICS_MEDIA_TYPE, renderMetrics } from './exposition.js';
import type { MetricSource } from './metric-source.js';

/** Where metrics listen: on this machine only. */
const HOST = '127.0.0.1';

/** A scraper has one connection, or two. */
const MAX_CONNECTIONS = 32;

/** Until the headers of a request must be there, and how long a connection may be idle, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 120_000;

/** Options of {@link serveMetrics}. */
export interface ServeMetricsOptions {
	/** Where to listen; 0 picks a free port. */
	readonly port: number;
	/** The lag above which `/healthz` returns 503, in milliseconds. @default 60000 */
	readonly maxLagMs?: number | undefined;
}

const OPTION_NAMES: OptionNames<ServeMetricsOptions> = {
	port: true,
	maxLagMs: true,
};

/** What listens. */
export interface MetricsServer extends AsyncDisposable {
	/** `http://127.0.0.1:PORT`, without a path. */
	readonly url: string;
	/** Closes it, and the connections of its clients. It does not keep the process alive meanwhile. */
	close(): Promise<void>;
}

/** When it is too late, by default. */
const DEFAULT_MAX_LAG_MS = 60_000;

/**
 * Serves metrics over HTTP, on loopback only: `/metrics` in the text format of Prometheus, and `/healthz`, which is 200 `ok`, or
 * 503 with a line for each stream that lags by more than `maxLagMs`. Requests that name another host than this machine are refused
 * (403). Rejects with `ArchiveError` (`KVS_SERVER_FAILED`) where it cannot listen.
 */
export async function serveMetrics(
	source: MetricSource,
	options: ServeMetricsOptions,
): Promise<MetricsServer> {
	checkOptionNames(options, OPTION_NAMES);
	const { port, maxLagMs = DEFAULT_MAX_LAG_MS } = options;
	if (!Number.isInteger(port) || port < 0 || port > 65_535) {
		throw new InvalidOptionError('port', 'a whole number from 0 to 65535', port);
	}
	if (!(maxLagMs > 0)) throw new InvalidOptionError('maxLagMs', 'more than 0', maxLagMs);
	const server = createServer(
		{ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
		(request, response) => respond(request, response, { server, source, maxLagMs }),
	);
	server.maxConnections = MAX_CONNECTIONS;
	server.timeout = IDLE_TIMEOUT_MS;
	// What is measured keeps the process alive, and not the measuring.
	server.unref();
	try {
		server.listen(port, HOST);
		await once(server, 'listening');
	} catch (cause) {
		throw listenError(HOST, port, cause);
	}
	const close = async (): Promise<void> => {
		if (!server.listening) return;
		const closed = once(server, 'close');
		server.close();
		server.closeAllConnections();
		await closed;
	};
	const { port: listeningPort } = server.address() as AddressInfo;
	return { url: `http://${HOST}:${listeningPort}`, close, [Symbol.asyncDispose]: close };
}

function respond(
	request: IncomingMessage,
	response: ServerResponse,
	served: { readonly server: Server; readonly source: MetricSource; readonly maxLagMs: number },
): void {
	const { status, body, type = 'text/plain; charset=utf-8' } = replyTo(request, served);
	response.writeHead(status, {
		'Content-Type': type,
		'Content-Length': Buffer.byteLength(body),
		'Cache-Control': 'no-store',
	});
	response.end(body);
}

function replyTo(
	{ headers, socket, method, url = '' }: IncomingMessage,
	{ server, source, maxLagMs }: Parameters<typeof respond>[2],
): { status: number; body: string; type?: string } {
	if (ownHost(headers.host, { server, socket, isAnyName: false }) === null) {
		return { status: 403, body: 'the Host header must name this machine\n' };
	}
	if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET is served\n' };
	const path = url.split('?', 1)[0];
	if (path === '/metrics') {
		return { status: 200, body: renderMetrics(source.families()), type: METRICS_MEDIA_TYPE };
	}
	if (path !== '/healthz') return { status: 404, body: 'served here: /metrics and /healthz\n' };
	const troubles = source.troubles(maxLagMs);
	return troubles.length === 0
		? { status: 200, body: 'ok\n' }
		: { status: 503, body: `${troubles.join('\n')}\n` };
}
