import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { InvalidOptionError } from '../errors.js';
import { ArmedRule } from './faults/armed-rule.js';
import { checkFaultRules } from './faults/check-fault-rules.js';
import { type FaultRule, throttleErrors } from './faults/fault-rule.js';
import { checkHost } from './http/host-check.js';
import { keepOnLoopback } from './http/loopback-guard.js';
import { errorReply, faultedReply, type Reply } from './http/reply.js';
import { readMembers } from './http/request-members.js';
import type { RequestRecord, ResponseRecord } from './http/request-record.js';
import { isPresigned, parseTarget } from './http/request-target.js';
import { sendReply } from './http/send-reply.js';
import { createLimitedServer, resolveLimits, type ServerLimits } from './http/server-limits.js';
import { LocalArchive, type LocalArchiveOptions } from './local-archive.js';
import { type MonotonicClock, processClock } from './monotonic-clock.js';
import { describeStream } from './operations/describe-stream.js';
import { getDataEndpoint } from './operations/get-data-endpoint.js';
import { getHlsStreamingSessionUrl } from './operations/get-hls-streaming-session-url.js';
import { getMediaForFragmentList } from './operations/get-media-for-fragment-list.js';
import { listFragments } from './operations/list-fragments.js';
import { listStreams } from './operations/list-streams.js';
import type { Operation, OperationResult } from './operations/operation.js';
import { HlsPlayback } from './playback/hls/hls-playback.js';
import { crossOriginHeaders, findResource, isPlaybackPath } from './playback/hls/requested-resource.js';
import { HlsSessions } from './playback/sessions/hls-sessions.js';
import { type QuotaValues, resolveQuotas } from './quotas/quota-values.js';
import { StreamQuotas } from './quotas/stream-quotas.js';
import type { AccessKey } from './signature/access-key.js';
import { SignatureVerifier } from './signature/signature-verifier.js';
import { PageTokens } from './wire/page-token.js';
import { RequestFields } from './wire/request-fields.js';
import {
	InternalFailureError,
	ServiceError,
	TooManyHeadersError,
	UnknownOperationError,
} from './wire/service-error.js';

const operations: ReadonlyMap<string, Operation> = new Map(
	[
		listFragments,
		getMediaForFragmentList,
		getHlsStreamingSessionUrl,
		getDataEndpoint,
		describeStream,
		listStreams,
	].map((operation) => [operation.path, operation]),
);

