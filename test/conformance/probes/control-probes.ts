import { jsonProbe, type Probe, type ProbeStep, type Template } from '../probe.js';

const control = (path: string) => ({ to: 'control', path }) as const;
const endpoint = control('/getDataEndpoint');

const API_NAMES = [
	'PUT_MEDIA',
	'GET_MEDIA',
	'LIST_FRAGMENTS',
	'GET_MEDIA_FOR_FRAGMENT_LIST',
	'GET_HLS_STREAMING_SESSION_URL',
	'GET_DASH_STREAMING_SESSION_URL',
	'GET_CLIP',
	'GET_IMAGES',
];

/** The control plane: what it says of streams. */
export const controlProbes: readonly Probe[] = [
	{
		name: 'endpoint-of-each-api',
		guess: 39,
		steps: API_NAMES.map(
			(APIName): ProbeStep => ({ ...endpoint, body: { StreamName: '{stream}', APIName } }),
		),
	},
	jsonProbe('endpoint-without-an-api', 39, endpoint, { StreamName: '{stream}' }),
	jsonProbe('endpoint-of-an-unknown-api', 39, endpoint, { StreamName: '{stream}', APIName: 'GET_FILM' }),
	jsonProbe('endpoint-without-a-stream', 39, endpoint, { APIName: 'GET_MEDIA' }),
	jsonProbe('describe-stream', 40, control('/describeStream'), { StreamName: '{stream}' }),
	jsonProbe('describe-stream-by-arn', 40, control('/describeStream'), { StreamARN: '{arn}' }),
	jsonProbe('describe-nothing', 40, control('/describeStream'), {}),
	jsonProbe('storage-configuration', 40, control('/describeStreamStorageConfiguration'), {
		StreamName: '{stream}',
	}),
	jsonProbe('tags-of-the-stream', 40, control('/listTagsForStream'), { StreamName: '{stream}' }),
	listed('list-streams', {
		StreamNameCondition: { ComparisonOperator: 'BEGINS_WITH', ComparisonValue: '{stream}' },
		MaxResults: 1,
	}),
	listed('list-streams-of-none', {
		StreamNameCondition: { ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'kvs-archive-no-such' },
	}),
	listed('list-streams-0', { MaxResults: 0 }),
	listed('list-streams-10001', { MaxResults: 10_001 }),
	listed('list-streams-condition-unknown', {
		StreamNameCondition: { ComparisonOperator: 'ENDS_WITH', ComparisonValue: 'x' },
	}),
	listed('list-streams-token-malformed', { NextToken: 'AAAA' }),
];

function listed(name: string, body: Template): Probe {
	return jsonProbe(name, 40, control('/listStreams'), body);
}
