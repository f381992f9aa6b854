import { InvalidOptionError } from '../../../errors.js';
import { invalidArgument, resourceInUse } from '../../wire/service-error.js';
import { STREAM_NAME } from '../../wire/stream-name.js';
import type { JsonOperation } from '../operation.js';
import { DEVICE_NAME, KMS_KEY_ID, MEDIA_TYPE, RETENTION_HOURS, STORAGE_TIERS } from './stream-members.js';
import { readTags } from './stream-tags.js';
import { newVersion } from './stream-version.js';

/** CreateStream: a stream that is active at once, and keeps nothing unless it is said. */
export const createStream: JsonOperation = {
	name: 'CreateStream',
	path: '/createStream',
	respond(request, { archive, randomInt }) {
		const name = request.requiredString('StreamName', STREAM_NAME);
		const deviceName = request.string('DeviceName', DEVICE_NAME) ?? null;
		const mediaType = request.string('MediaType', MEDIA_TYPE) ?? null;
		const kmsKeyId = request.string('KmsKeyId', KMS_KEY_ID) ?? null;
		const retentionHours = request.integer('DataRetentionInHours', RETENTION_HOURS) ?? 0;
		const tags = readTags(request) ?? {};
		const storage = request.object('StreamStorageConfiguration');
		const storageTier = storage?.oneOf('DefaultStorageTier', STORAGE_TIERS) ?? 'HOT';
		const version = newVersion(randomInt);
		const metadata = { name, deviceName, mediaType, kmsKeyId, retentionHours, tags, storageTier, version };
		return {
			kind: 'action',
			act: async () => {
				if (archive.stream(name) !== undefined) throw resourceInUse(name);
				const stream = await archive.createStream(metadata).catch((error: unknown) => {
					// Names that a directory cannot have, of which the service has none.
					throw error instanceof InvalidOptionError ? invalidArgument(error.message) : error;
				});
				return { kind: 'json', json: { StreamARN: stream.arn } };
			},
		};
	},
};
