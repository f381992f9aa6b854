// Longer than 300 lines: two SDKs call the same operations, signed and unsigned, with the scripts for one of them.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
	DescribeStreamCommand,
	GetDataEndpointCommand,
	KinesisVideoClient,
	paginateListStreams,
} from '@aws-sdk/client-kinesis-video';
import {
	type Fragment,
	GetHLSStreamingSessionURLCommand,
	GetMediaForFragmentListCommand,
	InvalidArgumentException,
	KinesisVideoArchivedMediaClient,
	KinesisVideoArchivedMediaServiceException,
	ListFragmentsCommand,
	paginateListFragments,
	ResourceNotFoundException,
} from '@aws-sdk/client-kinesis-video-archived-media';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { withBoto3 } from '../helpers/needs.js';
import { findBoto3, runPython } from '../helpers/service/boto3.js';
import { startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { writeRecordingOf } from './made-media.js';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const selector = {
	FragmentSelectorType: 'PRODUCER_TIMESTAMP' as const,
	TimestampRange: { StartTimestamp: new Date(0), EndTimestamp: new Date(2_000_000_000_000) },
};

async function startStreams(t: ExecutionContext, options: ArchiveServerOptions = {}) {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'door.mkv');
	const numbers = await writeRecordingOf(file, 25, 1001);
	const { server, url } = await startServer(t, options);
	for (const stream of ['door', 'garden', 'gate']) await server.archive.ingest(stream, file);
	return { url, numbers, file };
}

test('the JavaScript SDK lists, pages and reads media', async (t) => {
	const { url, numbers, file } = await startStreams(t);
	const control = new KinesisVideoClient({ region: 'us-east-1', endpoint: url, credentials });
	t.teardown(() => control.destroy());
	const { DataEndpoint } = await control.send(
		new GetDataEndpointCommand({ StreamName: 'door', APIName: 'LIST_FRAGMENTS' }),
	);
	t.is(DataEndpoint, url);
	const client = new KinesisVideoArchivedMediaClient({
		region: 'us-east-1',
		endpoint: DataEndpoint as string,
		credentials,
	});
	t.teardown(() => client.destroy());

	const found: Fragment[] = [];
	for await (const page of paginateListFragments(
		{ client, pageSize: 7 },
		{ StreamName: 'door', FragmentSelector: selector },
	)) {
		found.push(...(page.Fragments ?? []));
	}
	t.notDeepEqual(
		found.map(({ FragmentNumber }) => FragmentNumber),
		numbers,
	);
	t.deepEqual(found.map(({ FragmentNumber }) => FragmentNumber ?? '').sort(), numbers);
	for (const fragment of found) {
		const index = numbers.indexOf(fragment.FragmentNumber ?? '');
		t.is(fragment.ProducerTimestamp?.getTime(), 1_600_000_000_000 + index * 1001);
		t.is(fragment.ServerTimestamp?.getTime(), 1_600_000_000_500 + index * 1001);
	}
	const media = await client.send(
		new GetMediaForFragmentListCommand({ StreamName: 'door', Fragments: numbers }),
	);
	t.is(media.ContentType, 'video/webm');
	const payload = (await media.Payload?.transformToByteArray()) ?? [];
	t.true((await readFile(file)).equals(Buffer.from(payload)));

	const { StreamInfo } = await control.send(new DescribeStreamCommand({ StreamName: 'gate' }));
	t.like(StreamInfo, { StreamName: 'gate', Status: 'ACTIVE', DataRetentionInHours: 24 });
	const byArn = await client.send(
		new ListFragmentsCommand({ StreamARN: StreamInfo?.StreamARN, FragmentSelector: selector }),
	);
	t.is(byArn.Fragments?.length, 25);
	const names: string[] = [];
	const condition = { ComparisonOperator: 'BEGINS_WITH' as const, ComparisonValue: 'ga' };
	for await (const page of paginateListStreams(
		{ client: control, pageSize: 1 },
		{ StreamNameCondition: condition },
	)) {
		names.push(...(page.StreamInfoList ?? []).map(({ StreamName }) => StreamName ?? ''));
	}
	t.deepEqual(names, ['garden', 'gate']);
});

