import { invalidMember, invalidResponse, isRetryableRequest } from '../aws/aws-errors.js';
import { isHttpUrl } from '../aws/client-settings.js';
import type { ServiceContext } from '../aws/service-context.js';
import { retry } from '../pace/retry.js';
import { type DashSessionOptions, toDashSessionRequest } from './dash-session-options.js';
import { type HlsSessionOptions, toHlsSessionRequest } from './hls-session-options.js';

/** What a session is requested with, besides its options. */
export interface SessionContext extends Pick<ServiceContext, 'client' | 'clock'> {
	readonly signal?: AbortSignal | undefined;
}

/**
 * A playback session: a URL that plays, without credentials, until it expires. It is meant for one player, and is a secret.
 */
export class PlaybackSession<Options> {
	/** The master playlist of an HLS session; the manifest of a DASH session. */
	readonly url: string;
	/** From then on all that the URL leads to is refused (403): counted from when the request was sent, so never too late. */
	readonly expiresAt: Date;
	/** What it was requested with. */
	readonly options: Options;
	readonly #open: (signal: AbortSignal | undefined) => Promise<PlaybackSession<Options>>;

	/** @internal {@link openHlsSession} and {@link openDashSession} make them. */
	constructor(
		{ url, expiresAt, options }: Pick<PlaybackSession<Options>, 'url' | 'expiresAt' | 'options'>,
		open: (signal: AbortSignal | undefined) => Promise<PlaybackSession<Options>>,
	) {
		this.url = url;
		this.expiresAt = expiresAt;
		this.options = options;
		this.#open = open;
	}

	/**
	 * Requests another session of the same options, with a URL and an end of its own; this one stays as it is. A player must
	 * be given the new URL. Errors as for `hlsSession` and `dashSession`.
	 */
	renew({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<PlaybackSession<Options>> {
		return this.#open(signal);
	}
}

/** An HLS session. */
export type HlsSession = PlaybackSession<HlsSessionOptions>;

/** A DASH session. */
export type DashSession = PlaybackSession<DashSessionOptions>;

/** Checks the options and requests an HLS session; retries where that may help. */
export async function openHlsSession(
	options: HlsSessionOptions,
	context: SessionContext,
): Promise<HlsSession> {
	const request = toHlsSessionRequest(options, context.clock.now());
	const opened = await open('HLSStreamingSessionURL', request, context);
	return new PlaybackSession({ ...opened, options: { ...options } }, (signal) =>
		openHlsSession(options, { ...context, signal }),
	);
}

/** The same for a DASH session. */
export async function openDashSession(
	options: DashSessionOptions,
	context: SessionContext,
): Promise<DashSession> {
	const request = toDashSessionRequest(options, context.clock.now());
	const opened = await open('DASHStreamingSessionURL', request, context);
	return new PlaybackSession({ ...opened, options: { ...options } }, (signal) =>
		openDashSession(options, { ...context, signal }),
	);
}

/** `member`: that of the response which is the URL; the operation is named after it. */
async function open(
	member: 'HLSStreamingSessionURL' | 'DASHStreamingSessionURL',
	request: { readonly Expires: number },
	{ client, clock, signal }: SessionContext,
): Promise<{ url: string; expiresAt: Date }> {
	const operation = `Get${member}` as const;
	let askedAtMs = 0;
	const onSend = (): void => {
		askedAtMs = clock.now();
	};
	const response: { readonly [name in typeof member]?: unknown } = await retry(
		() => client.send(operation, request, { signal, onSend }),
		{ isRetryable: isRetryableRequest, signal, clock },
	);
	const url = response[member];
	if (typeof url !== 'string' || !isHttpUrl(url)) {
		throw invalidResponse(operation, client.stream, invalidMember(member, 'an http or https URL', url));
	}
	return { url, expiresAt: new Date(askedAtMs + request.Expires * 1000) };
}
