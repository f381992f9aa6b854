import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import type { SignatureV4 } from '@smithy/signature-v4';
import type { DataClient } from './sdk-clients.js';

/** The scope's service, whichever API is called (endpointPrefix of the services' models). */
const SIGNING_NAME = 'kinesisvideo';

/**
 * Signs requests by hand as a client would (AWS Signature Version 4), with its region and credentials. The body's hash is not added
 * to the headers.
 */
export async function requestSigner({ config }: KinesisVideoClient | DataClient): Promise<SignatureV4> {
	const { SignatureV4 } = await import('@smithy/signature-v4');
	return new SignatureV4({
		service: SIGNING_NAME,
		region: config.region,
		credentials: config.credentials,
		sha256: config.sha256,
		applyChecksum: false,
	});
}
