import type { StringBounds } from './request-fields.js';

/** Bounds of StreamName, as the service's model gives them. */
export const STREAM_NAME: StringBounds = { maxLength: 256, pattern: /^[a-zA-Z0-9_.-]+$/ };
