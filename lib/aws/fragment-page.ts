import type { ListFragmentsCommandOutput } from '@aws-sdk/client-kinesis-video-archived-media';
import type { Fragment } from '../model/fragment.js';
import { invalidMember, invalidResponse } from './aws-errors.js';

/** One page of ListFragments. Unordered, as the service gives it. */
export interface FragmentPage {
	readonly fragments: readonly Fragment[];
	readonly nextToken: string | null;
	/** The response had neither a list nor a token: nothing is stored there, or its body was lost on the way. */
	readonly isBlank: boolean;
}

/** The longest token that is sent back, in characters; the service's have at most 4,096 (API_reader_ListFragments). */
const MAX_TOKEN_LENGTH = 64 * 1024;

/**
 * Reads a response of ListFragments. The SDK checks no member but the times, so what is of another type is found here: a
 * `RequestError` (`KVS_REQUEST_FAILED`) that names the member and what came. A size or a length that is left out is 0.
 */
export function readFragmentPage(output: Partial<ListFragmentsCommandOutput>, stream: string): FragmentPage {
	const { Fragments, NextToken } = output;
	const check = (member: string, expected: string, value: unknown, isValid: boolean): void => {
		if (!isValid) throw invalidResponse('ListFragments', stream, invalidMember(member, expected, value));
	};
	check('Fragments', 'a list', Fragments, Fragments === undefined || Array.isArray(Fragments));
	const isToken = typeof NextToken === 'string' && NextToken.length <= MAX_TOKEN_LENGTH;
	check(
		'NextToken',
		`a string of at most ${MAX_TOKEN_LENGTH} characters`,
		NextToken,
		NextToken === undefined || isToken,
	);
	const fragments = (Fragments ?? []).map((fragment: unknown, index): Fragment => {
		const name = `Fragments[${index}]`;
		check(name, 'an object', fragment, typeof fragment === 'object' && fragment !== null);
		const members = fragment as Readonly<Record<string, unknown>>;
		const { FragmentSizeInBytes: size = 0, FragmentLengthInMilliseconds: length = 0 } = members;
		const { FragmentNumber: number, ProducerTimestamp: producer, ServerTimestamp: server } = members;
		check(`${name}.FragmentNumber`, '1 to 128 digits', number, isFragmentNumber(number));
		check(`${name}.FragmentSizeInBytes`, 'a number of bytes', size, isCount(size));
		check(`${name}.FragmentLengthInMilliseconds`, 'a number of milliseconds', length, isCount(length));
		check(`${name}.ProducerTimestamp`, 'a time', producer, isTime(producer));
		check(`${name}.ServerTimestamp`, 'a time', server, isTime(server));
		return {
			fragmentNumber: number as string,
			fragmentSizeInBytes: size as number,
			producerTimestamp: producer as Date,
			serverTimestamp: server as Date,
			fragmentLengthInMilliseconds: length as number,
		};
	});
	return {
		fragments,
		nextToken: NextToken || null,
		isBlank: Fragments === undefined && NextToken === undefined,
	};
}

function isFragmentNumber(value: unknown): boolean {
	return typeof value === 'string' && /^[0-9]{1,128}$/.test(value);
}

function isCount(value: unknown): boolean {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
	return value instanceof Date && !Number.isNaN(value.getTime());
}
