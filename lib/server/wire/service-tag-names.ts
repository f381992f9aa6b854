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

/** Tag of an in-band exception's word, as GetMedia names it. */
export const ERROR_NAME_TAG = `${PREFIX}ERROR_CODE`;

/** Tag of an in-band exception's number, as GetMedia names it. */
export const ERROR_ID_TAG = `${PREFIX}ERROR_ID`;

/** Tag of an in-band exception's number, as the documentation of GetMediaForFragmentList spells it. */
export const DOCUMENTED_ERROR_CODE_TAG = `${PREFIX}EXCEPTION_ERROR_CODE`;

/** Tag of an in-band exception's word, as the documentation of GetMediaForFragmentList spells it. */
export const DOCUMENTED_ERROR_MESSAGE_TAG = `${PREFIX}EXCEPTION_MESSAGE`;

/** Tags that make a document an in-band exception, in either spelling. */
export const EXCEPTION_TAGS: ReadonlySet<string> = new Set([
	ERROR_NAME_TAG,
	ERROR_ID_TAG,
	DOCUMENTED_ERROR_CODE_TAG,
	DOCUMENTED_ERROR_MESSAGE_TAG,
]);

/** Tag of how far a chunk of GetMedia lies in the past, in milliseconds. */
export const MILLIS_BEHIND_NOW_TAG = `${PREFIX}MILLIS_BEHIND_NOW`;

/** Tag of the token with which another GetMedia goes on after a chunk: its fragment number. */
export const CONTINUATION_TOKEN_TAG = `${PREFIX}CONTINUATION_TOKEN`;
