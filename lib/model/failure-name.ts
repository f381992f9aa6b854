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

/** The errors that GetMedia has in-band and PutMedia in acknowledgements: those of the KMS and of the service itself. */
export const COMMON_ERROR_NAMES = {
	4500: 'KMS_KEY_ACCESS_DENIED',
	4501: 'KMS_KEY_DISABLED',
	4502: 'KMS_KEY_VALIDATION_ERROR',
	4503: 'KMS_KEY_UNAVAILABLE',
	4504: 'KMS_KEY_INVALID_USAGE',
	4505: 'KMS_KEY_INVALID_STATE',
	4506: 'KMS_KEY_NOT_FOUND',
	5000: 'INTERNAL_ERROR',
} as const;

/**
 * Names of the in-band error codes (API_dataplane_GetMedia): 3000 is undocumented and was captured, those of the KMS and 5000 are as
 * PutMedia has them, those of 3002 and 4000 are guesses.
 */
export const IN_BAND_NAMES: Readonly<Record<number, FailureName>> = {
	3000: 'FRAGMENT_NOT_FOUND',
	3002: 'STREAM_WRITE_ERROR',
	4000: 'FRAGMENT_NOT_FOUND',
	...COMMON_ERROR_NAMES,
};
