import { type FileHandle, open } from 'node:fs/promises';
import { ArchiveError } from '../../errors.js';
import type { FragmentIndex } from '../fragment-index.js';
import { requestedStream } from '../requested-stream.js';
import { InvalidArgumentError } from '../service-error.js';
import { FRAGMENT_NUMBER_PATTERN, type StoredFragment } from '../stored-fragment.js';
import type { Operation } from './operation.js';

const MAX_FRAGMENTS = 1000;

/** How much of a chunk is in memory at a time. */
const READ_BYTES = 1024 * 1024;

/** As many wrong numbers as an error repeats. */
const MAX_NAMED_NUMBERS = 10;

/** GetMediaForFragmentList: the chunks of the named fragments, in the order of the request. */
export const getMediaForFragmentList: Operation = {
	name: 'GetMediaForFragmentList',
	path: '/getMediaForFragmentList',
	answer(request, { archive }) {
		const requested = requestedStream(request);
		const numbers = request.list('Fragments', { min: 1, max: MAX_FRAGMENTS });
		const fragments = findAll(numbers, requested.find(archive).fragments);
		return { fragments: fragments.length, contentType: 'video/webm', media: readChunks(fragments) };
	},
};

function findAll(numbers: readonly unknown[], index: FragmentIndex): StoredFragment[] {
	const found: StoredFragment[] = [];
	const invalid: unknown[] = [];
	for (const number of numbers) {
		const isNumber = typeof number === 'string' && FRAGMENT_NUMBER_PATTERN.test(number);
		const fragment = isNumber ? index.get(number) : undefined;
		if (fragment === undefined) invalid.push(number);
		else found.push(fragment);
	}
	if (invalid.length > 0) {
		const named = invalid.slice(0, MAX_NAMED_NUMBERS).map((number) => String(number).slice(0, 128));
		if (invalid.length > named.length) named.push(`and ${invalid.length - named.length} more`);
		throw new InvalidArgumentError(`Fragment numbers are invalid : [${named.join(', ')}]`);
	}
	return found;
}

async function* readChunks(fragments: readonly StoredFragment[]): AsyncGenerator<Uint8Array> {
	let handle: FileHandle | null = null;
	let openPayload = '';
	try {
		for (const { payload, offset, sizeBytes } of fragments) {
			if (handle === null || payload !== openPayload) {
				await handle?.close();
				handle = null;
				handle = await open(payload, 'r');
				openPayload = payload;
			}
			for (let position = offset; position < offset + sizeBytes; ) {
				const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, offset + sizeBytes - position));
				const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
				if (bytesRead === 0) {
					throw new ArchiveError(
						'KVS_DATA_DAMAGED',
						`the archive's file \`${payload}\` ends at byte ${position}`,
					);
				}
				position += bytesRead;
				yield buffer.subarray(0, bytesRead);
			}
		}
	} finally {
		await handle?.close();
	}
}
