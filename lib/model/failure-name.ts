/**
 * Names of what can be wrong with one fragment: those of the service's in-band codes (API_dataplane_GetMedia), and those
 * that are found while its media is read.
 */
export const FAILURE_NAMES = [
	'FRAGMENT_NOT_FOUND',
	'STREAM_WRITE_ERROR',
	'KMS_KEY_ACCESS_DENIED',
	'KMS_KEY_DISABLED',
	'KMS_KEY_VALIDATION_ERROR',
	'KMS_KEY_UNAVAILABLE',
	'KMS_KEY_INVALID_USAGE',
	'KMS_KEY_INVALID_STATE',
	'KMS_KEY_NOT_FOUND',
	'INTERNAL_ERROR',
	'EXCEPTION',
	'TRUNCATED',
	'MALFORMED',
	'UNSUPPORTED',
	'CHANGED',
	'MISSING',
] as const;

/** One of {@link FAILURE_NAMES}, or a name that the service adds later. */
export type FailureName = (typeof FAILURE_NAMES)[number] | (string & Record<never, never>);
