import { unreadableChunk } from '../live/unreadable-chunk.js';
import type { LocalStream } from '../store/local-stream.js';
import { FRAGMENT_NUMBER_PATTERN, type StoredFragment } from '../store/stored-fragment.js';
import { invalidArgument } from '../wire/service-error.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

const MAX_FRAGMENTS = 1000;

/** As many wrong numbers as an error repeats. */
const MAX_NAMED_NUMBERS = 10;

/** GetMediaForFragmentList: the chunks of the named fragments, in the order of the request. */
export const getMediaForFragmentList: JsonOperation = {
	name: 'GetMediaForFragmentList',
	path: '/getMediaForFragmentList',
	respond(request, { archive, nowMs }) {
		const requested = requestedStream(request);
		const numbers = request.list('Fragments', { min: 1, max: MAX_FRAGMENTS });
		const stream = requested.find(archive);
		const fragments = findAll(numbers, stream, nowMs);
		const replaceDamaged = unreadableChunk(stream, (message) => archive.warn(message));
		return { kind: 'media', fragments, replaceDamaged };
	},
};

function findAll(numbers: readonly unknown[], stream: LocalStream, nowMs: number): StoredFragment[] {
	const found: StoredFragment[] = [];
	const invalid: unknown[] = [];
	for (const number of numbers) {
		const isNumber = typeof number === 'string' && FRAGMENT_NUMBER_PATTERN.test(number);
		const fragment = isNumber ? stream.fragment(number, nowMs) : undefined;
		if (fragment === undefined) invalid.push(number);
		else found.push(fragment);
	}
	if (invalid.length > 0) {
		const named = invalid.slice(0, MAX_NAMED_NUMBERS).map((number) => String(number).slice(0, 128));
		if (invalid.length > named.length) named.push(`and ${invalid.length - named.length} more`);
		throw invalidArgument(`Fragment numbers are invalid : [${named.join(', ')}]`);
	}
	return found;
}
