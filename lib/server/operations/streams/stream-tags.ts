import type { IntegerBounds, RequestFields, StringBounds } from '../../wire/request-fields.js';
import { tooManyTags } from '../../wire/service-error.js';

/** As many as a stream, and as one request, may have. */
const MAX_TAGS = 50;

/** TagKey and TagValue, as the service's model gives them. */
const TAG_KEY: StringBounds = { maxLength: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };
const TAG_VALUE: StringBounds = { ...TAG_KEY, minLength: 0, maxLength: 256 };

const COUNT: IntegerBounds = { min: 1, max: MAX_TAGS };

/** The tags of a stream, by key. */
export type StreamTags = Readonly<Record<string, string>>;

/** The member `Tags`, or undefined where it is absent. */
export function readTags(request: RequestFields): StreamTags | undefined {
	const tags = request.map('Tags', COUNT, { key: TAG_KEY, value: TAG_VALUE });
	return tags === undefined ? undefined : Object.fromEntries(tags);
}

/** The required member `TagKeyList`. */
export function readTagKeys(request: RequestFields): string[] {
	return request.strings('TagKeyList', COUNT, TAG_KEY);
}

/** The tags of a stream after others were added. Throws `TagsPerResourceExceededLimitException`. */
export function addTags(tags: StreamTags, added: StreamTags): StreamTags {
	const all = { ...tags, ...added };
	if (Object.keys(all).length > MAX_TAGS) throw tooManyTags(MAX_TAGS);
	return all;
}
