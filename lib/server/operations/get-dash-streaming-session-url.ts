import { readDashRequest } from '../playback/sessions/dash-request.js';
import { playbackPaths, resourceUri } from '../playback/sessions/resource-uri.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** GetDASHStreamingSessionURL: begins a playback session, and responds with the URL of its manifest. */
export const getDashStreamingSessionUrl: JsonOperation = {
	name: 'GetDASHStreamingSessionURL',
	path: '/getDASHStreamingSessionURL',
	respond(request, { archive, sessions, origin, nowMs }) {
		const requested = requestedStream(request);
		const dashRequest = readDashRequest(request, nowMs);
		const stream = requested.find(archive);
		return {
			kind: 'action',
			act: async () => {
				const token = await sessions.open(dashRequest, stream);
				const uri = resourceUri('GetDASHManifest', { SessionToken: token });
				return { kind: 'json', json: { DASHStreamingSessionURL: `${origin}${playbackPaths.dash}${uri}` } };
			},
		};
	},
};
