import type { JsonOperation } from '../operation.js';
import { requestedStream } from '../requested-stream.js';

/** DescribeStreamStorageConfiguration: the storage tier of a stream. */
export const describeStreamStorageConfiguration: JsonOperation = {
	name: 'DescribeStreamStorageConfiguration',
	path: '/describeStreamStorageConfiguration',
	respond(request, { archive }) {
		const { arn, metadata } = requestedStream(request).find(archive);
		const { name, storageTier } = metadata;
		const configuration = { DefaultStorageTier: storageTier };
		return {
			kind: 'json',
			json: { StreamARN: arn, StreamName: name, StreamStorageConfiguration: configuration },
		};
	},
};
