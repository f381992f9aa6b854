import { request } from 'node:http';
import test from 'ava';
import { startServer } from '../../helpers/service/start-server.js';

/** Status of a request with these headers. */
function statusOf(url: string, method: string, headers: Record<string, string>, body = ''): Promise<number> {
	return new Promise((resolve, reject) => {
		request(url, { method, headers }, (response) => {
			response.resume();
			resolve(response.statusCode ?? 0);
		})
			.once('error', reject)
			.end(body);
	});
}

test('without credentials, a page of another origin cannot change the archive, by form or by image', async (t) => {
	const { server, url } = await startServer(t);
	const { host } = new URL(url);
	const create = (name: string, headers: Record<string, string>) =>
		statusOf(`${url}/createStream`, 'POST', headers, JSON.stringify({ StreamName: name }));
	t.is(await create('form', { origin: 'http://evil.example', 'content-type': 'text/plain' }), 403);
	t.is(await create('sandbox', { origin: 'null' }), 403);
	t.is(await create('other-port', { origin: 'http://127.0.0.1:1' }), 403);
	t.is(await create('no-origin', { 'sec-fetch-site': 'cross-site' }), 403);
	const image = `${url}/createStream?X-Amz-Algorithm=AWS4-HMAC-SHA256&StreamName=image`;
	t.is(await statusOf(image, 'GET', { 'sec-fetch-site': 'cross-site' }), 403);
	const put = { origin: 'http://evil.example', 'x-amzn-stream-name': 'cam' };
	t.is(await statusOf(`${url}/putMedia`, 'POST', put), 403);
	t.deepEqual(server.archive.streams(), []);

	t.is(await create('own', { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }), 200);
	t.is(await create('program', {}), 200);
	// What is read cannot be read by the page, as no header lets it.
	t.is(await statusOf(`${url}/listStreams`, 'POST', { origin: 'http://evil.example' }, '{}'), 200);
});

test('with credentials, a request is judged by its signature and not by its origin', async (t) => {
	const { url } = await startServer(t, { credentials: [{ accessKeyId: 'a', secretAccessKey: 'b' }] });
	const response = await fetch(`${url}/createStream`, {
		method: 'POST',
		headers: { origin: 'http://evil.example' },
		body: '{}',
	});
	const { __type: name } = (await response.json()) as { __type: string };
	t.is(name, 'MissingAuthenticationTokenException');
	t.is(response.headers.get('access-control-allow-origin'), null);
});
