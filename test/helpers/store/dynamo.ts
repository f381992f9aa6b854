import { createServer } from 'node:http';
import {
	CreateTableCommand,
	DescribeTableCommand,
	DynamoDBClient,
	type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import type { ExecutionContext } from 'ava';
import dynalite from 'dynalite';
import { listen } from '../service/listen.js';
import { until } from '../wait.js';

/** A DynamoDB of the test's own. */
export interface TestDynamo {
	readonly client: DynamoDBClient;
	/** What a process needs to reach it. */
	readonly environment: Readonly<Record<string, string>>;
}

/** What it is like. */
interface DynamoOptions {
	/** Of its table, which should have none. */
	readonly sortKey?: string;
	/** While it is on, every request is refused as throttled. */
	readonly throttle?: { isOn: boolean };
}

/** Starts one with an empty table `checkpoints`, gone when the test is over. */
export async function startDynamo(
	t: ExecutionContext,
	{ sortKey, throttle }: DynamoOptions = {},
): Promise<TestDynamo> {
	const dynamo = dynalite({ createTableMs: 0 });
	const server = createServer((request, response) => {
		if (throttle?.isOn !== true) return dynamo.emit('request', request, response);
		const __type = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException';
		response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
		return response.end(
			JSON.stringify({ __type, message: 'The level of configured throughput was exceeded' }),
		);
	});
	const endpoint = await listen(t, server);
	const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
	// Its own retries take seconds.
	const client = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 });
	t.teardown(() => client.destroy());
	const keys: KeySchemaElement[] = [{ AttributeName: 'key', KeyType: 'HASH' }];
	if (sortKey !== undefined) keys.push({ AttributeName: sortKey, KeyType: 'RANGE' });
	await client.send(
		new CreateTableCommand({
			TableName: 'checkpoints',
			AttributeDefinitions: keys.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
			KeySchema: keys,
			BillingMode: 'PAY_PER_REQUEST',
		}),
	);
	const describe = new DescribeTableCommand({ TableName: 'checkpoints' });
	await until(
		async () => (await client.send(describe)).Table?.TableStatus === 'ACTIVE',
		() => 'the table of checkpoints is not active',
	);
	const environment = {
		AWS_ENDPOINT_URL_DYNAMODB: endpoint,
		AWS_REGION: 'eu-west-1',
		AWS_ACCESS_KEY_ID: 'test',
		AWS_SECRET_ACCESS_KEY: 'test',
		AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
	};
	return { client, environment };
}
