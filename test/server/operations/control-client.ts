import { DescribeStreamCommand, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { startServer } from '../../helpers/service/start-server.js';

/** When all streams of the tests are made. */
export const CREATION_MS = 1_700_000_000_123;

/** The ARN of the stream `door`. */
export const ARN = `arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/${CREATION_MS}`;

/** Starts a server on which it is {@link CREATION_MS}, and a client of it that tries once; both are gone when the test is over. */
export async function start(t: ExecutionContext, options: ArchiveServerOptions = {}) {
	const started = await startServer(t, { now: () => CREATION_MS, ...options });
	const client = new KinesisVideoClient({
		region: 'us-east-1',
		endpoint: started.url,
		credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
		maxAttempts: 1,
	});
	t.teardown(() => client.destroy());
	const describe = async (StreamName = 'door') =>
		(await client.send(new DescribeStreamCommand({ StreamName }))).StreamInfo;
	const versionOf = async (StreamName = 'door') => (await describe(StreamName))?.Version as string;
	return { ...started, client, describe, versionOf };
}
