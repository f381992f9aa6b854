import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import test from 'ava';
import { createArchiveServer } from '#lib/server/index.js';
import { plainClient } from '../plain-client.js';

test('without credentials the server listens on loopback only', async (t) => {
	for (const host of ['0.0.0.0', undefined]) {
		const server = createArchiveServer();
		t.teardown(() => server.close());
		server.listen(0, host);
		const closed = new Promise<void>((resolve) => server.once('close', resolve));
		await t.throwsAsync(once(server, 'listening'), { code: 'KVS_INVALID_OPTION', message: /loopback/ });
		await closed;
		t.false(server.listening);
		// The temporary directory goes with it, as soon as it is there.
		await server.archive.ready;
	}
	for (const host of ['127.0.0.1', 'localhost']) {
		const server = createArchiveServer();
		t.teardown(() => server.close());
		server.listen(0, host);
		await once(server, 'listening');
		t.true(server.listening);
		await server.archive.ready;
	}
});

test('with credentials the server is reachable at any of its addresses', async (t) => {
	const server = createArchiveServer({ credentials: [{ accessKeyId: 'a', secretAccessKey: 'b' }] });
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	server.listen(0, '0.0.0.0');
	await once(server, 'listening');
	const { port } = server.address() as { port: number };
	const outer = Object.values(networkInterfaces())
		.flat()
		.find((address) => address?.family === 'IPv4' && !address.internal);
	for (const host of ['127.0.0.1', outer?.address ?? 'localhost']) {
		const { awsError, status } = await plainClient(t, `http://${host}:${port}`)('ListStreams', {}).response;
		t.deepEqual([awsError, status], ['MissingAuthenticationTokenException', 403]);
	}
});
