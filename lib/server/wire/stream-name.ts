import type { StringBounds } from './request-fields.js';

/** Bounds of StreamName, as the service's model gives them. */
export const STREAM_NAME: StringBounds = { maxLength: 256, pattern: /^[a-zA-Z0-9_.-]+$/ };

/** Bounds of StreamARN, likewise. */
export const STREAM_ARN: StringBounds = {
	maxLength: 1024,
	pattern: /^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/,
};
