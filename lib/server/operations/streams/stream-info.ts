import type { LocalStream } from '../../store/local-stream.js';
import { EpochSeconds, type WireValue } from '../../wire/wire-json.js';

/** The key that the service uses where none was chosen. */
const KMS_KEY_ID = 'alias/aws/kinesisvideo';

/** StreamInfo of DescribeStream and ListStreams. */
export function streamInfo({ arn, metadata }: LocalStream): WireValue {
	return {
		CreationTime: new EpochSeconds(metadata.creationMs),
		DataRetentionInHours: metadata.retentionHours,
		DeviceName: metadata.deviceName,
		// Not in the service's model, but in its responses.
		IngestionConfiguration: null,
		KmsKeyId: metadata.kmsKeyId ?? KMS_KEY_ID,
		MediaType: metadata.mediaType,
		Status: 'ACTIVE',
		StreamARN: arn,
		StreamName: metadata.name,
		Version: metadata.version,
	};
}
