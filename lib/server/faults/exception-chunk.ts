import { elementHeader } from '../../ebml/ebml-writer.js';
import { ebmlHeader } from '../../mkv/matroska-writer.js';
import { serviceTagList } from '../wire/chunk-writer.js';
import {
	DOCUMENTED_ERROR_CODE_TAG,
	DOCUMENTED_ERROR_MESSAGE_TAG,
	ERROR_ID_TAG,
	ERROR_NAME_TAG,
	FRAGMENT_NUMBER_TAG,
} from '../wire/service-tag-names.js';

/** The contents of an in-band exception. */
export interface ExceptionFields {
	readonly code: number;
	/** The exception's name, `FRAGMENT_NOT_FOUND`. */
	readonly name: string;
	/** Null: without a fragment number. */
	readonly fragmentNumber: string | null;
	readonly spelling: 'get-media' | 'documented';
}

/**
 * A document that is an in-band exception: EBML, a Segment of unknown size and the tags, nothing else (as captured in
 * aws-sdk-js issue 3217).
 */
export function exceptionChunk({ code, name, fragmentNumber, spelling }: ExceptionFields): Uint8Array {
	const tags: [name: string, value: string][] =
		spelling === 'get-media'
			? [
					[ERROR_NAME_TAG, name],
					[ERROR_ID_TAG, String(code)],
				]
			: [
					[DOCUMENTED_ERROR_CODE_TAG, String(code)],
					[DOCUMENTED_ERROR_MESSAGE_TAG, name],
				];
	if (fragmentNumber !== null) tags.push([FRAGMENT_NUMBER_TAG, fragmentNumber]);
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		serviceTagList(tags),
	]);
}
