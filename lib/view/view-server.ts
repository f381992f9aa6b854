import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidOptionError } from '../errors.js';
import type { KvsArchive } from '../index.js';
import { listenError } from '../wording/system-trouble.js';
import { OpenArchives } from './open-archives.js';
import { RequestGuard } from './request-guard.js';
import { errorReply, jsonReply, type ViewReply, type ViewRequest } from './view-reply.js';
import type { ViewStart } from './view-responses.js';
import { ViewRoutes } from './view-routes.js';

/** What is played comes from this server too, through media source buffers, which have `blob:` addresses. */
const POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS = {
	'content-security-policy': POLICY,
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-resource-policy': 'same-origin',
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
	'cache-control': 'no-store',
};

/** The page's requests are a few hundred bytes. */
const MAX_BODY_BYTES = 64 * 1024;

const TOKEN_BYTES = 24;

/** How long a connection stays open unused: a client that a busy machine holds back sends on one that it believes open. */
const KEEP_ALIVE_MS = 60_000;

/** A browser has six at once; further ones are closed, so that no other user of the machine takes all of the process's. */
const MAX_CONNECTIONS = 128;

/** Options of {@link createViewServer}. */
export interface ViewServerOptions extends ViewStart {
	/** Opens the archive of a stream; closed with the server. */
	readonly openArchive: (stream: string) => KvsArchive;
}

/** A server of the page, on loopback alone. */
export interface ViewServer extends AsyncDisposable {
	/** Starts to listen; 0 picks a free port. Resolves with the address of the page, token included. */
	listen(port: number): Promise<string>;
	/** Resolves when the server has closed. */
	readonly closed: Promise<void>;
}

/** The page's server: it signs the calls, so that the page needs no credentials. Only who has the token is let in. */
export function createViewServer({ openArchive, ...start }: ViewServerOptions): ViewServer {
	const token = randomBytes(TOKEN_BYTES).toString('base64url');
	const guard = new RequestGuard(token);
	const routes = new ViewRoutes(new OpenArchives(openArchive), start);
	const closing = new AbortController();
	const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
		respond(request, response, { server, guard, routes, closing: closing.signal }).catch(() =>
			response.destroy(),
		);
	});
	server.maxConnections = MAX_CONNECTIONS;
	const closed = new Promise<void>((resolve) => {
		server.once('close', () => resolve());
	});
	return {
		listen: (port) => listen(server, port, token),
		closed,
		async [Symbol.asyncDispose]() {
			closing.abort();
			if (server.listening) {
				server.close();
				server.closeAllConnections();
				await closed;
			}
			await routes[Symbol.asyncDispose]();
		},
	};
}

async function listen(server: Server, port: number, token: string): Promise<string> {
	server.listen(port, '127.0.0.1');
	try {
		await once(server, 'listening');
	} catch (cause) {
		throw listenError('127.0.0.1', port, cause);
	}
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${token}`;
}

interface Responding {
	readonly server: Server;
	readonly guard: RequestGuard;
	readonly routes: ViewRoutes;
	readonly closing: AbortSignal;
}

async function respond(
	request: IncomingMessage,
	response: ServerResponse,
	{ server, guard, routes, closing }: Responding,
): Promise<void> {
	const gone = new AbortController();
	response.once('close', () => gone.abort());
	const signal = AbortSignal.any([gone.signal, closing]);
	const reply = await replyTo(request, { server, guard, routes, signal });
	if (response.destroyed) {
		await closeBody(reply);
		return;
	}
	response.writeHead(reply.status ?? 200, {
		...SECURITY_HEADERS,
		'content-type': reply.contentType,
		...reply.headers,
	});
	const { body } = reply;
	if (typeof body === 'string' || body instanceof Uint8Array) {
		response.end(body);
		return;
	}
	await pipeline(Readable.from(body, { objectMode: false }), response);
}

async function replyTo(
	request: IncomingMessage,
	{ server, guard, routes, signal }: Omit<Responding, 'closing'> & { readonly signal: AbortSignal },
): Promise<ViewReply> {
	try {
		const url = new URL(request.url ?? '/', 'http://view.invalid');
		const refusal = guard.refusalOf(request, { url, server });
		if (refusal !== null) return jsonReply({ code: 'KVS_DENIED', message: refusal.message }, refusal.status);
		const body = request.method === 'POST' ? await readBody(request) : {};
		const viewRequest: ViewRequest = { method: request.method ?? 'GET', url, body, signal };
		const reply = await routes.reply(viewRequest);
		if (url.pathname !== '/') return reply;
		return { ...reply, headers: { 'set-cookie': guard.cookieFor(request) } };
	} catch (error) {
		return errorReply(error);
	}
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
	const parts: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const part of request as AsyncIterable<Uint8Array>) {
		sizeBytes += part.byteLength;
		if (sizeBytes > MAX_BODY_BYTES) throw new InvalidOptionError('body', `at most ${MAX_BODY_BYTES} bytes`);
		parts.push(part);
	}
	let value: unknown;
	try {
		value = JSON.parse(Buffer.concat(parts).toString() || '{}');
	} catch {
		throw new InvalidOptionError('body', 'JSON');
	}
	if (typeof value !== 'object' || value === null) throw new InvalidOptionError('body', 'an object', value);
	return value as Readonly<Record<string, unknown>>;
}

/** Gives up a body that no one reads. */
async function closeBody({ body }: ViewReply): Promise<void> {
	if (typeof body === 'string' || body instanceof Uint8Array) return;
	await body[Symbol.asyncIterator]().return?.();
}
