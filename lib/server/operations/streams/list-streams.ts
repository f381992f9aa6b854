import { invalidArgument } from '../../wire/service-error.js';
import { STREAM_NAME } from '../../wire/stream-name.js';
import type { JsonOperation } from '../operation.js';
import { streamInfo } from './stream-info.js';
import { NEXT_TOKEN } from './stream-members.js';

/** The service's default is its maximum. */
const MAX_PAGE_SIZE = 10_000;

/** ListStreams: the streams by name, those whose names begin with a given text or all. */
export const listStreams: JsonOperation = {
	name: 'ListStreams',
	path: '/listStreams',
	respond(request, { archive, tokens }) {
		const pageSize = request.integer('MaxResults', { min: 1, max: MAX_PAGE_SIZE }) ?? MAX_PAGE_SIZE;
		const token = request.string('NextToken', NEXT_TOKEN) ?? '';
		const condition = request.object('StreamNameCondition');
		const prefix = condition?.string('ComparisonValue', STREAM_NAME) ?? '';
		condition?.optionalOneOf('ComparisonOperator', ['BEGINS_WITH']);
		const page = token === '' ? { after: '' } : tokens.open<{ after: string }>('ListStreams', token);
		if (page === null) throw invalidArgument('expected NextToken to be one this server gave out');

		const rest = archive
			.streams()
			.filter(({ metadata: { name } }) => name > page.after && name.startsWith(prefix));
		const streams = rest.slice(0, pageSize);
		const last = streams.at(-1);
		const nextToken =
			last !== undefined && rest.length > streams.length
				? tokens.seal('ListStreams', { after: last.metadata.name })
				: null;
		return { kind: 'json', json: { NextToken: nextToken, StreamInfoList: streams.map(streamInfo) } };
	},
};
