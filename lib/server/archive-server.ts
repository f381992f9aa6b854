import { randomInt } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { expireRegularly } from './expire-regularly.js';
import { ActiveFaultRule } from './faults/active-fault-rule.js';
import { checkFaultRules } from './faults/check-fault-rules.js';
import type { FaultRule } from './faults/fault-rule.js';
import { keepOnLoopback } from './http/loopback-guard.js';
import type { RequestRecord, ResponseRecord } from './http/request-record.js';
import { createResponder } from './http/respond.js';
import { Router } from './http/router.js';
import { checkIdentity, type ServerIdentity } from './http/server-identity.js';
import { createLimitedServer, resolveLimits, type ServerLimits } from './http/server-limits.js';
import { ImageMaker } from './images/image-maker.js';
import { LocalArchive } from './local-archive.js';
import type { LocalArchiveOptions } from './local-archive-options.js';
import { type MonotonicClock, processClock } from './monotonic-clock.js';
import { getClip } from './operations/get-clip.js';
import { getDataEndpoint } from './operations/get-data-endpoint.js';
import { getImages } from './operations/get-images.js';
import { getMedia } from './operations/get-media.js';
import { getMediaForFragmentList } from './operations/get-media-for-fragment-list.js';
import {
	getDashStreamingSessionUrl,
	getHlsStreamingSessionUrl,
} from './operations/get-streaming-session-url.js';
import { listFragments } from './operations/list-fragments.js';
import type { Operation } from './operations/operation.js';
import { OperationRoute } from './operations/operation-route.js';
import { putMedia } from './operations/put-media.js';
import { streamOperations } from './operations/streams/stream-operations.js';
import { unservedOperations } from './operations/unserved-operations.js';
import { PlaybackResources } from './playback/resources/playback-resources.js';
import { PlaybackRoute } from './playback/resources/playback-route.js';
import { PlaybackSessions } from './playback/sessions/playback-sessions.js';
import { type QuotaValues, resolveQuotas } from './quotas/quota-values.js';
import { isOfAccount, StreamQuotas } from './quotas/stream-quotas.js';
import type { AccessKey } from './signature/access-key.js';
import { SignatureVerifier } from './signature/signature-verifier.js';
import type { LocalStream } from './store/local-stream.js';
import { PageTokens } from './wire/page-token.js';

/** Of two with one path the later is served. */
const operations: readonly Operation[] = [
	...unservedOperations,
	...streamOperations,
	listFragments,
	getMediaForFragmentList,
	getHlsStreamingSessionUrl,
	getDashStreamingSessionUrl,
	getClip,
	getImages,
	getDataEndpoint,
	putMedia,
	getMedia,
];

/** How {@link createArchiveServer} makes its server. */
export interface ArchiveServerOptions extends LocalArchiveOptions {
	/** Called with every request when its response is known, before any of it is sent. */
	readonly onRequest?: ((record: RequestRecord) => void) | undefined;
	/** Called with the same request again when its response has ended, completely or not. */
	readonly onResponseEnd?: ((record: ResponseRecord) => void) | undefined;
	/**
	 * Quotas of each stream that are enforced: AWS's, none, or AWS's with some replaced (`Infinity`: no limit). A request above
	 * them gets ClientLimitExceededException, a connection of GetMedia or PutMedia ConnectionLimitExceededException. @default 'off'
	 */
	readonly quotas?: 'aws' | 'off' | Partial<QuotaValues> | undefined;
	/** Faults to be made, rule by rule. @default none */
	readonly faults?: readonly FaultRule[] | undefined;
	/** Seed for random fault rules: the same seed and requests, the same faults. @default 0 */
	readonly faultSeed?: number | undefined;
	/**
	 * Keys that may call: signatures are then verified, for the `region`, and it may listen on any address. @default requests
	 * are not authenticated, and it listens on loopback only
	 */
	readonly credentials?: readonly AccessKey[] | undefined;
	/** The certificate and key of an HTTPS server. @default it speaks plain HTTP */
	readonly tls?: ServerIdentity | undefined;
	/** Limits on clients that differ from the defaults. */
	readonly limits?: Partial<ServerLimits> | undefined;
	/** The ffmpeg that GetImages decodes with, by its path or its name in the PATH. @default 'ffmpeg' */
	readonly ffmpeg?: string | undefined;
	/** Playback sessions of a stream at once; one more closes the oldest. @default Infinity, as the service has it today */
	readonly hlsSessions?: number | undefined;
	/**
	 * Operations beside the service's own. @default none
	 * @internal
	 */
	readonly operations?: readonly Operation[] | undefined;
	/** The clock of quotas, pacing, stalls and the call log. @default `performance.now()` and timers */
	readonly clock?: MonotonicClock | undefined;
}

