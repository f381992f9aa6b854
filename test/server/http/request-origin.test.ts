import type { IncomingMessage } from 'node:http';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import test, { type ExecutionContext } from 'ava';
import { requestOrigin } from '#lib/server/http/request-origin.js';
import { type ArchiveServer, createArchiveServer } from '#lib/server/index.js';
import { NodeSha256 } from '#lib/server/signature/node-sha256.js';
import { toOriginForm } from '#lib/server/wire/request-target.js';
import { startServer } from '../../helpers/service/start-server.js';
import { RawConnection } from '../raw-connection.js';

/** What comes back for a request with these lines, on a connection of its own. */
async function ask(t: ExecutionContext, url: string, lines: readonly string[], body = '{}'): Promise<string> {
	const connection = RawConnection.open(t, url);
	const head = [...lines, `Content-Length: ${body.length}`, 'Connection: close', '', ''];
	connection.write(head.join('\r\n') + body);
	return connection.closed();
}

test('a target in absolute form is split into origin form and authority', (t) => {
	const rows = [
		['/putMedia', '/putMedia', null],
		['/a?b=http://c/d', '/a?b=http://c/d', null],
		['http://127.0.0.1:9099/putMedia', '/putMedia', '127.0.0.1:9099'],
		['HTTPS://localhost/putMedia?X-Amz-Expires=600', '/putMedia?X-Amz-Expires=600', 'localhost'],
		['http://localhost', '/', 'localhost'],
		['http://localhost?a=/b', '/?a=/b', 'localhost'],
		['http:///putMedia', '/putMedia', ''],
		['*', '*', null],
	] as const;
	for (const [target, url, authority] of rows) t.deepEqual(toOriginForm(target), { url, authority }, target);
});

test('a request in absolute form is served as one in origin form, by its own authority', async (t) => {
	const { url } = await startServer(t);
	const { host } = new URL(url);
	const target = `POST ${url}/listStreams?a=b HTTP/1.1`;
	t.regex(await ask(t, url, [target, `Host: ${host}`]), /^HTTP\/1\.1 200 .*StreamInfoList/s);
	t.regex(await ask(t, url, [target, 'Host: evil.example']), /^HTTP\/1\.1 403 .*AccessDenied/s);
	const foreign = 'POST http://evil.example/listStreams HTTP/1.1';
	t.regex(await ask(t, url, [foreign, `Host: ${host}`]), /^HTTP\/1\.1 403 .*evil\.example/s);
});

test('a signature covers the origin form of a target', async (t) => {
	const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
	const { url } = await startServer(t, { credentials: [credentials] });
	const { host } = new URL(url);
	const signer = new SignatureV4({
		service: 'kinesisvideo',
		region: 'us-east-1',
		credentials,
		sha256: NodeSha256,
	});
	const signed = await signer.sign(
		new HttpRequest({ method: 'POST', path: '/listStreams', headers: { host }, body: '{}' }),
	);
	const headers = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}`);
	for (const target of ['/listStreams', `${url}/listStreams`]) {
		t.regex(await ask(t, url, [`POST ${target} HTTP/1.1`, ...headers]), /^HTTP\/1\.1 200 /, target);
	}
	t.regex(await ask(t, url, [`POST ${url}/listStreams?a HTTP/1.1`, ...headers]), /^HTTP\/1\.1 403 /);
});

test('the data endpoint has the port of the request, or of the connection', async (t) => {
	const server = createArchiveServer();
	t.teardown(() => server.archive.close());
	const originOf = (
		host: string,
		localPort: number,
		{ isTls = false, authority = null as string | null } = {},
	) => {
		const socket = { localPort, localAddress: '127.0.0.1', ...(isTls && { encrypted: true }) };
		const request = { headers: { host }, socket } as unknown as IncomingMessage;
		return requestOrigin(request, authority, { server: server as ArchiveServer, isAnyName: false });
	};
	t.is(originOf('127.0.0.1', 4580), 'http://127.0.0.1:4580');
	t.is(originOf('Localhost:8080', 4580), 'http://Localhost:8080');
	t.is(originOf('[::1]', 4580), 'http://[::1]:4580');
	t.is(originOf('localhost', 80), 'http://localhost');
	t.is(originOf('localhost', 443), 'http://localhost:443');
	t.is(originOf('localhost', 443, { isTls: true }), 'https://localhost');
	t.is(originOf('localhost', 80, { isTls: true }), 'https://localhost:80');
	t.is(originOf('localhost:443', 4580, { isTls: true }), 'https://localhost:443');
	t.is(originOf('localhost', 4580, { authority: '127.0.0.1:9' }), 'http://127.0.0.1:9');
	t.is(originOf('localhost:9', 4580, { authority: '127.0.0.1' }), 'http://127.0.0.1:4580');
});
