import type { IncomingMessage } from 'node:http';
import type { Expectation } from './expectation.js';
import type { IncomingBody } from './incoming-body.js';
import type { Reply } from './reply.js';

/** What a request costs its stream, in points. */
export interface RouteCost {
	/** Fragment-media points: fragments, or images, requested. */
	readonly fragmentsAsked: number;
	readonly metadataPoints: number;
}

/** What a route may use of a request's arrival. */
export interface RouteContext {
	/** The server's own address, as this client knows it: `http://127.0.0.1:8080`. */
	readonly origin: string;
	/** On the monotonic clock, milliseconds. */
	readonly arrivedAtMs: number;
	/** The request's body, for one reader. */
	readonly incomingBody: IncomingBody;
	/** What the client waits for before it sends the body; to be fulfilled before it is read. */
	readonly expectation: Expectation;
	/** Aborted when the response has ended, on either side. */
	readonly signal: AbortSignal;
	/** To be called with the request's stream as soon as it is known, for the call log. */
	readonly onStream: (stream: string | null) => void;
}

/** A valid request, before its stream's quotas admit it. */
export interface ValidRequest {
	readonly cost: RouteCost;
	/** The reply; called after the quotas admitted the request. Rejects with `ServiceError`. */
	readonly reply: () => Promise<Reply>;
}

/** A request with a route. */
export interface RoutedRequest {
	/** The service's name for it, in the call log and in fault rules. */
	readonly name: string;
	/** Validates the whole request before anything is looked up. Rejects with `ServiceError`. */
	readonly validate: (context: RouteContext) => Promise<ValidRequest>;
}

/** One kind of request that the server serves: operations of the API, resources of playback, pages. */
export interface Route {
	/** Whether requests for that target (path and query) are this route's. */
	owns(url: string): boolean;
	/** Headers of its error responses. */
	readonly errorHeaders: Readonly<Record<string, string>>;
	/** Takes a request by method and target alone. Throws `ServiceError` for one that it does not serve. */
	route(request: IncomingMessage): RoutedRequest;
}

/** Finds the route of a request: the first that owns its target. The last one owns every target. */
export class Router {
	readonly #routes: readonly Route[];

	constructor(routes: readonly [...Route[], Route]) {
		this.#routes = routes;
	}

	/** The route of a request. */
	find({ url = '' }: IncomingMessage): Route {
		return this.#routes.find((route) => route.owns(url)) ?? (this.#routes.at(-1) as Route);
	}
}
