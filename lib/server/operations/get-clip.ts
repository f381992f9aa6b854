import { clipBody } from '../clip/clip-body.js';
import { clipHead } from '../clip/clip-index.js';
import { clipFragments, readClipRange } from '../clip/clip-request.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** GetClip: the fragments of a range as one MP4 file, which is made while it is sent. */
export const getClip: JsonOperation = {
	name: 'GetClip',
	path: '/getClip',
	respond(request, { archive, nowMs, signal }) {
		const requested = requestedStream(request);
		const range = readClipRange(request, nowMs);
		const fragments = clipFragments(requested.find(archive), range, nowMs);
		const { length: count } = fragments;
		return {
			kind: 'action',
			cost: { fragmentsAsked: count, metadataPoints: count },
			act: async () => {
				const head = await clipHead(fragments, signal);
				const body = (): AsyncIterable<Uint8Array> => clipBody(head, fragments);
				return { kind: 'stream', contentType: 'video/mp4', fragments: count, body };
			},
		};
	},
};
