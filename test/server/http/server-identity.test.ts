import { once } from 'node:events';
import { connect } from 'node:net';
import { GetDataEndpointCommand, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { type ArchiveServerOptions, createArchiveServer } from '#lib/server/index.js';
import type { StreamedOperation } from '#lib/server/operations/operation.js';
import { testWith } from '../../helpers/needs.js';
import { makeCertificate } from '../../helpers/service/certificate.js';
import { startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { within } from '../../helpers/wait.js';
import { RawConnection, writesOf } from '../raw-connection.js';

const withOpenssl = testWith('openssl');
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

withOpenssl('a server with a certificate speaks HTTPS, and says so in its data endpoints', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const { server, url } = await startServer(t, { tls });
	t.regex(url, /^https:\/\/127\.0\.0\.1:\d+$/);
	await server.archive.ready;
	await server.archive.createStream({ name: 'door' });
	const client = new KinesisVideoClient({
		region: 'us-east-1',
		endpoint: url,
		credentials,
		requestHandler: { httpsAgent: { ca: tls.cert } },
	});
	t.teardown(() => client.destroy());
	const endpoint = new GetDataEndpointCommand({ StreamName: 'door', APIName: 'PUT_MEDIA' });
	t.is((await client.send(endpoint)).DataEndpoint, url);

	const connection = RawConnection.open(t, url);
	const body = '{"StreamName":"door","APIName":"PUT_MEDIA"}';
	const lines = [
		'POST /getDataEndpoint HTTP/1.1',
		'Host: localhost',
		`Content-Length: ${body.length}`,
		'',
		body,
	];
	connection.write(lines.join('\r\n'));
	await connection.has(new RegExp(`{"DataEndpoint":"https://localhost:${new URL(url).port}"}$`));
	t.pass();
});

withOpenssl('over TLS, each item of a streamed response is written by itself', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const streamed: StreamedOperation = {
		name: 'Streamed',
		path: '/streamed',
		stream: () => ({ kind: 'stream', contentType: 'application/json', body: items }),
	};
	const { server, url } = await startServer(t, { tls, operations: [streamed] } as ArchiveServerOptions);
	const writes = writesOf(server);
	const connection = RawConnection.open(t, url);
	const head = [
		'POST /streamed HTTP/1.1',
		'Host: localhost',
		'Transfer-Encoding: chunked',
		'Expect: 100-continue',
	];
	connection.write([...head, '', ''].join('\r\n'));
	await connection.closed();
	t.is(writes[0], 'HTTP/1.1 100 Continue\r\n\r\n');
	t.regex(writes[1] ?? '', /^HTTP\/1\.1 200 OK\r\n/);
	t.deepEqual(writes.slice(2), ['1\r\na\r\n', '2\r\nbb\r\n', '0\r\n\r\n']);
});

withOpenssl('a connection that does not speak TLS, or never ends its handshake, is closed', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const { server } = await startServer(t, { tls, limits: { headersTimeoutMs: 100 } });
	const { port } = new URL(server.endpoint);
	for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '']) {
		const socket = connect(Number(port), '127.0.0.1');
		t.teardown(() => socket.destroy());
		socket.on('error', () => {});
		socket.resume().write(bytes);
		await once(socket, 'close');
		t.true(socket.destroyed);
	}
});

withOpenssl('a server that closes does not wait for a handshake', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const { server, close } = await startServer(t, { tls, limits: { headersTimeoutMs: 600_000 } });
	const socket = connect(Number(new URL(server.endpoint).port), '127.0.0.1');
	socket.on('error', () => {});
	await once(server, 'connection');
	await within(close(), () => 'the server is still open');
	t.false(server.listening);
});

withOpenssl('refuses an invalid certificate or key without repeating it in the message', async (t) => {
	const directory = await temporaryDirectory(t);
	const { cert, key } = await makeCertificate(directory);
	const other = await makeCertificate(directory, 'other');
	const rows: [object, string, RegExp][] = [
		[{ cert: 'sesame', key }, 'tls.cert', /a certificate in PEM \(.*no start line\)/],
		[{ cert: '', key }, 'tls.cert', /a certificate in PEM/],
		[{ cert, key: 'sesame' }, 'tls.key', /a private key in PEM, not encrypted/],
		[{ cert: key, key }, 'tls.cert', /a certificate in PEM/],
		[{ cert, key: other.key }, 'tls.key', /the private key of the certificate \(.*mismatch\)/],
		[{ cert }, 'tls.key', /a string or bytes in PEM, got nothing/],
		[{ cert: 7, key }, 'tls.cert', /a string or bytes in PEM/],
	];
	for (const [tls, option, message] of rows) {
		const options = { tls } as ArchiveServerOptions;
		const error = t.throws(() => createArchiveServer(options), { code: 'KVS_INVALID_OPTION', message });
		t.like(error, { option });
		t.notRegex(error?.message ?? '', /sesame|PRIVATE KEY/);
	}
	const text = { cert: cert.toString(), key: key.toString() };
	const { url } = await startServer(t, { tls: text });
	t.regex(url, /^https:/);
});

async function* items(): AsyncGenerator<Uint8Array> {
	yield Buffer.from('a');
	yield Buffer.from('bb');
}
