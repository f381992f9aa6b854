import type { Tag } from '../../model/tag.js';
import {
	DOCUMENTED_PRODUCER_TIMESTAMP_TAG,
	DOCUMENTED_SERVER_TIMESTAMP_TAG,
	EXCEPTION_TAGS,
	FRAGMENT_NUMBER_TAG,
	PRODUCER_TIMESTAMP_TAG,
	SERVER_TIMESTAMP_TAG,
} from '../wire/service-tag-names.js';

/** What the service said about a document when it was recorded; null for what it did not say. */
export interface RecordedTags {
	number: string | null;
	/** Epoch milliseconds. */
	serverMs: number | null;
	/** Epoch milliseconds. */
	producerMs: number | null;
	/** An in-band exception stands in place of media. */
	isException: boolean;
}

/** Takes the service's tags among `tags` into `recorded`. Both spellings of the times are known. */
export function noteRecordedTags(tags: readonly Tag[], recorded: RecordedTags): void {
	for (const { name, value } of tags) {
		if (typeof value !== 'string') continue;
		if (EXCEPTION_TAGS.has(name)) recorded.isException = true;
		if (name === FRAGMENT_NUMBER_TAG) recorded.number = value;
		if (name === SERVER_TIMESTAMP_TAG || name === DOCUMENTED_SERVER_TIMESTAMP_TAG) {
			recorded.serverMs = readSecondsAsMs(value);
		}
		if (name === PRODUCER_TIMESTAMP_TAG || name === DOCUMENTED_PRODUCER_TIMESTAMP_TAG) {
			recorded.producerMs = readSecondsAsMs(value);
		}
	}
}

function readSecondsAsMs(text: string): number | null {
	return /^[0-9]{1,12}(\.[0-9]{1,9})?$/.test(text) ? Math.round(Number(text) * 1000) : null;
}
