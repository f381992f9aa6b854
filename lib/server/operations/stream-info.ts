import { type LocalStream, RETENTION_HOURS } from '../store/local-stream.js';
import { EpochSeconds, type WireValue } from '../wire/wire-json.js';

/** The key that the service uses where none was chosen. */
const KMS_KEY_ID = 'alias/aws/kinesisvideo';

/** Streams of the local archive are never updated, so each has its first version, spelt like the service's. */
const VERSION = 'LocalArchive0000000v';

/** StreamInfo of DescribeStream and ListStreams. */
export function streamInfo({ arn, metadata }: LocalStream): WireValue {
	return {
		CreationTime: new EpochSeconds(metadata.creationMs),
		DataRetentionInHours: RETENTION_HOURS,
		KmsKeyId: KMS_KEY_ID,
		MediaType: metadata.mediaType,
		Status: 'ACTIVE',
		StreamARN: arn,
		StreamName: metadata.name,
		Version: VERSION,
	};
}
