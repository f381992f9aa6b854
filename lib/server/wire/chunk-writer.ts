import { elementHeader, master, string } from '../../ebml/ebml-writer.js';
import { ebmlHeader, info, tracks } from '../../mkv/matroska-writer.js';
import { sizeOf } from '../../model/bytes.js';
import { FRAGMENT_NUMBER_TAG, PRODUCER_TIMESTAMP_TAG, SERVER_TIMESTAMP_TAG } from './service-tag-names.js';

/** The service writes the sizes of its own tags in four bytes, whatever they are. */
const TAG_SIZE = { sizeLength: 4 };

/** What the service's tags say about a fragment. Times are epoch milliseconds. */
export interface ServiceTagFields {
	readonly number: string;
	readonly serverMs: number;
	readonly producerMs: number;
}

/** The head every chunk of a source begins with: EBML, a Segment of unknown size, Info, and Tracks of these entries. */
export function chunkHead(timecodeScaleNs: number, trackEntries: readonly Uint8Array[]): Uint8Array {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(timecodeScaleNs),
		...tracks(trackEntries),
	]);
}

/** The Tags element that the service puts before a fragment's Cluster, to the byte: no Targets, sizes of four bytes. */
export function serviceTags({ number, serverMs, producerMs }: ServiceTagFields): Uint8Array {
	return serviceTagList([
		[FRAGMENT_NUMBER_TAG, number],
		[SERVER_TIMESTAMP_TAG, tagSeconds(serverMs)],
		[PRODUCER_TIMESTAMP_TAG, tagSeconds(producerMs)],
	]);
}

/** A Tags element as the service writes all of its own: one Tag, no Targets, every size in four bytes. */
export function serviceTagList(tags: readonly (readonly [name: string, value: string])[]): Uint8Array {
	const simpleTags = tags.map(([name, value]) =>
		master('SimpleTag', [string('TagName', name, TAG_SIZE), string('TagString', value, TAG_SIZE)], TAG_SIZE),
	);
	return Buffer.concat(master('Tags', [master('Tag', simpleTags, TAG_SIZE)], TAG_SIZE));
}

/** The largest size {@link serviceTags} gives for a number of 47 digits and times before the year 33658. */
export const MAX_SERVICE_TAGS_BYTES = sizeOf([
	serviceTags({ number: '9'.repeat(47), serverMs: 999_999_999_999_999, producerMs: 999_999_999_999_999 }),
]);

/** Decimal seconds with three digits of fraction and no padding in front: `0.000`, `1511852109.126`. */
function tagSeconds(timeMs: number): string {
	const digits = String(timeMs).padStart(4, '0');
	return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}
