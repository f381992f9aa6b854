import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { checkHost } from './host-check.js';
import { LocalArchive, type LocalArchiveOptions } from './local-archive.js';
import { describeStream } from './operations/describe-stream.js';
import { getDataEndpoint } from './operations/get-data-endpoint.js';
import { getMediaForFragmentList } from './operations/get-media-for-fragment-list.js';
import { listFragments } from './operations/list-fragments.js';
import { listStreams } from './operations/list-streams.js';
import type { Answer, Operation } from './operations/operation.js';
import { PageTokens } from './page-token.js';
import { readJsonBody } from './request-body.js';
import { RequestFields } from './request-fields.js';
import { InternalFailureError, ServiceError, UnknownOperationError } from './service-error.js';
import { wireJson } from './wire-json.js';

/** A client that has not sent its request within a minute is not going to. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 20_000;

/** Signed requests have about 2 kB of headers; session tokens add some more. */
const MAX_HEADERS_BYTES = 32 * 1024;

/** Longer than the SDKs keep an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

const operations: ReadonlyMap<string, Operation> = new Map(
	[listFragments, getMediaForFragmentList, getDataEndpoint, describeStream, listStreams].map((operation) => [
		operation.path,
		operation,
	]),
);

/** One request, as it is about to be answered. */
export interface RequestRecord {
	/** The service's name of the operation, null where the request named none. */
	readonly operation: string | null;
	/** Name of the stream the request asked for, null where it named none. */
	readonly stream: string | null;
	readonly statusCode: number;
	/** Fragments listed or sent; 0 for an error. */
	readonly fragments: number;
	/** When the request came, epoch milliseconds by the archive's clock. */
	readonly timeMs: number;
}

/** How {@link createArchiveServer} makes its server. */
export interface ArchiveServerOptions extends LocalArchiveOptions {
	/** Told of every request, just before the head of its answer is sent. */
	readonly onRequest?: ((record: RequestRecord) => void) | undefined;
}

/** A `node:http` server that answers as the service does, out of its `archive`. */
export interface ArchiveServer extends Server {
	/** The streams it serves. */
	readonly archive: LocalArchive;
}

/**
 * Makes a local archive server, which the AWS SDKs can talk to; `listen` is the caller's to call. Requests wait until the
 * data directory is open. `close` ends running ingests and removes a temporary data directory.
 *
 * Signatures are not checked, and it speaks plain HTTP: bind it to loopback.
 */
export function createArchiveServer(options: ArchiveServerOptions = {}): ArchiveServer {
	const archive = new LocalArchive(options);
	const tokens = new PageTokens();
	const now = options.now ?? Date.now;
	const server = createServer(
		{
			requestTimeout: REQUEST_TIMEOUT_MS,
			headersTimeout: HEADERS_TIMEOUT_MS,
			keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
			maxHeaderSize: MAX_HEADERS_BYTES,
		},
		(request, response) => {
			// Rejects only where the client went away or the disk failed under a body; the connection is gone either way.
			respond(request, response).catch(() => response.destroy());
		},
	);
	server.on('close', () => archive.close());
	return Object.assign(server, { archive });

	async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const timeMs = now();
		let operation: Operation | null = null;
		let stream: string | null = null;
		let answer: Answer;
		let statusCode = 200;
		let error: ServiceError | null = null;
		try {
			const origin = `http://${checkHost(request.headers.host, server, request.socket)}`;
			operation = findOperation(request);
			const members = await readJsonBody(request);
			stream = streamNamedIn(members);
			await archive.ready;
			answer = operation.answer(new RequestFields(members), { archive, tokens, origin });
		} catch (cause) {
			error = cause instanceof ServiceError ? cause : new InternalFailureError(cause);
			answer = errorAnswer(error);
			statusCode = error.statusCode;
		}
		options.onRequest?.({
			operation: operation?.name ?? null,
			stream,
			statusCode,
			fragments: answer.fragments ?? 0,
			timeMs,
		});
		await send(response, answer, error);
	}
}

function findOperation({ method = '', url = '' }: IncomingMessage): Operation {
	const path = url.replace(/\?.*$/s, '');
	const operation = method === 'POST' ? operations.get(path) : undefined;
	if (operation === undefined) throw new UnknownOperationError(method, path);
	return operation;
}

/** For the record only, so whatever the request says will do. */
function streamNamedIn(members: { StreamName?: unknown; StreamARN?: unknown }): string | null {
	if (typeof members.StreamName === 'string') return members.StreamName;
	return typeof members.StreamARN === 'string' ? (members.StreamARN.split('/')[1] ?? null) : null;
}

/** The name stands in the body too: where a proxy drops the headers, the SDKs find it there. */
function errorAnswer({ awsName, message }: ServiceError): Answer {
	return { json: { __type: awsName, Message: message, message } };
}

async function send(response: ServerResponse, answer: Answer, error: ServiceError | null): Promise<void> {
	const requestId = randomUUID();
	response.setHeader('x-amzn-RequestId', requestId);
	if (error !== null) {
		// The documentation names the `x-amz-` headers, the SDKs read the `x-amzn-` ones.
		response.setHeader('x-amz-RequestId', requestId);
		response.setHeader('x-amzn-ErrorType', error.awsName);
		response.setHeader('x-amz-ErrorType', error.awsName);
	}
	if ('json' in answer) {
		const body = Buffer.from(wireJson(answer.json));
		response.writeHead(error?.statusCode ?? 200, {
			'Content-Type': 'application/json',
			'Content-Length': body.byteLength,
		});
		response.end(body);
	} else {
		response.writeHead(200, { 'Content-Type': answer.contentType });
		await pipeline(answer.media, response);
	}
}
