import { MAX_RETENTION_HOURS } from '../../store/stream-metadata.js';
import type { IntegerBounds, StringBounds } from '../../wire/request-fields.js';

/*
 * Bounds of members that several operations on streams have: the model of the service (API version 2017-09-30).
 */

/** CurrentVersion. */
export const VERSION: StringBounds = { maxLength: 64, pattern: /^[a-zA-Z0-9]+$/ };

/** DeviceName. */
export const DEVICE_NAME: StringBounds = { maxLength: 128, pattern: /^[a-zA-Z0-9_.-]+$/ };

/** MediaType: one for each track, with commas. */
export const MEDIA_TYPE: StringBounds = {
	maxLength: 128,
	pattern: /^[\w.+-]+\/[\w.+-]+(,[\w.+-]+\/[\w.+-]+)*$/,
};

/** KmsKeyId. */
export const KMS_KEY_ID: StringBounds = { maxLength: 2048, pattern: /^.+$/ };

/** DataRetentionInHours. The model has no maximum: it is that of UpdateDataRetention's documentation. */
export const RETENTION_HOURS: IntegerBounds = { min: 0, max: MAX_RETENTION_HOURS };

/** NextToken; an empty one is as good as none. */
export const NEXT_TOKEN: StringBounds = { minLength: 0, maxLength: 1024, pattern: /^[a-zA-Z0-9+/=]*$/ };

/** DefaultStorageTier. */
export const STORAGE_TIERS = ['HOT', 'WARM'] as const;
