import { readDashRequest } from '../playback/sessions/dash-request.js';
import { readHlsRequest } from '../playback/sessions/hls-request.js';
import { playbackPaths, resourceUri } from '../playback/sessions/resource-uri.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** How an operation that begins playback sessions reads its request, and which resource its URL leads to. */
const protocols = {
	HLS: { path: playbackPaths.hls, read: readHlsRequest, resource: 'GetHLSMasterPlaylist' },
	DASH: { path: playbackPaths.dash, read: readDashRequest, resource: 'GetDASHManifest' },
} as const;

/** GetHLSStreamingSessionURL: begins a playback session, and responds with the URL of its master playlist. */
export const getHlsStreamingSessionUrl = sessionOperation('HLS');

/** GetDASHStreamingSessionURL: begins a playback session, and responds with the URL of its manifest. */
export const getDashStreamingSessionUrl = sessionOperation('DASH');

function sessionOperation(protocol: keyof typeof protocols): JsonOperation {
	const { path, read, resource } = protocols[protocol];
	const member = `${protocol}StreamingSessionURL`;
	return {
		name: `Get${member}`,
		path: `/get${member}`,
		respond(request, { archive, sessions, origin, nowMs }) {
			const requested = requestedStream(request);
			const sessionRequest = read(request, nowMs);
			const stream = requested.find(archive);
			return {
				kind: 'action',
				act: async () => {
					const token = await sessions.open(sessionRequest, stream);
					const uri = resourceUri(resource, { SessionToken: token });
					return { kind: 'json', json: { [member]: `${origin}${path}${uri}` } };
				},
			};
		},
	};
}