test('the JavaScript SDK throws its typed errors for ours', async (t) => {
	const { url } = await startStreams(t);
	const client = new KinesisVideoArchivedMediaClient({ region: 'us-east-1', endpoint: url, credentials });
	t.teardown(() => client.destroy());
	const unknown = await t.throwsAsync(
		client.send(new ListFragmentsCommand({ StreamName: 'nobody', FragmentSelector: selector })),
	);
	t.true(unknown instanceof ResourceNotFoundException);
	t.like(unknown, {
		name: 'ResourceNotFoundException',
		message: 'The requested stream is not found or not active.',
		$metadata: { httpStatusCode: 404 },
	});
	const invalid = await t.throwsAsync(
		client.send(new GetMediaForFragmentListCommand({ StreamName: 'door', Fragments: ['1'] })),
	);
	t.true(invalid instanceof InvalidArgumentException);
	t.is(invalid?.message, 'Fragment numbers are invalid : [1]');
	const tooMany = await t.throwsAsync(
		client.send(
			new ListFragmentsCommand({ StreamName: 'door', FragmentSelector: selector, MaxResults: 1001 }),
		),
	);
	t.true(tooMany instanceof InvalidArgumentException);
	t.true(
		tooMany instanceof KinesisVideoArchivedMediaServiceException && tooMany.$metadata.requestId !== undefined,
	);
});

const BOTO3_SCRIPT = `
import datetime, hashlib, json, sys
import boto3
from botocore.exceptions import ClientError
options = dict(region_name='us-east-1', aws_access_key_id='local', aws_secret_access_key='local')
control = boto3.client('kinesisvideo', endpoint_url=sys.argv[1], **options)
endpoint = control.get_data_endpoint(StreamName='door', APIName='LIST_FRAGMENTS')['DataEndpoint']
client = boto3.client('kinesis-video-archived-media', endpoint_url=endpoint, **options)
utc = datetime.timezone.utc
selector = {'FragmentSelectorType': 'PRODUCER_TIMESTAMP', 'TimestampRange': {
    'StartTimestamp': datetime.datetime(2000, 1, 1, tzinfo=utc), 'EndTimestamp': datetime.datetime(2030, 1, 1, tzinfo=utc)}}
pages = list(client.get_paginator('list_fragments').paginate(
    StreamName='door', FragmentSelector=selector, PaginationConfig={'PageSize': 10}))
found = sorted((f for page in pages for f in page['Fragments']), key=lambda f: f['FragmentNumber'])
media = client.get_media_for_fragment_list(StreamName='door', Fragments=[f['FragmentNumber'] for f in found])
def error(call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        return [e.response['Error']['Code'], e.response['ResponseMetadata']['HTTPStatusCode'], type(e).__name__]
print(json.dumps({
    'pages': len(pages),
    'numbers': [f['FragmentNumber'] for f in found],
    'times': [round(f['ProducerTimestamp'].timestamp() * 1000) for f in found],
    'type': media['ContentType'],
    'sha256': hashlib.sha256(media['Payload'].read()).hexdigest(),
    'streams': [s['StreamName'] for s in control.list_streams()['StreamInfoList']],
    'arn': control.describe_stream(StreamName='door')['StreamInfo']['StreamARN'],
    'errors': [
        error(client.list_fragments, StreamName='nobody', FragmentSelector=selector),
        error(client.list_fragments, StreamName='door', FragmentSelector=selector, MaxResults=1001),
        error(client.get_media_for_fragment_list, StreamName='door', Fragments=['5']),
    ],
}))
`;

withBoto3('boto3 lists, pages and reads media', async (t) => {
	const [python = ''] = await findBoto3();
	const { url, numbers, file } = await startStreams(t);
	const { arn, ...said } = await runPython(python, BOTO3_SCRIPT, [url]);
	t.regex(arn, /^arn:aws:kinesisvideo:us-east-1:123456789012:stream\/door\/[0-9]{13}$/);
	t.deepEqual(said, {
		pages: 3,
		numbers,
		times: numbers.map((_, index) => 1_600_000_000_000 + index * 1001),
		type: 'video/webm',
		sha256: createHash('sha256')
			.update(await readFile(file))
			.digest('hex'),
		streams: ['door', 'garden', 'gate'],
		errors: [
			['ResourceNotFoundException', 404, 'ResourceNotFoundException'],
			['InvalidArgumentException', 400, 'InvalidArgumentException'],
			['InvalidArgumentException', 400, 'InvalidArgumentException'],
		],
	});
});

