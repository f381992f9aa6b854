/** Where a request goes: the control plane, the data endpoint of an API, or (unsigned) what a session's URL leads to. */
export type Target =
	| 'control'
	| 'PUT_MEDIA'
	| 'GET_MEDIA'
	| 'LIST_FRAGMENTS'
	| 'GET_MEDIA_FOR_FRAGMENT_LIST'
	| 'GET_HLS_STREAMING_SESSION_URL'
	| 'GET_DASH_STREAMING_SESSION_URL'
	| 'GET_CLIP'
	| 'GET_IMAGES'
	| 'session';

/** What is wrong with a signature on purpose. */
export type SignatureFault = 'none' | 'wrong-secret' | 'unknown-key' | 'other-region' | 'old-date';

/** JSON, in which texts such as `{stream}` stand for what differs from one archive to the next: see `Placeholders`. */
export type Template =
	| string
	| number
	| boolean
	| null
	| readonly Template[]
	| { readonly [name: string]: Template };

/** One request of a probe, as data: a record holds it, and it can be sent again to any archive. */
export interface ProbeStep {
	readonly to: Target;
	/** @default 'POST' */
	readonly method?: string;
	/** Path and query; of a `session` the URL. */
	readonly path: string;
	readonly headers?: { readonly [name: string]: string };
	/** The JSON body. */
	readonly body?: Template;
	/** The body in place of `body`, as it stands. */
	readonly text?: string;
	/** A body of PutMedia, by its name in `media-bodies.ts`. */
	readonly media?: string;
	/** @default a valid signature */
	readonly signature?: SignatureFault;
	/** What is kept of the response, for later steps: a pattern whose first group is taken, by the name it gets. */
	readonly save?: { readonly [name: string]: string };
	/** The same for URLs, which may be relative to the request's. */
	readonly saveUrl?: { readonly [name: string]: string };
	/** Reading stops once as many further chunks as that have begun: GetMedia does not end. */
	readonly chunks?: number;
}

/** Requests that settle one guess about the service. */
export interface Probe {
	readonly name: string;
	/** Its number in `guesses.ts`. */
	readonly guess: number;
	/** Whether it changes data: those run with `--write` only, on a stream of their own. */
	readonly writes?: boolean;
	readonly steps: readonly ProbeStep[];
}

/** A probe of one JSON request. */
export function jsonProbe(
	name: string,
	guess: number,
	{ to, path }: Pick<ProbeStep, 'to' | 'path'>,
	body: Template,
): Probe {
	return { name, guess, steps: [{ to, path, body }] };
}
