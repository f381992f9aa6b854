import type { APIName } from '@aws-sdk/client-kinesis-video';
import { InvalidOptionError } from '../errors.js';
import { unlessAborted } from '../stream/abort.js';
import { isHttpUrl } from './client-settings.js';

/** Where the SDKs look for the endpoint of a service's data; then no data endpoint is asked for. */
const ARCHIVED_MEDIA_VARIABLE = 'AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA';
const MEDIA_VARIABLE = 'AWS_ENDPOINT_URL_KINESIS_VIDEO_MEDIA';

/** The APIs of the service for live media; all others are of that for archived media. */
const liveApis: ReadonlySet<APIName> = new Set(['PUT_MEDIA', 'GET_MEDIA']);

/** The data endpoints of a stream, each asked for once and kept until it is forgotten. */
export class DataEndpoints<Options> {
	readonly #ask: (apiName: APIName, options: Options) => Promise<string>;
	readonly #asked = new Map<APIName, Promise<string>>();

	/** @param ask - asks the service for one */
	constructor(ask: (apiName: APIName, options: Options) => Promise<string>) {
		this.#ask = ask;
	}

	/**
	 * The endpoint of an API: the environment's, else the service's. Rejects as `ask`, with the signal's reason, and with
	 * {@link InvalidOptionError} for a variable that is not a URL.
	 */
	get(apiName: APIName, options: Options, signal: AbortSignal): Promise<string> {
		const variable = liveApis.has(apiName) ? MEDIA_VARIABLE : ARCHIVED_MEDIA_VARIABLE;
		const fixed = process.env[variable];
		if (fixed) {
			if (isHttpUrl(fixed)) return Promise.resolve(fixed);
			return Promise.reject(new InvalidOptionError(variable, 'an http or https URL', fixed));
		}
		let asked = this.#asked.get(apiName);
		if (asked === undefined) {
			// The response is for every caller that waits for it: the abort of one must not take it from the others.
			asked = this.#ask(apiName, options);
			this.#asked.set(apiName, asked);
			asked.catch(() => this.forget(apiName));
		}
		return unlessAborted(asked, signal);
	}

	/** Has the endpoint of an API asked for anew: it may move (API_GetDataEndpoint). */
	forget(apiName: APIName): void {
		this.#asked.delete(apiName);
	}

	/** Forgets all of them. */
	clear(): void {
		this.#asked.clear();
	}
}
