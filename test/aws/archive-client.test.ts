import { once } from 'node:events';
import { resolve } from 'node:path';
import test from 'ava';
import { ArchiveClient, KvsArchive, RequestError } from 'kvs-archive';
import { createArchiveServer } from 'kvs-archive/server';
import { between } from '../helpers/media/range.js';

const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
const range = between(0, 60_000);

test('a server that verifies signatures accepts its own key, and no other', async (t) => {
	const server = createArchiveServer({ credentials: [key] });
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	await server.archive.ingest('door', resolve('examples/media/clock.mkv'), { start: range.from });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { endpoint } = server;

	await using archive = new KvsArchive({ streamName: 'door', endpoint, credentials: key });
	const stream = archive.events(range);
	for await (const _ of stream.batches());
	t.like(await stream.summary, { fragments: 8, delivered: 8, failed: 0 });

	const rows = [
		[{ ...key, secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
		[{ ...key, accessKeyId: 'AKIDOTHER' }, 'UnrecognizedClientException'],
	] as const;
	for (const [credentials, awsName] of rows) {
		await using other = new KvsArchive({ streamName: 'door', endpoint, credentials });
		const error = await t.throwsAsync(other.waitForFragment({ from: range.from }), { code: 'KVS_DENIED' });
		t.like(error, { awsName, statusCode: 403, retryable: false });
		t.true(error instanceof RequestError && !/wJalr|wrong/.test(error.message));
	}
});

test('sends any operation, and returns the response of the service unchanged', async (t) => {
	const server = createArchiveServer();
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	await server.archive.ingest('door', resolve('examples/media/clock.mkv'), { start: range.from });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { endpoint } = server;
	const client = new ArchiveClient({ streamName: 'door', endpoint });
	t.teardown(() => client.close());
	const calls: string[] = [];
	const onCall = ({ operation }: { operation: string }): number => calls.push(operation);
	const { StreamInfo } = await client.send('DescribeStream', {}, { onCall });
	t.like(StreamInfo, { StreamName: 'door', Status: 'ACTIVE' });
	t.like(await client.send('get_data_endpoint', { APIName: 'GET_CLIP' }, { onCall }), {
		DataEndpoint: endpoint,
	});
	await t.throwsAsync(client.send('DescribeStream', { StreamName: 'nobody' }, { onCall }), {
		code: 'KVS_NOT_FOUND',
	});
	await t.throwsAsync(client.send('ListStreams', {}, { signal: AbortSignal.abort(new Error('enough')) }), {
		message: 'enough',
	});
	await t.throwsAsync(client.send('Nope', {}), { code: 'KVS_INVALID_OPTION' });
	t.deepEqual(calls, ['DescribeStream', 'GetDataEndpoint', 'DescribeStream']);
});
