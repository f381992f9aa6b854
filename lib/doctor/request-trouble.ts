import { InvalidOptionError, RequestError } from '../errors.js';
import { withoutAdvice } from '../wording/advice.js';

/** What a request failed by, and what to do. */
export interface RequestTrouble {
	/** The check it belongs to; `permission` is that of the operation. */
	readonly cause: 'credentials' | 'region' | 'clock' | 'endpoint' | 'stream' | 'permission' | 'other';
	readonly message: string;
	readonly advice: string;
}

const CLOCK_ADVICE =
	'set the clock of this machine by the network (NTP): signatures are good for five minutes';

const EXPIRED = /expired|not yet current|too skewed/i;
const SCOPE = /scoped to (?:a|the) (?:valid|correct)? ?region|valid region/i;

/** Names of the service's errors, in its signature check, and what they mean. */
const DENIALS: Readonly<Record<string, Omit<RequestTrouble, 'message'>>> = {
	CredentialsProviderError: {
		cause: 'credentials',
		advice:
			'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or log in (aws sso login)',
	},
	ExpiredTokenException: {
		cause: 'credentials',
		advice: 'the session is over: log in again, or get new temporary credentials',
	},
	UnrecognizedClientException: {
		cause: 'credentials',
		advice:
			'the access key is not known there: check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, the profile, and the endpoint',
	},
	InvalidClientTokenId: {
		cause: 'credentials',
		advice: 'the access key is not known there: check AWS_ACCESS_KEY_ID, the profile, and the endpoint',
	},
	InvalidSignatureException: {
		cause: 'credentials',
		advice:
			'the secret does not belong to the access key: check AWS_SECRET_ACCESS_KEY, or the profile; check --region, too',
	},
	SignatureDoesNotMatch: {
		cause: 'credentials',
		advice: 'the secret does not belong to the access key: check AWS_SECRET_ACCESS_KEY, or the profile',
	},
	RequestExpired: { cause: 'clock', advice: CLOCK_ADVICE },
	RequestTimeTooSkewed: { cause: 'clock', advice: CLOCK_ADVICE },
};

/** Explains the error of a request. Throws it where it is of no request. */
export function requestTrouble(error: unknown, operation: string, stream: string): RequestTrouble {
	if (error instanceof InvalidOptionError && error.option === 'region') {
		return { cause: 'region', message: error.message, advice: 'pass --region, or set AWS_REGION' };
	}
	if (!(error instanceof RequestError)) throw error;
	const { code, awsName, requestId, cause: origin } = error;
	// The message says what to do, as the advice does.
	const isLackOfCredentials = awsName === 'CredentialsProviderError' && origin instanceof Error;
	const message = isLackOfCredentials ? origin.message : withoutAdvice(error.message);
	const because = (cause: RequestTrouble['cause'], advice: string): RequestTrouble => ({
		cause,
		message,
		advice,
	});
	const isSignature = awsName.includes('Signature');
	if (isSignature && EXPIRED.test(message)) return because('clock', CLOCK_ADVICE);
	if (isSignature && SCOPE.test(message))
		return because('region', 'pass the region of the endpoint: --region');
	const withId = requestId === undefined ? '' : ` with the request id ${requestId}`;
	const known = DENIALS[awsName];
	if (known !== undefined) return { ...known, message };
	switch (code) {
		case 'KVS_DENIED':
			return because(
				'permission',
				`allow kinesisvideo:${operation} on stream \`${stream}\` for this identity (an IAM policy)`,
			);
		case 'KVS_NOT_FOUND':
			return because(
				'stream',
				'check the name of the stream, the region and the account (aws kinesisvideo list-streams)',
			);
		case 'KVS_UNREACHABLE':
			return because(
				'endpoint',
				'check --endpoint or AWS_ENDPOINT_URL, the region, the network, proxies and firewalls',
			);
		case 'KVS_THROTTLED':
			return because('other', 'others read this stream at its quota: try again later, or share it (--redis)');
		default:
			return because(
				'other',
				`try again; if it persists, open a support case${withId}, or look at the log of the endpoint`,
			);
	}
}
