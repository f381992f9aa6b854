import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { peerMissing } from '../peer-missing.js';

/** The SDK's client for S3. */
export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** What a client is made of. */
export interface S3ClientSettings {
	readonly region?: string | undefined;
	readonly profile?: string | undefined;
	readonly credentials?: S3ClientConfig['credentials'] | undefined;
}

/** Attempts of each request, with the SDK's back-off: about 20 s where S3 throttles, 6 s where it does not respond. */
const ATTEMPTS = 8;

/** How long to wait for a connection, and then for bytes, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 5000;
const SOCKET_TIMEOUT_MS = 60_000;

/** Loads the package. Rejects with `ArchiveError` (`KVS_PEER_MISSING`). */
export function loadS3(): Promise<S3Sdk> {
	return import('@aws-sdk/client-s3').catch(peerMissing('@aws-sdk/client-s3'));
}

/** Makes a client, which the caller destroys. `AWS_ENDPOINT_URL_S3` is used. */
export function createS3Client(
	{ S3Client: Client }: S3Sdk,
	{ region, profile, credentials }: S3ClientSettings,
): S3Client {
	const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
	return new Client({
		...(region !== undefined && { region }),
		...(profile !== undefined && { profile }),
		...(credentials !== undefined && { credentials }),
		maxAttempts: ATTEMPTS,
		followRegionRedirects: true,
		// What is not AWS seldom has a name for each bucket.
		forcePathStyle: Boolean(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL),
		requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
	});
}
