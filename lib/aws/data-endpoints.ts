import type { APIName } from '@aws-sdk/client-kinesis-video';
import { InvalidOptionError } from '../errors.js';
import { unlessAborted } from '../stream/abort.js';
import { isHttpUrl } from './client-settings.js';

/** Where the SDKs look for the endpoint of a service's data; then no data endpoint is requested. */
const ARCHIVED_MEDIA_VARIABLE = 'AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA';
const MEDIA_VARIABLE = 'AWS_ENDPOINT_URL_KINESIS_VIDEO_MEDIA';

/** The APIs of the service for live media; all others are of that for archived media. */
const liveApis: ReadonlySet<APIName> = new Set(['PUT_MEDIA', 'GET_MEDIA']);

/** The data endpoints of a stream, each requested once and kept until it is forgotten. */
export class DataEndpoints<Options> {
	readonly #ask: (apiName: APIName, options: Options) => Promise<string>;
	readonly #asked = new Map<APIName, Promise<string>>();
	readonly #known = new Map<APIName, string>();

	/** @param ask - requests one of the service */
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
			const asking = this.#ask(apiName, options);
			asked = asking;
			this.#asked.set(apiName, asking);
			asking.then(
				(endpoint) => {
					if (this.#asked.get(apiName) === asking) this.#known.set(apiName, endpoint);
				},
				() => this.forget(apiName),
			);
		}
		return unlessAborted(asked, signal);
	}

	/** Has the endpoint of an API requested anew: it may move (API_GetDataEndpoint). */
	forget(apiName: APIName): void {
		this.#asked.delete(apiName);
		this.#known.delete(apiName);
	}

	/** Those that are known now. */
	get known(): ReadonlyMap<APIName, string> {
		return new Map(this.#known);
	}

	/** Takes over what was requested elsewhere, until it is forgotten. */
	use(known: ReadonlyMap<APIName, string>): void {
		for (const [apiName, endpoint] of known) {
			this.#known.set(apiName, endpoint);
			this.#asked.set(apiName, Promise.resolve(endpoint));
		}
	}

	/** Forgets all of them. */
	clear(): void {
		this.#asked.clear();
		this.#known.clear();
	}
}