/** How {@link createArchiveServer} makes its server. */
export interface ArchiveServerOptions extends LocalArchiveOptions {
	/** Told of every request once it is known what is answered, before any of the answer is sent. */
	readonly onRequest?: ((record: RequestRecord) => void) | undefined;
	/** Told of the same request again when its answer is over, well or badly. */
	readonly onResponseEnd?: ((record: ResponseRecord) => void) | undefined;
	/**
	 * Quotas of each stream that are enforced: AWS's, none, or AWS's with some replaced (`Infinity`: no limit). What is too
	 * much is answered with ClientLimitExceededException. @default 'off'
	 */
	readonly quotas?: 'aws' | 'off' | Partial<QuotaValues> | undefined;
	/** Faults to be made, rule by rule. @default none */
	readonly faults?: readonly FaultRule[] | undefined;
	/** What the chance in fault rules begins with: the same seed and requests, the same faults. @default 0 */
	readonly faultSeed?: number | undefined;
	/**
	 * Who may call: signatures are then verified, for the `region`, and it may listen on any address. @default nobody is
	 * asked, and it listens on loopback only
	 */
	readonly credentials?: readonly AccessKey[] | undefined;
	/** What it bears of its clients, where that is not the usual. */
	readonly limits?: Partial<ServerLimits> | undefined;
	/** Playback sessions of a stream at once; one more closes the oldest. @default Infinity, as the service has it today */
	readonly hlsSessions?: number | undefined;
	/** The clock of quotas, pacing, stalls and the call log. @default `performance.now()` and timers */
	readonly clock?: MonotonicClock | undefined;
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
 * It speaks plain HTTP, and without `credentials` it does not check signatures: anywhere but on loopback it then closes and
 * emits an `InvalidOptionError`. Throws one for quotas, fault rules, credentials or limits that make no sense.
 */
export function createArchiveServer(options: ArchiveServerOptions = {}): ArchiveServer {
	const quotaValues = resolveQuotas(options.quotas ?? 'off');
	const seed = options.faultSeed ?? 0;
	const rules = checkFaultRules(options.faults ?? []).map((rule, index) => new ArmedRule(rule, index, seed));
	const clock = options.clock ?? processClock;
	const limits = resolveLimits(options.limits);
	const now = options.now ?? Date.now;
	const { credentials: keys, region = 'us-east-1' } = options;
	const verifier = keys === undefined ? null : new SignatureVerifier({ keys, region, now });
	const archive = new LocalArchive(options);
	const quotas = new Map<string, StreamQuotas>();
	let requests = 0;
	const tokens = new PageTokens();
	const sessionsPerStream = checkSessions(options.hlsSessions ?? Number.POSITIVE_INFINITY);
	const sessions = new HlsSessions({ sessionsPerStream, now, quotas: quotaValues });
	const playback = new HlsPlayback(sessions, now);
	const server = createLimitedServer(limits);
	server.on('request', (request, response) => {
		// Rejects only where the client went away or the disk failed under a body; the connection is gone either way.
		respond(request, response).catch(() => response.destroy());
	});
	if (verifier === null) keepOnLoopback(server);
	server.on('close', () => archive.close());
	return Object.assign(server, { archive });

	async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const arrival = { id: ++requests, timeMs: now(), arrivedAtMs: clock.now() };
		const over = new AbortController();
		response.once('close', () => over.abort());

		let operation: string | null = null;
		let stream: string | null = null;
		let cost = { fragmentsAsked: 0, metadataPoints: 0, openMediaConnections: 0 };
		let reply: Reply;
		try {
			if (request.rawHeaders.length / 2 > limits.maxHeaders) throw new TooManyHeadersError(limits.maxHeaders);
			const origin = `http://${checkHost(request, server, { isAnyName: verifier !== null })}`;
			const resource = findResource(request);
			if (resource === null) {
				const asked = findOperation(request);
				operation = asked.name;
				const members = await readMembers(request, verifier);
				stream = streamNamedIn(members);
				await archive.ready;
				const context = { archive, tokens, origin, sessions, nowMs: now() };
				const result = asked.respond(new RequestFields(members), context);
				const streamQuotas = quotasOf(stream);
				cost = { ...costOf(result), openMediaConnections: streamQuotas.openMediaConnections };
				streamQuotas.admit({ operation, mediaPoints: cost.fragmentsAsked, ...cost }, arrival.arrivedAtMs);
				if (result.kind === 'media') holdConnection(streamQuotas, over.signal);
				const fragmentNumbers = result.kind === 'media' ? result.fragments.map(({ number }) => number) : [];
				const faulted = { operation, stream, fragmentNumbers };
				const fired = rules.filter((rule) => rule.fires(faulted));
				const settled = result.kind === 'action' ? await result.act() : result;
				reply = await faultedReply(settled, fired, now());
			} else {
				// The token in the URL is all that it takes: there is no signature to be looked at, and no body.
				operation = resource.name;
				const asked = playback.admit(resource, arrival.arrivedAtMs);
				stream = asked.stream;
				cost = { ...cost, ...asked.cost };
				quotasOf(stream).admit({ operation, mediaPoints: cost.fragmentsAsked, ...cost }, arrival.arrivedAtMs);
				reply = await asked.answer();
			}
		} catch (cause) {
			const refusal = errorReply(cause instanceof ServiceError ? cause : new InternalFailureError(cause));
			// A page from elsewhere may know why.
			reply = isPlaybackPath(request.url) ? { ...refusal, headers: crossOriginHeaders } : refusal;
		}
		const { closing, error, fragments, faults } = reply;
		const statusCode = closing === null ? (error?.statusCode ?? 200) : 0;
		const isThrottled = error !== null && throttleNames.has(error.awsName);
		const record = { ...arrival, operation, stream, statusCode, isThrottled, faults, ...cost, fragments };
		options.onRequest?.(record);
		let bytesSent = 0;
		whenAborted(over.signal, () => {
			const isComplete = response.writableFinished;
			options.onResponseEnd?.({ request: record, bytesSent, isComplete, endedAtMs: clock.now() });
		});
		await sendReply(response, reply, {
			clock,
			signal: over.signal,
			mediaBytesPerSecond: quotaValues.mediaBytesPerSecond,
			onBytes: (sizeBytes) => {
				bytesSent += sizeBytes;
			},
		});
	}

	/** Names that no stream has share one, so that they fill no memory. */
	function quotasOf(stream: string | null): StreamQuotas {
		const name = archive.stream(stream ?? '')?.metadata.name ?? '';
		const found = quotas.get(name) ?? new StreamQuotas(quotaValues);
		quotas.set(name, found);
		return found;
	}
}

function checkSessions(count: number): number {
	if (count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count >= 1)) return count;
	throw new InvalidOptionError('hlsSessions', 'a whole number of at least 1, or Infinity', count);
}

const throttleNames: ReadonlySet<string> = new Set(throttleErrors);

function costOf(result: OperationResult): { fragmentsAsked: number; metadataPoints: number } {
	return {
		fragmentsAsked: result.kind === 'media' ? result.fragments.length : 0,
		metadataPoints: result.kind === 'listing' ? result.metadataPoints : 0,
	};
}

function holdConnection(quotas: StreamQuotas, over: AbortSignal): void {
	quotas.openMediaConnections++;
	whenAborted(over, () => quotas.openMediaConnections--);
}

function whenAborted(signal: AbortSignal, listener: () => void): void {
	if (signal.aborted) listener();
	else signal.addEventListener('abort', listener, { once: true });
}

function findOperation({ method = '', url = '' }: IncomingMessage): Operation {
	const target = parseTarget(url);
	const { path } = target;
	// A presigned request may be a link as well.
	const isCall = method === 'POST' || (method === 'GET' && isPresigned(target));
	const operation = isCall ? operations.get(path) : undefined;
	if (operation === undefined) throw new UnknownOperationError(method, path);
	return operation;
}

/** For the record only, so whatever the request says will do. */
function streamNamedIn(members: { StreamName?: unknown; StreamARN?: unknown }): string | null {
	if (typeof members.StreamName === 'string') return members.StreamName;
	return typeof members.StreamARN === 'string' ? (members.StreamARN.split('/')[1] ?? null) : null;
}
