import * as control from '@aws-sdk/client-kinesis-video';
import * as archivedMedia from '@aws-sdk/client-kinesis-video-archived-media';
import test from 'ava';
import type { RequestRecord } from '#lib/server/index.js';
import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import { startServer } from '../../helpers/service/start-server.js';

const unserved: ReadonlySet<string> = new Set(
	`DescribeImageGenerationConfiguration UpdateImageGenerationConfiguration
	DescribeNotificationConfiguration UpdateNotificationConfiguration
	DescribeMediaStorageConfiguration UpdateMediaStorageConfiguration DescribeMappedResourceConfiguration
	StartEdgeConfigurationUpdate DescribeEdgeConfiguration DeleteEdgeConfiguration ListEdgeAgentConfigurations
	CreateSignalingChannel DescribeSignalingChannel UpdateSignalingChannel DeleteSignalingChannel
	ListSignalingChannels GetSignalingChannelEndpoint TagResource UntagResource ListTagsForResource`.split(
		/\s+/,
	),
);

const settings = {
	region: 'us-east-1',
	credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
	maxAttempts: 1,
};

interface AnyClient {
	send(command: unknown): Promise<unknown>;
	destroy(): void;
}

test('every command of the SDK finds its operation, or is refused by name', async (t) => {
	const records: RequestRecord[] = [];
	const { url } = await startServer(t, { onRequest: (record) => records.push(record) });
	const clients: [object, AnyClient][] = [
		[control, new control.KinesisVideoClient({ ...settings, endpoint: url })],
		[archivedMedia, new archivedMedia.KinesisVideoArchivedMediaClient({ ...settings, endpoint: url })],
	];
	const refused: string[] = [];
	for (const [module, client] of clients) {
		t.teardown(() => client.destroy());
		const commands = Object.entries(module).filter(
			([name]) => /^[A-Z]\w+Command$/.test(name) && !name.startsWith('$'),
		);
		t.true(commands.length > 5);
		for (const [name, Command] of commands) {
			const operation = name.replace(/Command$/, '');
			const error = await client.send(new Command({})).then(
				() => null,
				(thrown: Error) => thrown,
			);
			const record = records.pop();
			t.is(record?.operation, operation);
			if (!/ does not serve the operation /.test(error?.message ?? '')) continue;
			refused.push(operation);
			t.is(error?.name, 'InvalidArgumentException');
			t.is(record?.statusCode, 400);
			t.is(error?.message, `the local archive does not serve the operation ${operation}`);
		}
	}
	t.deepEqual(refused.toSorted(), [...unserved].toSorted());
});

const BOTO3_SCRIPT = `
import json, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
said = {}
for service in ['kinesisvideo', 'kinesis-video-archived-media', 'kinesis-video-media']:
    client = boto3.client(service, endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='local',
        aws_secret_access_key='local', config=Config(parameter_validation=False, retries={'max_attempts': 0}))
    for name in client.meta.service_model.operation_names:
        try:
            client._make_api_call(name, {})
            said[name] = [200, '']
        except ClientError as e:
            said[name] = [e.response['ResponseMetadata']['HTTPStatusCode'], e.response['Error']['Message']]
print(json.dumps(said))
`;

withBoto3('every operation of boto3 is served, or refused by name', async (t) => {
	const { url } = await startServer(t);
	for (const python of await findBoto3()) {
		const said = Object.entries(
			(await runPython(python, BOTO3_SCRIPT, [url])) as Record<string, [number, string]>,
		);
		t.true(said.length > 20);
		for (const [operation, [status, message]] of said) {
			t.true(status === 200 || status === 400, `${operation}: ${status} ${message}`);
			t.is(message.includes(`does not serve the operation ${operation}`), unserved.has(operation), operation);
		}
	}
});
