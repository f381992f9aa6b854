import { liveChunks } from '../live/live-chunks.js';
import { readStartSelector, startPlace } from '../live/start-place.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/** GetMedia: the chunks of a stream from a place on, and those that are yet to come. */
export const getMedia: JsonOperation = {
	name: 'GetMedia',
	path: '/getMedia',
	respond(request, { archive, clock, now, nowMs, signal }) {
		const requested = requestedStream(request);
		const selector = readStartSelector(request.requiredObject('StartSelector'));
		const stream = requested.find(archive);
		const start = startPlace(selector, stream, nowMs);
		const onDamage = (message: string): void => archive.warn(message);
		const body = (): AsyncIterable<Uint8Array> => liveChunks({ stream, start, clock, now, signal, onDamage });
		return { kind: 'stream', contentType: 'video/webm', body };
	},
};
