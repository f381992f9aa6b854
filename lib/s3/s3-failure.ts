import { SinkError } from '../errors.js';

/** What is known of a failed request besides its message. */
interface S3Error extends Error {
	readonly $metadata?: { readonly httpStatusCode?: number };
	readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
	/** Of a bucket elsewhere. */
	readonly Region?: string;
	/** Of the system. */
	readonly code?: string;
}

const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'];
const DENIED = [
	'AccessDenied',
	'Forbidden',
	'InvalidAccessKeyId',
	'SignatureDoesNotMatch',
	'AllAccessDisabled',
];
const THROTTLED = ['SlowDown', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded'];
const ELSEWHERE = [
	'PermanentRedirect',
	'TemporaryRedirect',
	'AuthorizationHeaderMalformed',
	'IllegalLocationConstraintException',
];

/** Whether S3 says that the bucket, or the object, does not exist. */
export function isS3Error(error: unknown, name: string): boolean {
	return error instanceof Error && error.name === name;
}

/** The error of a request that failed, with what is to be done: `SinkError` (`KVS_STORAGE_FAILED`). */
export function s3Failure(error: unknown, tried: string, url: string): SinkError {
	const cause = error as S3Error;
	const message = `cannot ${tried} \`${url}\`: ${troubleOf(cause)}`;
	return new SinkError('KVS_STORAGE_FAILED', url, message, error, isPassing(cause));
}

/** Whether the same request may succeed later. */
function isPassing({ name, code, $metadata }: S3Error): boolean {
	const status = $metadata?.httpStatusCode;
	return (
		THROTTLED.includes(name) ||
		(status === undefined ? code !== undefined || name === 'TimeoutError' : status >= 500)
	);
}

function troubleOf(error: S3Error): string {
	const { name, message, $metadata, $response, Region, code } = error;
	const status = $metadata?.httpStatusCode;
	if (name === 'NoSuchBucket') return 'the bucket does not exist (NoSuchBucket)';
	if (name === 'CredentialsProviderError') return `no credentials were found: ${message}`;
	if (EXPIRED.includes(name)) return `the credentials have expired: get new ones (${name})`;
	const region = Region ?? $response?.headers?.['x-amz-bucket-region'];
	if (ELSEWHERE.includes(name) || status === 301) {
		const where = region === undefined ? 'another region' : `the region ${region}`;
		return `the bucket is in ${where}: name that region (${name})`;
	}
	if (DENIED.includes(name) || status === 403) {
		return `access is denied: check the credentials and their policy (${name}: ${message})`;
	}
	if (THROTTLED.includes(name) || status === 503 || status === 429) {
		return `S3 throttled the request, and retries did not help (${name})`;
	}
	if (message === 'Region is missing') return 'no region is set: name one, in AWS_REGION for instance';
	if (status === undefined) return `S3 does not respond (${code ?? name}: ${message})`;
	return `${message} (${name}, HTTP ${status})`;
}
