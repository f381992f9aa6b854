/** What to do about a stream that is not there, for the end of a message. */
export const STREAM_ADVICE = 'check the name, the region and the account';

/** The same where the service does not respond. */
export const NETWORK_ADVICE = 'check the endpoint and the network';

/** Where it refuses a call by a quota. */
export const QUOTA_ADVICE =
	"lower the rate of requests (option `quotas`), or share the stream's quotas between the programs that read it (option `limiter`)";

/** Where nothing is in a range. */
export const RANGE_ADVICE =
	'check the range and its clock (option `by`), or see what is stored: kvs-archive timeline';

/** Where a session has nothing to play. */
export const SESSION_ADVICE = 'see what is stored: kvs-archive timeline';

/** Where an operation is denied. */
export function permissionAdvice(operation: string): string {
	return `check the credentials, and allow kinesisvideo:${operation}`;
}

/** A message without the advice that it ends with, for a reader who is given a better one. */
export function withoutAdvice(message: string): string {
	const advice = [
		STREAM_ADVICE,
		NETWORK_ADVICE,
		QUOTA_ADVICE,
		RANGE_ADVICE,
		SESSION_ADVICE,
		permissionAdvice(/\w+$/.exec(message)?.[0] ?? ''),
	].find((text) => message.endsWith(`; ${text}`));
	return advice === undefined ? message : message.slice(0, -`; ${advice}`.length);
}
