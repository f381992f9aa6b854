import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

const apiNames = [
	'PUT_MEDIA',
	'GET_MEDIA',
	'LIST_FRAGMENTS',
	'GET_MEDIA_FOR_FRAGMENT_LIST',
	'GET_HLS_STREAMING_SESSION_URL',
	'GET_DASH_STREAMING_SESSION_URL',
	'GET_CLIP',
	'GET_IMAGES',
] as const;

/** GetDataEndpoint: the server's own address, under the host name that the client used, for every API. */
export const getDataEndpoint: JsonOperation = {
	name: 'GetDataEndpoint',
	path: '/getDataEndpoint',
	respond(request, { archive, origin }) {
		const requested = requestedStream(request);
		request.oneOf('APIName', apiNames);
		requested.find(archive);
		return { kind: 'json', json: { DataEndpoint: origin } };
	},
};
