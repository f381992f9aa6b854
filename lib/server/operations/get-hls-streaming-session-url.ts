import { readHlsRequest } from '../playback/sessions/hls-request.js';
import { playbackPaths, resourceUri } from '../playback/sessions/resource-uri.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** GetHLSStreamingSessionURL: begins a playback session, and responds with the URL of its master playlist. */
export const getHlsStreamingSessionUrl: JsonOperation = {
	name: 'GetHLSStreamingSessionURL',
	path: '/getHLSStreamingSessionURL',
	respond(request, { archive, sessions, origin, nowMs }) {
		const requested = requestedStream(request);
		const hlsRequest = readHlsRequest(request, nowMs);
		const stream = requested.find(archive);
		return {
			kind: 'action',
			act: async () => {
				const token = await sessions.open(hlsRequest, stream);
				const uri = resourceUri('GetHLSMasterPlaylist', { SessionToken: token });
				return { kind: 'json', json: { HLSStreamingSessionURL: `${origin}${playbackPaths.hls}${uri}` } };
			},
		};
	},
};
