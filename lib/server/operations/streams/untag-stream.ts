import type { JsonOperation } from '../operation.js';
import { streamChange } from './stream-change.js';
import { readTagKeys } from './stream-tags.js';
import { taggedStream } from './tagged-stream.js';

/** UntagStream: removes tags; keys that the stream does not have are ignored. The stream keeps its version. */
export const untagStream: JsonOperation = {
	name: 'UntagStream',
	path: '/untagStream',
	respond(request, context) {
		const requested = taggedStream(request);
		const keys = readTagKeys(request);
		return streamChange(requested.find(context.archive), context, (metadata) => ({
			tags: Object.fromEntries(Object.entries(metadata.tags).filter(([key]) => !keys.includes(key))),
		}));
	},
};
