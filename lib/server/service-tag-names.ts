/** What the names of the service's own tags begin with. */
const PREFIX = 'AWS_KINESISVIDEO_';

/** Tag of a fragment's number. */
export const FRAGMENT_NUMBER_TAG = `${PREFIX}FRAGMENT_NUMBER`;

/** Tag of a fragment's server time, as the service was seen to write it. */
export const SERVER_TIMESTAMP_TAG = `${PREFIX}SERVER_TIMESTAMP`;

/** Tag of a fragment's producer time, as the service was seen to write it. */
export const PRODUCER_TIMESTAMP_TAG = `${PREFIX}PRODUCER_TIMESTAMP`;

/** Tag of a fragment's server time, as the documentation of GetMediaForFragmentList spells it. */
export const DOCUMENTED_SERVER_TIMESTAMP_TAG = `${PREFIX}SERVER_SIDE_TIMESTAMP`;

/** Tag of a fragment's producer time, as the documentation of GetMediaForFragmentList spells it. */
export const DOCUMENTED_PRODUCER_TIMESTAMP_TAG = `${PREFIX}PRODUCER_SIDE_TIMESTAMP`;

/** Tags that make a document an in-band exception, in either spelling. */
export const EXCEPTION_TAGS: ReadonlySet<string> = new Set([
	`${PREFIX}ERROR_CODE`,
	`${PREFIX}ERROR_ID`,
	`${PREFIX}EXCEPTION_ERROR_CODE`,
	`${PREFIX}EXCEPTION_MESSAGE`,
]);
