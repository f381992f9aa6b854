import { invalidArgument } from '../../wire/service-error.js';
import type { JsonOperation } from '../operation.js';
import { streamChange } from './stream-change.js';
import { addTags, readTags } from './stream-tags.js';
import { taggedStream } from './tagged-stream.js';

/** TagStream: adds tags, and replaces the values of those that are there. The stream keeps its version. */
export const tagStream: JsonOperation = {
	name: 'TagStream',
	path: '/tagStream',
	respond(request, context) {
		const requested = taggedStream(request);
		const tags = readTags(request);
		if (tags === undefined) throw invalidArgument('expected Tags to be a map, got nothing');
		return streamChange(requested.find(context.archive), context, (metadata) => ({
			tags: addTags(metadata.tags, tags),
		}));
	},
};
