import type { JsonOperation } from '../operation.js';
import { requestedStream } from '../requested-stream.js';
import { streamInfo } from './stream-info.js';

/** DescribeStream: what the archive knows about one stream. */
export const describeStream: JsonOperation = {
	name: 'DescribeStream',
	path: '/describeStream',
	respond(request, { archive }) {
		return { kind: 'json', json: { StreamInfo: streamInfo(requestedStream(request).find(archive)) } };
	},
};