const OPTION_NAMES: OptionNames<ArchiveServerOptions> = {
	dataDirectory: true,
	region: true,
	now: true,
	onWarning: true,
	fsync: true,
	retentionHours: true,
	randomInt: true,
	onRequest: true,
	onResponseEnd: true,
	quotas: true,
	faults: true,
	faultSeed: true,
	credentials: true,
	tls: true,
	limits: true,
	ffmpeg: true,
	hlsSessions: true,
	operations: true,
	clock: true,
};

/** A `node:http` server, or a `node:https` one, that responds as the service does, from its `archive`. */
export interface ArchiveServer extends Server {
	/** The streams it serves. */
	readonly archive: LocalArchive;
	/** Its URL, for the `endpoint` of a client. Throws `ArchiveError` (`KVS_SERVER_FAILED`) while it does not listen. */
	readonly endpoint: string;
}

/**
 * Makes a local archive server, which the AWS SDKs can talk to; `listen` is the caller's to call. Requests wait until the
 * data directory is open. `close` ends running ingests and removes a temporary data directory.
 *
 * Without `tls` it speaks plain HTTP, and without `credentials` it does not check signatures: anywhere but on loopback it then
 * closes and emits an `InvalidOptionError`. Throws one for quotas, fault rules, credentials, certificates or limits that are invalid.
 */
export function createArchiveServer(options: ArchiveServerOptions = {}): ArchiveServer {
	checkOptionNames(options, OPTION_NAMES);
	const quotaValues = resolveQuotas(options.quotas ?? 'off');
	const seed = options.faultSeed ?? 0;
	const rules = checkFaultRules(options.faults ?? []).map(
		(rule, index) => new ActiveFaultRule(rule, index, seed),
	);
	const clock = options.clock ?? processClock;
	const limits = resolveLimits(options.limits);
	const now = options.now ?? Date.now;
	const { credentials: keys, region = 'us-east-1' } = options;
	const verifier = keys === undefined ? null : new SignatureVerifier({ keys, region, now });
	const archive = new LocalArchive(options);
	const quotas = new WeakMap<LocalStream, StreamQuotas>();
	const quotasOfOthers = new StreamQuotas(quotaValues);
	const sessionsPerStream = checkSessions(options.hlsSessions ?? Number.POSITIVE_INFINITY);
	const sessions = new PlaybackSessions({ sessionsPerStream, now, quotas: quotaValues });
	const shared = {
		archive,
		tokens: new PageTokens(),
		images: new ImageMaker(),
		ffmpeg: options.ffmpeg,
		sessions,
		quotas: quotaValues,
		clock,
		now,
		randomInt: options.randomInt ?? ((exclusiveMax: number) => randomInt(exclusiveMax)),
	};
	const identity = options.tls === undefined ? null : checkIdentity(options.tls);
	const server = createLimitedServer(limits, identity);
	const respond = createResponder({
		server,
		router: new Router([
			new PlaybackRoute(new PlaybackResources(sessions, now)),
			new OperationRoute({
				operations: [...operations, ...(options.operations ?? [])],
				shared,
				verifier,
				rules,
				now,
				bodyTimeoutMs: limits.requestTimeoutMs,
			}),
		]),
		maxHeaders: limits.maxHeaders,
		isAuthenticated: verifier !== null,
		quotasOf,
		onDamage: ({ message }) => archive.warn(message),
		clock,
		now,
		onRequest: options.onRequest,
		onResponseEnd: options.onResponseEnd,
	});
	for (const event of ['request', 'checkContinue'] as const) {
		const isContinueExpected = event === 'checkContinue';
		server.on(event, (request: IncomingMessage, response: ServerResponse) => {
			// Rejects where the client disconnected, the disk failed or a fault rule says so; the connection is closed then.
			respond(request, response, { isContinueExpected }).catch(() => response.destroy());
		});
	}
	if (verifier === null) keepOnLoopback(server);
	const closed = new AbortController();
	server.once('listening', () => void expireRegularly(archive, clock, closed.signal));
	server.on('close', () => {
		closed.abort();
		archive.close();
	});
	return Object.defineProperties(server, {
		archive: { value: archive },
		endpoint: { get: () => endpointOf(server, identity === null ? 'http' : 'https') },
	}) as ArchiveServer;

	/** Requests without a stream, or with one that is unknown, share theirs: names must not fill memory. */
	function quotasOf(operation: string, name: string | null): StreamQuotas {
		const stream = isOfAccount(operation) ? undefined : archive.stream(name ?? '');
		if (stream === undefined) return quotasOfOthers;
		const found = quotas.get(stream) ?? new StreamQuotas(quotaValues);
		quotas.set(stream, found);
		return found;
	}
}

function endpointOf(server: Server, scheme: string): string {
	const address = server.address();
	if (address === null || typeof address === 'string') {
		throw new ArchiveError(
			'KVS_SERVER_FAILED',
			'the server does not listen: call `listen`, and wait for `listening`',
		);
	}
	const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
	return `${scheme}://${host}:${address.port}`;
}

function checkSessions(count: number): number {
	if (count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count >= 1)) return count;
	throw new InvalidOptionError('hlsSessions', 'a whole number of at least 1, or Infinity', count);
}
