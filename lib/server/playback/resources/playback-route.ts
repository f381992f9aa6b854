import type { IncomingMessage } from 'node:http';
import type { Route, RouteContext, RoutedRequest, ValidRequest } from '../../http/router.js';
import type { PlaybackResources } from './playback-resources.js';
import { crossOriginHeaders, findResource, isPlaybackPath } from './requested-resource.js';

/** The route of playlists, manifests and media of playback sessions. The token in the URL authorizes a request, not a signature. */
export class PlaybackRoute implements Route {
	/** A page of another origin may read why a request failed. */
	readonly errorHeaders = crossOriginHeaders;
	readonly #playback: PlaybackResources;

	constructor(playback: PlaybackResources) {
		this.#playback = playback;
	}

	/** As {@link Route} says. */
	owns(url: string): boolean {
		return isPlaybackPath(url);
	}

	/** As {@link Route} says. */
	route(request: IncomingMessage): RoutedRequest {
		const resource = findResource(request);
		return {
			name: resource.name,
			validate: async ({ arrivedAtMs, onStream }: RouteContext): Promise<ValidRequest> => {
				const { stream, cost, reply } = this.#playback.admit(resource, arrivedAtMs);
				onStream(stream);
				return { cost, reply };
			},
		};
	}
}