const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };

/** Credentials, and what comes of DescribeStream and ListFragments with them. */
const callers = [
	{ ...key, region: 'us-east-1', error: null },
	{ ...key, sessionToken: 'tok/en+=', region: 'us-east-1', error: null },
	{ ...key, accessKeyId: 'AKIDOTHER', region: 'us-east-1', error: ['UnrecognizedClientException', 403] },
	{ ...key, secretAccessKey: 'wrong', region: 'us-east-1', error: ['InvalidSignatureException', 403] },
	{ ...key, region: 'eu-west-1', error: ['InvalidSignatureException', 403] },
] as const;

test('the signature of the JavaScript SDK decides who may call', async (t) => {
	const { url } = await startStreams(t, { credentials: [key] });
	for (const { region, error, ...credentials } of callers) {
		const options = { region, endpoint: url, credentials, maxAttempts: 1 };
		const control = new KinesisVideoClient(options);
		const client = new KinesisVideoArchivedMediaClient(options);
		t.teardown(() => {
			control.destroy();
			client.destroy();
		});
		const calls = [
			() => control.send(new DescribeStreamCommand({ StreamName: 'door' })),
			() => client.send(new ListFragmentsCommand({ StreamName: 'door', FragmentSelector: selector })),
		];
		for (const call of calls) {
			if (error === null) {
				t.is((await call()).$metadata.httpStatusCode, 200);
				continue;
			}
			const thrown = await t.throwsAsync(call(), { name: error[0] });
			t.is((thrown as KinesisVideoArchivedMediaServiceException).$metadata.httpStatusCode, error[1]);
		}
	}
	const unsigned = new KinesisVideoArchivedMediaClient({
		region: 'us-east-1',
		endpoint: url,
		credentials,
		signer: { sign: async (request) => request },
	});
	t.teardown(() => unsigned.destroy());
	await t.throwsAsync(
		unsigned.send(new ListFragmentsCommand({ StreamName: 'door', FragmentSelector: selector })),
		{ name: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' },
	);
});

const BOTO3_SIGNED_SCRIPT = `
import datetime, json, sys, urllib.request
import boto3, botocore
from botocore.exceptions import ClientError
url, callers = sys.argv[1], json.loads(sys.argv[2])
utc = datetime.timezone.utc
selector = {'FragmentSelectorType': 'PRODUCER_TIMESTAMP', 'TimestampRange': {
    'StartTimestamp': datetime.datetime(2000, 1, 1, tzinfo=utc), 'EndTimestamp': datetime.datetime(2030, 1, 1, tzinfo=utc)}}
def ask(call, **arguments):
    try:
        return call(**arguments)['ResponseMetadata']['HTTPStatusCode']
    except ClientError as e:
        return [e.response['Error']['Code'], e.response['ResponseMetadata']['HTTPStatusCode'], e.response['Error']['Message']]
def fetch(link, method, headers={}):
    try:
        return json.load(urllib.request.urlopen(urllib.request.Request(link, method=method, headers=headers)))
    except urllib.error.HTTPError as e:
        return [e.headers['x-amzn-ErrorType'], e.code]
responses, links = [], []
for caller in callers:
    options = dict(region_name=caller['region'], endpoint_url=url, aws_access_key_id=caller['accessKeyId'],
        aws_secret_access_key=caller['secretAccessKey'], aws_session_token=caller.get('sessionToken'))
    control = boto3.client('kinesisvideo', **options)
    client = boto3.client('kinesis-video-archived-media', **options)
    responses.append([ask(control.describe_stream, StreamName='door'),
        ask(client.list_fragments, StreamName='door', FragmentSelector=selector)])
    for method in ('POST', 'GET'):
        links.append(fetch(client.generate_presigned_url('list_fragments', HttpMethod=method,
            Params=dict(StreamName='door', FragmentSelector=selector, MaxResults=7)), method))
        links.append(fetch(control.generate_presigned_url('describe_stream', HttpMethod=method,
            Params=dict(StreamName='door')), method, {'Content-Type': 'application/json'}))
        links.append(fetch(control.generate_presigned_url('list_streams', HttpMethod=method), method))
unsigned = boto3.client('kinesisvideo', region_name='us-east-1', endpoint_url=url,
    config=botocore.config.Config(signature_version=botocore.UNSIGNED))
responses.append(ask(unsigned.describe_stream, StreamName='door'))
print(json.dumps({'responses': responses, 'links': links}))
`;

withBoto3('the signature of boto3 decides who may call, and its presigned calls are accepted', async (t) => {
	const { url } = await startStreams(t, { credentials: [key] });
	for (const python of await findBoto3()) {
		const { responses, links } = await runPython(python, BOTO3_SIGNED_SCRIPT, [url, JSON.stringify(callers)]);
		for (const [index, { error }] of callers.entries()) {
			for (const response of responses[index])
				t.deepEqual(error === null ? response : response.slice(0, 2), error ?? 200);
			for (const round of [0, 3]) {
				const [listed, described, streams] = links.slice(index * 6 + round);
				if (error !== null) {
					t.deepEqual([listed, described, streams], [error, error, error]);
					continue;
				}
				t.is(listed.Fragments.length, 7);
				t.is(described.StreamInfo.StreamName, 'door');
				t.is(streams.StreamInfoList.length, 3);
			}
		}
		t.deepEqual(responses.at(-1), [
			'MissingAuthenticationTokenException',
			403,
			'Missing Authentication Token',
		]);
	}
});

const BOTO3_HLS_SCRIPT = `
import datetime, json, sys, urllib.request
import boto3
start = datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc)
selector = {'FragmentSelectorType': 'PRODUCER_TIMESTAMP', 'TimestampRange': {
    'StartTimestamp': start, 'EndTimestamp': start + datetime.timedelta(minutes=1)}}
client = boto3.client('kinesis-video-archived-media', region_name='us-east-1', endpoint_url=sys.argv[1],
    aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
params = dict(StreamName='door', PlaybackMode='ON_DEMAND', HLSFragmentSelector=selector, Expires=900)
links = [client.generate_presigned_url('get_hls_streaming_session_url', Params=params, HttpMethod=m) for m in ('GET', 'POST')]
responses = [json.load(urllib.request.urlopen(urllib.request.Request(l, method=m))) for l, m in zip(links, ('GET', 'POST'))]
responses.append(client.get_hls_streaming_session_url(**params))
print(json.dumps([a['HLSStreamingSessionURL'] for a in responses]))
`;

withBoto3('both SDKs sign the request of a playback session, which plays without a signature', async (t) => {
	const { server, url } = await startServer(t, { credentials: [key] });
	const start = new Date(Date.UTC(2026, 0, 31));
	await server.archive.ingest('door', resolve('examples/media/clock.mkv'), { start });
	const client = new KinesisVideoArchivedMediaClient({
		region: 'us-east-1',
		endpoint: url,
		credentials: key,
	});
	t.teardown(() => client.destroy());
	const TimestampRange = { StartTimestamp: start, EndTimestamp: new Date(start.getTime() + 60_000) };
	const { HLSStreamingSessionURL } = await client.send(
		new GetHLSStreamingSessionURLCommand({
			StreamName: 'door',
			PlaybackMode: 'ON_DEMAND',
			HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange },
		}),
	);
	const urls = [HLSStreamingSessionURL ?? ''];
	for (const python of await findBoto3()) {
		urls.push(...(await runPython(python, BOTO3_HLS_SCRIPT, [url, key.accessKeyId, key.secretAccessKey])));
	}
	for (const session of urls) {
		const playlist = await fetch(session);
		t.is(playlist.status, 200);
		t.regex(await playlist.text(), /^#EXTM3U\n/);
		t.is((await fetch(session.replace(/SessionToken=..../, 'SessionToken=AAAA'))).ok, false);
	}
});
