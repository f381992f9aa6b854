import { invalidArgument } from '../../wire/service-error.js';
import type { JsonOperation } from '../operation.js';
import { NEXT_TOKEN } from './stream-members.js';
import { taggedStream } from './tagged-stream.js';

/** ListTagsForStream: all tags of a stream, which fit into one page. */
export const listTagsForStream: JsonOperation = {
	name: 'ListTagsForStream',
	path: '/listTagsForStream',
	respond(request, { archive }) {
		const requested = taggedStream(request);
		if (request.string('NextToken', NEXT_TOKEN)) {
			throw invalidArgument(
				'expected NextToken to be one this server gave out, and it gives out none for tags',
			);
		}
		return { kind: 'json', json: { NextToken: null, Tags: requested.find(archive).metadata.tags } };
	},
};
