import { invalidMember, invalidResponse, isRetryableRequest } from '../aws/aws-errors.js';
import { isHttpUrl } from '../aws/client-settings.js';
import type { ServiceContext } from '../aws/service-context.js';
import { retry } from '../pace/retry.js';
import { type HlsSessionOptions, toHlsSessionRequest } from './hls-session-options.js';

const OPERATION = 'GetHLSStreamingSessionURL';

/** What {@link openHlsSession} needs besides the session's options. */
export interface HlsSessionContext extends Pick<ServiceContext, 'client' | 'clock'> {
	readonly signal?: AbortSignal | undefined;
}

/**
 * A playback session: a URL that plays, without credentials, until it expires. It is meant for one player, and is a secret.
 */
export class HlsSession {
	/** The master playlist. */
	readonly url: string;
	/** From then on all that the URL leads to is refused (403): counted from when it was asked for, so not a moment late. */
	readonly expiresAt: Date;
	/** What it was asked for with. */
	readonly options: HlsSessionOptions;
	readonly #context: HlsSessionContext;

	/** @internal {@link openHlsSession} makes them. */
	constructor(url: string, expiresAt: Date, options: HlsSessionOptions, context: HlsSessionContext) {
		this.url = url;
		this.expiresAt = expiresAt;
		this.options = options;
		this.#context = context;
	}

	/**
	 * Asks for another session of the same options, with a URL and an end of its own; this one stays as it is. A player must
	 * be given the new URL. Errors as of `hlsSession`.
	 */
	renew({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<HlsSession> {
		return openHlsSession(this.options, { ...this.#context, signal });
	}
}

/** Checks the options, asks the service for a session, and again where that may help. */
export async function openHlsSession(
	options: HlsSessionOptions,
	context: HlsSessionContext,
): Promise<HlsSession> {
	const { client, clock, signal } = context;
	const request = toHlsSessionRequest(options, clock.now());
	let askedAtMs = 0;
	const onSend = (): void => {
		askedAtMs = clock.now();
	};
	const response = await retry(() => client.send(OPERATION, request, { signal, onSend }), {
		isRetryable: isRetryableRequest,
		signal,
		clock,
	});
	const { HLSStreamingSessionURL: url } = response;
	if (typeof url !== 'string' || !isHttpUrl(url)) {
		const said = invalidMember('HLSStreamingSessionURL', 'an http or https URL', url);
		throw invalidResponse(OPERATION, client.stream, said);
	}
	return new HlsSession(url, new Date(askedAtMs + request.Expires * 1000), { ...options }, context);
}
