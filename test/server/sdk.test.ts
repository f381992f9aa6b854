import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
	DescribeStreamCommand,
	GetDataEndpointCommand,
	KinesisVideoClient,
	paginateListStreams,
} from '@aws-sdk/client-kinesis-video';
import {
	type Fragment,
	GetMediaForFragmentListCommand,
	InvalidArgumentException,
	KinesisVideoArchivedMediaClient,
	KinesisVideoArchivedMediaServiceException,
	ListFragmentsCommand,
	paginateListFragments,
	ResourceNotFoundException,
} from '@aws-sdk/client-kinesis-video-archived-media';
import test, { type ExecutionContext } from 'ava';
import { writeRecordingOf } from './made-media.js';
import { startServer, temporaryDirectory } from './start-server.js';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const selector = {
	FragmentSelectorType: 'PRODUCER_TIMESTAMP' as const,
	TimestampRange: { StartTimestamp: new Date(0), EndTimestamp: new Date(2_000_000_000_000) },
};

async function startStreams(t: ExecutionContext) {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'door.mkv');
	const numbers = await writeRecordingOf(file, 25, 1001);
	const { server, url } = await startServer(t);
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
	t.deepEqual(Buffer.from((await media.Payload?.transformToByteArray()) ?? []), await readFile(file));

	const { StreamInfo } = await control.send(new DescribeStreamCommand({ StreamName: 'gate' }));
	t.like(StreamInfo, { StreamName: 'gate', Status: 'ACTIVE', DataRetentionInHours: 87_600 });
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

test('the JavaScript SDK makes its typed errors of ours', async (t) => {
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

const run = promisify(execFile);

/** A Python that can import boto3, or null after the log line that says there is none. */
async function findPython(t: ExecutionContext): Promise<string | null> {
	for (const python of ['python3', '/usr/bin/python3']) {
		const found = await run(python, ['-c', 'import boto3']).then(
			() => true,
			() => false,
		);
		if (found) return python;
	}
	if (process.env['CI'] === 'true') t.fail('boto3 must be there in CI');
	t.log('skipped: no python3 that has boto3');
	t.pass();
	return null;
}

test('boto3 lists, pages and reads media', async (t) => {
	const python = await findPython(t);
	if (python === null) return;
	const { url, numbers, file } = await startStreams(t);
	const { stdout } = await run(python, ['-c', BOTO3_SCRIPT, url]);
	const { arn, ...said } = JSON.parse(stdout);
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
