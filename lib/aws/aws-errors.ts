import { InvalidOptionError, RequestError, type RequestErrorDetails } from '../errors.js';

const throttles = new Set([
	'ClientLimitExceededException',
	'ConnectionLimitExceededException',
	'LimitExceededException',
	'ThrottlingException',
	'TooManyRequestsException',
]);

const denials = new Set([
	'NotAuthorizedException',
	'AccessDeniedException',
	'CredentialsProviderError',
	'ExpiredTokenException',
	'IncompleteSignature',
	'IncompleteSignatureException',
	'InvalidClientTokenId',
	'InvalidSignatureException',
	'MissingAuthenticationToken',
	'RequestExpired',
	'SignatureDoesNotMatch',
	'UnrecognizedClientException',
]);

/** What an SDK error may carry; none of it is certain. */
interface SdkError {
	readonly name?: string;
	readonly message?: string;
	readonly code?: string;
	readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
	readonly cause?: unknown;
	readonly errors?: readonly unknown[];
}

/** Where a call went. */
export interface CallTarget {
	readonly operation: string;
	readonly stream: string;
	/** Undefined where the SDK's own endpoint for the region was asked. */
	readonly endpoint: string | undefined;
}

/** Wraps an error of the SDK, once, into what callers of this package see. */
export function toRequestError(error: unknown, { operation, stream, endpoint }: CallTarget): Error {
	const sdkError = error as SdkError;
	const { name = 'Error' } = sdkError;
	if (/region is missing/i.test(sdkError.message ?? '')) {
		return new InvalidOptionError('region', 'given, or found in AWS_REGION or the profile', undefined);
	}
	const statusCode = sdkError.$metadata?.httpStatusCode;
	const awsName = statusCode === undefined ? (systemCode(sdkError) ?? name) : name;
	const details: RequestErrorDetails & { cause: unknown } = {
		operation,
		stream,
		awsName,
		statusCode,
		requestId: sdkError.$metadata?.requestId,
		cause: error,
	};
	const said = (sdkError.message || awsName).replace(/\s+/g, ' ');
	const call = `${operation} for stream \`${stream}\``;
	const where = endpoint === undefined ? '' : ` at ${printable(endpoint)}`;
	const because = `${awsName}${said === awsName ? '' : `: ${said}`}`;

	if (name === 'ResourceNotFoundException') {
		// A session without anything to play is answered so too.
		const lacking = /no fragments found/i.test(said) ? 'nothing there' : 'no such stream';
		return new RequestError('KVS_NOT_FOUND', `${call}${where}: ${lacking} (${because})`, {
			...details,
			retryable: false,
		});
	}
	if (throttles.has(name)) {
		return new RequestError('KVS_THROTTLED', `${call} was throttled (${because})`, {
			...details,
			retryable: true,
		});
	}
	if (denials.has(name) || statusCode === 401 || statusCode === 403) {
		return new RequestError('KVS_DENIED', `${call}${where} was refused (${because})`, {
			...details,
			retryable: false,
		});
	}
	if (statusCode === undefined && isNetworkError(sdkError)) {
		return new RequestError(
			'KVS_UNREACHABLE',
			`${call}: no answer from ${endpoint === undefined ? 'the service' : printable(endpoint)} (${because})`,
			{
				...details,
				retryable: true,
			},
		);
	}
	const status = statusCode === undefined ? '' : ` with ${statusCode}`;
	return new RequestError('KVS_REQUEST_FAILED', `${call}${where} failed${status} (${because})`, {
		...details,
		// A good status whose body could not be read was cut off on its way.
		retryable: statusCode !== undefined && (statusCode >= 500 || statusCode < 300),
	});
}

/**
 * The error of an answer that the service never gives: well-formed, and of no use. `said` ends the message; `retryable`
 * where its body may have been lost on the way.
 */
export function invalidResponse(
	operation: string,
	stream: string,
	said: string,
	{ retryable = false } = {},
): RequestError {
	return new RequestError('KVS_REQUEST_FAILED', `${operation} for stream \`${stream}\` ${said}`, {
		operation,
		stream,
		awsName: 'InvalidResponse',
		statusCode: 200,
		requestId: undefined,
		cause: undefined,
		retryable,
	});
}

/** Whether a call that failed so may succeed when it is made again. */
export function isRetryableRequest(error: unknown): boolean {
	return error instanceof RequestError && error.retryable;
}

function isNetworkError(error: SdkError): boolean {
	return systemCode(error) !== undefined || error.name === 'TimeoutError';
}

/** `ECONNREFUSED` and the like, wherever Node has put it: on the error, its cause, or the errors of all addresses tried. */
function systemCode(error: SdkError | undefined): string | undefined {
	if (error === undefined || error === null) return undefined;
	if (typeof error.code === 'string' && /^(E[A-Z]+|EAI_[A-Z]+|ERR_.+|UND_ERR.+)$/.test(error.code))
		return error.code;
	return (
		systemCode(error.errors?.[0] as SdkError | undefined) ?? systemCode(error.cause as SdkError | undefined)
	);
}

/** An endpoint without what may be secret in it. */
function printable(endpoint: string): string {
	return URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint;
}
