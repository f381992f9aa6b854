import type { Operation } from '../operation.js';
import { createStream } from './create-stream.js';
import { deleteStream } from './delete-stream.js';
import { describeStream } from './describe-stream.js';
import { describeStreamStorageConfiguration } from './describe-stream-storage-configuration.js';
import { listStreams } from './list-streams.js';
import { listTagsForStream } from './list-tags-for-stream.js';
import { tagStream } from './tag-stream.js';
import { untagStream } from './untag-stream.js';
import { updateDataRetention } from './update-data-retention.js';
import { updateStream } from './update-stream.js';
import { updateStreamStorageConfiguration } from './update-stream-storage-configuration.js';

/** The operations that make, change, describe and remove streams. */
export const streamOperations: readonly Operation[] = [
	createStream,
	deleteStream,
	describeStream,
	describeStreamStorageConfiguration,
	listStreams,
	listTagsForStream,
	tagStream,
	untagStream,
	updateDataRetention,
	updateStream,
	updateStreamStorageConfiguration,
];
