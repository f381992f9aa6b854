import { inspect } from 'node:util';
import { ArchiveError, InvalidOptionError, RequestError, type RequestErrorDetails } from '../errors.js';
import {
	NETWORK_ADVICE,
	permissionAdvice,
	QUOTA_ADVICE,
	SESSION_ADVICE,
	STREAM_ADVICE,
} from '../wording/advice.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { findInvalidTime, INVALID_BODY } from './json-body.js';

const throttles = new Set([
	'ClientLimitExceededException',
	'ConnectionLimitExceededException',
	'LimitExceededException',
	'RequestLimitExceeded',
	'SlowDown',
	'Throttling',
	'ThrottlingException',
	'TooManyRequestsException',
]);

/** Too Many Requests (RFC 6585): of a proxy too, whatever its body says. */
const THROTTLED_STATUS = 429;

/** How much of a message of the service is repeated. */
const MAX_SAID_LENGTH = 500;

/** How much of a member of a response is shown. */
const SHOWN = { depth: 1, maxArrayLength: 3, maxStringLength: 100, breakLength: Number.POSITIVE_INFINITY };

const denials = new Set([
	'NotAuthorizedException',
	'AccessDeniedException',
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
	/** Undefined where it was the SDK's own endpoint for the region. */
	readonly endpoint: string | undefined;
	/** Whose credentials it was made with; undefined where no profile is named. */
	readonly profile: string | undefined;
}

/** Wraps an error of the SDK, once, into what callers of this package see. */
export function toRequestError(error: unknown, { operation, stream, endpoint, profile }: CallTarget): Error {
	if (error instanceof RequestError) return error;
	const sdkError = error as SdkError;
	const { name = 'Error' } = sdkError;
	if (/region is missing/i.test(sdkError.message ?? '')) {
		return new InvalidOptionError('region', 'given, or found in AWS_REGION or the profile');
	}
	const statusCode = sdkError.$metadata?.httpStatusCode;
	const isGood = statusCode !== undefined && statusCode < 300;
	const time = isGood ? findInvalidTime(error) : null;
	if (time !== null) {
		const said = invalidMember(time.member, 'a number of seconds', time.value);
		return invalidResponse(operation, stream, said, { cause: error });
	}
	const awsName = statusCode === undefined ? (systemCode(sdkError) ?? name) : name;
	const details: RequestErrorDetails & { cause: unknown } = {
		operation,
		stream,
		awsName,
		statusCode,
		requestId: sdkError.$metadata?.requestId,
		cause: error,
	};
	const said = shorten(sdkError.message || awsName);
	const call = `${operation} for stream \`${stream}\``;
	const where = endpoint === undefined ? '' : ` at ${originOf(endpoint)}`;
	const because = `${awsName}${said === awsName ? '' : `: ${said}`}`;

	if (name === 'ResourceNotFoundException') {
		// A session without anything to play has the same response.
		const [lacking, advice] = /no fragments found/i.test(said)
			? ['no fragments found', SESSION_ADVICE]
			: ['no such stream', STREAM_ADVICE];
		return new RequestError('KVS_NOT_FOUND', `${call}${where}: ${lacking} (${because}); ${advice}`, {
			...details,
			retryable: false,
		});
	}
	if (throttles.has(name) || statusCode === THROTTLED_STATUS) {
		return new RequestError('KVS_THROTTLED', `${call} was throttled (${because}); ${QUOTA_ADVICE}`, {
			...details,
			retryable: true,
		});
	}
	if (name === 'CredentialsProviderError') {
		const move = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has credentials';
		const place = profile === undefined ? '' : ` of the profile \`${profile}\``;
		return new RequestError('KVS_DENIED', `${call}: no credentials${place} were found (${said}); ${move}`, {
			...details,
			retryable: false,
		});
	}
	if (denials.has(name) || statusCode === 401 || statusCode === 403) {
		const advice = permissionAdvice(operation);
		return new RequestError('KVS_DENIED', `${call}${where} was refused (${because}); ${advice}`, {
			...details,
			retryable: false,
		});
	}
	if (statusCode === undefined && isNetworkError(sdkError)) {
		const from = endpoint === undefined ? 'the service' : originOf(endpoint);
		// The system's message has its code in it, which is said once.
		const reason = said.includes(awsName) ? systemTrouble({ code: awsName, message: said }) : because;
		return new RequestError(
			'KVS_UNREACHABLE',
			`${call}: no response from ${from}: ${reason}; ${NETWORK_ADVICE}`,
			{
				...details,
				retryable: true,
			},
		);
	}
	const status = statusCode === undefined ? '' : ` with ${statusCode}`;
	// The data endpoint has moved, and is requested anew before the retry (API_dataplane_GetMedia).
	const hasMoved = name === 'InvalidEndpointException';
	// A good status whose body could not be read was cut off on its way, unless it came and is of no use.
	const isCutOff = isGood && ![INVALID_BODY, 'RangeError', 'TypeError'].includes(name);
	return new RequestError('KVS_REQUEST_FAILED', `${call}${where} failed${status} (${because})`, {
		...details,
		retryable: isCutOff || hasMoved || (statusCode !== undefined && statusCode >= 500),
	});
}

/** What {@link invalidResponse} says of a member that is not what it should be. */
export function invalidMember(member: string, expected: string, value: unknown): string {
	const got = value === undefined ? 'nothing' : inspect(value, SHOWN);
	return `returned an invalid response: expected \`${member}\` to be ${expected}, got ${got}`;
}

/**
 * The error of a response that the service never gives: well-formed, and not usable. `said` ends the message; `retryable`
 * where its body may have been lost on the way.
 */
export function invalidResponse(
	operation: string,
	stream: string,
	said: string,
	{ retryable = false, cause }: { retryable?: boolean; cause?: unknown } = {},
): RequestError {
	return new RequestError('KVS_REQUEST_FAILED', `${operation} for stream \`${stream}\` ${said}`, {
		operation,
		stream,
		awsName: 'InvalidResponse',
		statusCode: 200,
		requestId: undefined,
		cause,
		retryable,
	});
}

/** Whether a call that failed so may succeed when it is made again. */
export function isRetryableRequest(error: unknown): boolean {
	if (!(error instanceof ArchiveError)) return false;
	return error.code === 'KVS_PERMIT_LOST' || (error instanceof RequestError && error.retryable);
}

/** Whether the service refused what a call requests, which it may have taken before: a token or a fragment that has expired. */
export function isInvalidArgument(error: unknown): boolean {
	return error instanceof RequestError && error.awsName === 'InvalidArgumentException';
}

function isNetworkError(error: SdkError): boolean {
	return systemCode(error) !== undefined || error.name === 'TimeoutError';
}

/** `ECONNREFUSED` and the like, wherever Node has put it: on the error, its cause, or the errors of all addresses tried. */
function systemCode(error: SdkError | undefined): string | undefined {
	if (error === undefined || error === null) return undefined;
	if (typeof error.code === 'string' && /^(E[A-Z]+|EAI_[A-Z]+|ERR_.+|HPE_.+|UND_ERR.+)$/.test(error.code))
		return error.code;
	return (
		systemCode(error.errors?.[0] as SdkError | undefined) ?? systemCode(error.cause as SdkError | undefined)
	);
}

/** One line, without the SDK's hint at a hidden member, and no longer than a person reads. */
function shorten(text: string): string {
	const line = text
		.slice(0, 2 * MAX_SAID_LENGTH)
		.replace(/\n\s*Deserialization error: to see the raw response.*/s, '')
		.replace(/\s+/g, ' ');
	return line.length > MAX_SAID_LENGTH ? `${line.slice(0, MAX_SAID_LENGTH)}…` : line;
}

/** An endpoint without what may be secret in it. */
function originOf(endpoint: string): string {
	return URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint;
}
