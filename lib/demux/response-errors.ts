import { MediaError, RequestError } from '../errors.js';
import type { FailureName } from '../model/failure-name.js';

/** Whether bytes are well-formed, and of a kind that is not supported: a retry brings the same bytes. */
export function isUnsupported(error: unknown): boolean {
	return error instanceof MediaError && error.code === 'KVS_MEDIA_UNSUPPORTED';
}

/** Whether the bytes that came are to blame, and not that some did not come. */
export function isMalformed(error: unknown): error is MediaError {
	return error instanceof MediaError && error.code !== 'KVS_MEDIA_TRUNCATED';
}

/** The name of the failure of a fragment whose bytes are to blame. */
export function failureNameOf(error: MediaError): FailureName {
	if (isUnsupported(error)) return 'UNSUPPORTED';
	return error.code === 'KVS_MEDIA_CHANGED' ? 'CHANGED' : 'MALFORMED';
}

/**
 * Whether a request was refused because of a fragment that it names: one that was listed and has expired by now, say. The service
 * refuses the others with it.
 */
export function isOfNumbers(error: unknown): error is RequestError {
	return (
		error instanceof RequestError &&
		error.awsName === 'InvalidArgumentException' &&
		/fragment numbers? (is|are) invalid/i.test(error.message)
	);
}

/** The error of a response whose connection failed. */
export function brokenOff(error: unknown): MediaError {
	const { code, message } = error as { code?: string; message?: string };
	const reason =
		code === undefined || message === undefined
			? (code ?? message ?? 'no error message')
			: `${message}, ${code}`;
	return new MediaError('KVS_MEDIA_TRUNCATED', `the response broke off (${reason})`, { cause: error });
}
