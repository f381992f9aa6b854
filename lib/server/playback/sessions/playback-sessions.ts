import type { QuotaValues } from '../../quotas/quota-values.js';
import { SessionQuotas } from '../../quotas/session-quotas.js';
import type { LocalStream } from '../../store/local-stream.js';
import { requireRetention, resourceNotFound, ServiceError } from '../../wire/service-error.js';
import type { PlaybackProtocol } from '../packaging/playback-tracks.js';
import { TrackReader } from '../packaging/track-reader.js';
import { PlaybackSession } from './playback-session.js';
import type { SessionRequest } from './session-request.js';
import { SessionTokens } from './session-token.js';

/** Sessions at once, of all streams together; the service has no such limit, memory has. The oldest is closed. */
const MAX_SESSIONS = 10_000;

/** How {@link PlaybackSessions} keeps sessions. */
export interface PlaybackSessionsOptions {
	/** Sessions of a stream at once: one more closes the oldest. `Infinity` as the service has it today. */
	readonly sessionsPerStream: number;
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	/** The quotas of each session. */
	readonly quotas: QuotaValues;
}

/** The playback sessions of an archive, by their tokens. They live in memory: a token of another process is invalid. */
export class PlaybackSessions {
	readonly #options: PlaybackSessionsOptions;
	readonly #tokens = new SessionTokens();
	readonly #reader = new TrackReader();
	/** By id, the oldest first. */
	readonly #sessions = new Map<string, PlaybackSession>();
	readonly #quotas = new WeakMap<PlaybackSession, SessionQuotas>();

	constructor(options: PlaybackSessionsOptions) {
		this.#options = options;
	}

	/** Begins a session and returns its token. Throws `NoDataRetentionException`, and as `PlaybackSession.open`. */
	async open(request: SessionRequest, stream: LocalStream): Promise<string> {
		requireRetention(stream.metadata);
		const session = await PlaybackSession.open(request, stream, this.#options.now(), this.#reader);
		this.#makeRoom(stream);
		const { token, id } = this.#tokens.make();
		this.#sessions.set(id, session);
		return token;
	}

	/**
	 * The session of a token. Throws `AccessDeniedException` (403) for one that is forged, expired, closed or of the other protocol, and
	 * `ResourceNotFoundException` where its stream was deleted.
	 */
	find(token: string, protocol: PlaybackProtocol): PlaybackSession {
		const id = this.#tokens.read(token);
		const session = id === null ? undefined : this.#sessions.get(id);
		if (id === null || (session !== undefined && session.request.protocol !== protocol)) {
			throw new ServiceError('AccessDeniedException', 403, 'Streaming session token is invalid');
		}
		if (session === undefined || session.expiresMs <= this.#options.now()) {
			this.#sessions.delete(id);
			throw new ServiceError('AccessDeniedException', 403, 'Streaming session token is expired');
		}
		if (session.stream.ended.aborted) {
			this.#sessions.delete(id);
			throw resourceNotFound();
		}
		return session;
	}

	/** What a session has left of its quotas. */
	quotasOf(session: PlaybackSession): SessionQuotas {
		const known = this.#quotas.get(session);
		if (known !== undefined) return known;
		const quotas = new SessionQuotas(this.#options.quotas);
		this.#quotas.set(session, quotas);
		return quotas;
	}

	#makeRoom(stream: LocalStream): void {
		const nowMs = this.#options.now();
		const ids: string[] = [];
		for (const [id, session] of this.#sessions) {
			if (session.expiresMs <= nowMs) this.#sessions.delete(id);
			else if (session.stream === stream) ids.push(id);
		}
		const tooMany = ids.length + 1 - this.#options.sessionsPerStream;
		for (const id of ids.slice(0, Math.max(0, tooMany))) this.#sessions.delete(id);
		const [oldest] = this.#sessions.keys();
		if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
	}
}
