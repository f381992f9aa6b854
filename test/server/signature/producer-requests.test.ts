import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import test, { type ExecutionContext } from 'ava';
import type { AccessKey, ArchiveServerOptions } from '#lib/server/index.js';
import type { StreamedOperation } from '#lib/server/operations/operation.js';
import { NodeSha256 } from '#lib/server/signature/node-sha256.js';
import { testWith, withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import { readRecordedSession, recordedSessions } from '../../helpers/service/recorded-session.js';
import { startServer } from '../../helpers/service/start-server.js';
import { RawConnection } from '../raw-connection.js';

const key: AccessKey = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
const region = 'us-west-2';
const CHUNKS = '5\r\nmedia\r\n0\r\n\r\n';

/** In place of PutMedia: responds with the media itself. */
const putMedia: StreamedOperation = {
	name: 'PutMedia',
	path: '/putMedia',
	stream: (_headers, body) => ({ kind: 'stream', contentType: 'application/json', body: () => body }),
};

/** A server that verifies, and a function that sends it a request as it is written and gives what comes back. */
async function start(t: ExecutionContext, options: ArchiveServerOptions = {}) {
	const verifying = { credentials: [key], region, operations: [putMedia], ...options };
	const { server, url } = await startServer(t, verifying as ArchiveServerOptions);
	const send = async (head: readonly string[], body: string): Promise<string> => {
		const connection = RawConnection.open(t, url);
		connection.write(`${[...head, '', ''].join('\r\n')}${body}`);
		await connection.has(/\r\n\r\n.*(\}|0\r\n\r\n)$/s);
		connection.socket.destroy();
		return connection.received;
	};
	return { server, url, send };
}

const taken = /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 OK\r\n.*5\r\nmedia\r\n0\r\n\r\n$/s;
const refused = /^HTTP\/1\.1 403 .*InvalidSignatureException/s;

function signerOf({ accessKeyId, secretAccessKey }: AccessKey): SignatureV4 {
	const credentials = { accessKeyId, secretAccessKey };
	return new SignatureV4({
		service: 'kinesisvideo',
		region,
		credentials,
		sha256: NodeSha256,
		applyChecksum: false,
	});
}

const headersOf = (headers: Record<string, string>): string[] =>
	Object.entries(headers).map(([name, value]) => `${name}: ${value}`);

const dateOf = (text: string): Date =>
	new Date(text.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));

for (const name of recordedSessions) {
	testWith(`putmedia/${name}.mkv`)(`requests of the session ${name} are verified, signed anew`, async (t) => {
		const { requests } = await readRecordedSession(name);
		const dates = requests.map(({ headers }) => dateOf(headers['x-amz-date'] ?? ''));
		const { send } = await start(t, { now: () => dates[0]?.getTime() ?? 0 });
		const statuses: string[] = [];
		for (const [index, { lines, headers, signedHeaders, body }] of requests.entries()) {
			const [, path = ''] = lines[0]?.split(' ') ?? [];
			const covered = Object.fromEntries(signedHeaders.map((field) => [field, headers[field] as string]));
			const { headers: signed } = await signerOf(key).sign(
				new HttpRequest({ method: 'POST', path, headers: covered, body: body === '' ? undefined : body }),
				{ signingDate: dates[index] as Date, signableHeaders: new Set(signedHeaders) },
			);
			const head = [...lines, `Authorization: ${signed['authorization']}`];
			const sent = path === '/putMedia' ? CHUNKS : body;
			const tampered = head.map((line) => line.replace('user-agent: ', 'user-agent: x'));
			t.regex(await send(tampered, sent), refused, path);
			const [, status = ''] = /HTTP\/1\.1 ([2-5]\d\d) /.exec(await send(head, sent)) ?? [];
			statuses.push(`${path} ${status}`);
		}
		t.deepEqual(
			statuses.filter((status) => status !== '/tagStream 404'),
			['/describeStream 404', '/createStream 200', '/getDataEndpoint 200', '/putMedia 200'],
		);
	});
}

/** A way to sign PutMedia, and what of it is changed afterwards, which must be noticed. */
interface Way {
	readonly title: string;
	readonly headers?: Record<string, string>;
	/** Said of the body, and covered by the signature as one of its headers or not. */
	readonly hash?: { readonly value: string; readonly isSigned: boolean };
	readonly query?: Record<string, string>;
	readonly isPresigned?: boolean;
	readonly isAbsolute?: boolean;
}

const UNSIGNED = 'UNSIGNED-PAYLOAD';
const STREAMING = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const OTHER = 'a'.repeat(64);

const ways: readonly Way[] = [
	{ title: 'the hash of an empty body' },
	{ title: 'the hash of an empty body, with a signed query', query: { 'X-Amz-Expires': '600' } },
	{ title: 'the hash of an empty body, in a signed header', hash: { value: EMPTY, isSigned: true } },
	{ title: 'UNSIGNED-PAYLOAD in a signed header', hash: { value: UNSIGNED, isSigned: true } },
	{ title: 'UNSIGNED-PAYLOAD in an unsigned header', hash: { value: UNSIGNED, isSigned: false } },
	{
		title: 'a streaming payload in a signed header',
		hash: { value: STREAMING, isSigned: true },
		isAbsolute: true,
	},
	{ title: 'a streaming payload in an unsigned header', hash: { value: STREAMING, isSigned: false } },
	{ title: 'another hash in a signed header', hash: { value: OTHER, isSigned: true } },
	{ title: 'presigned', isPresigned: true },
	{
		title: 'presigned, UNSIGNED-PAYLOAD in a signed header',
		isPresigned: true,
		hash: { value: UNSIGNED, isSigned: true },
	},
	{
		title: 'presigned, UNSIGNED-PAYLOAD in an unsigned header',
		isPresigned: true,
		hash: { value: UNSIGNED, isSigned: false },
	},
	{
		title: 'presigned, UNSIGNED-PAYLOAD in the query',
		isPresigned: true,
		query: { 'X-Amz-Content-Sha256': UNSIGNED },
	},
];

for (const { title, headers = {}, hash, query = {}, isPresigned = false, isAbsolute = false } of ways) {
	test(`PutMedia signed as producers do: ${title}`, async (t) => {
		const { url, send } = await start(t);
		const all = {
			host: new URL(url).host,
			'transfer-encoding': 'chunked',
			'x-amzn-stream-name': 'door',
			...headers,
			...(hash && { 'x-amz-content-sha256': hash.value }),
		};
		const names = Object.keys(all).filter((name) => name !== 'x-amz-content-sha256' || hash?.isSigned);
		const unsignable = hash?.isSigned === false ? ['x-amz-content-sha256'] : [];
		// What the signer takes for the body's hash.
		const said = query['X-Amz-Content-Sha256'];
		const request = new HttpRequest({
			method: 'POST',
			path: '/putMedia',
			query: said === undefined ? query : {},
			headers: said === undefined ? all : { ...all, 'X-Amz-Content-Sha256': said },
		});
		const options = { signableHeaders: new Set(names), unsignableHeaders: new Set(unsignable) };
		const unhoistableHeaders = new Set(said === undefined ? ['x-amz-content-sha256'] : []);
		const signed = (
			isPresigned
				? await signerOf(key).presign(request, { ...options, expiresIn: 60, unhoistableHeaders })
				: await signerOf(key).sign(request, options)
		) as HttpRequest;
		const pairs = Object.entries(signed.query).map(
			([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
		);
		const target = `${isAbsolute ? url : ''}/putMedia${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`;
		const head = [`POST ${target} HTTP/1.1`, ...headersOf(signed.headers)];
		t.regex(await send(head, CHUNKS), taken);

		const changed = (from: string | RegExp, to: string): string[] =>
			head.map((line) => line.replace(from, to));
		const changes = [
			changed('door', 'gate'),
			changed(/Signature=\w/, 'Signature=x'),
			[...head, `x-amz-content-sha256: ${OTHER.replace('a', 'b')}`],
		];
		if (hash !== undefined) changes.pop();
		if (hash !== undefined) changes.push(changed(hash.value, 'b'.repeat(64)));
		if (said !== undefined) changes.push(changed(said, 'b'.repeat(64)));
		for (const lines of changes) {
			t.notDeepEqual(lines, head);
			t.regex(await send(lines, CHUNKS), /^HTTP\/1\.1 40[03] /, lines.join('\n'));
		}
	});
}

test('the signature of a JSON operation covers its body, whatever x-amz-content-sha256 says', async (t) => {
	const { url, send } = await start(t);
	const sign = async (hash: string, isSigned: boolean): Promise<string[]> => {
		const headers = { host: new URL(url).host, 'content-length': '2', 'x-amz-content-sha256': hash };
		const request = new HttpRequest({ method: 'POST', path: '/listStreams', headers, body: '{}' });
		const names = new Set(isSigned ? Object.keys(headers) : ['host', 'content-length']);
		const unsignableHeaders = new Set(['x-amz-content-sha256']);
		const signed = await signerOf(key).sign(request, { signableHeaders: names, unsignableHeaders });
		return ['POST /listStreams HTTP/1.1', ...headersOf(signed.headers)];
	};
	for (const isSigned of [true, false]) {
		for (const hash of [UNSIGNED, STREAMING, EMPTY])
			t.regex(await send(await sign(hash, isSigned), '{}'), refused);
	}
});

const BOTO3_SCRIPT = `
import json, sys
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
url, key, secret, region = sys.argv[1:]
credentials = Credentials(key, secret)
headers = {'x-amzn-stream-name': 'door', 'x-amzn-fragment-timecode-type': 'ABSOLUTE', 'x-amzn-producer-start-timestamp': '1795875838.7421'}
def signed(auth, **more):
    request = AWSRequest('POST', url + '/putMedia', headers={**headers, **more})
    auth.add_auth(request)
    prepared = request.prepare()
    return [prepared.url, dict(prepared.headers.items())]
print(json.dumps([
    signed(SigV4Auth(credentials, 'kinesisvideo', region)),
    signed(SigV4QueryAuth(credentials, 'kinesisvideo', region, expires=60)),
]))
`;

withBoto3('PutMedia as botocore signs it is taken, in headers and in the query', async (t) => {
	const { url, send } = await start(t);
	for (const python of await findBoto3()) {
		const { accessKeyId, secretAccessKey } = key;
		const requests = await runPython(python, BOTO3_SCRIPT, [url, accessKeyId, secretAccessKey, region]);
		t.is(requests.length, 2);
		for (const [target, headers] of requests as [string, Record<string, string>][]) {
			const { host, pathname, search } = new URL(target);
			const own = headersOf(headers).filter((line) => !/^content-length:/i.test(line));
			const head = [
				`POST ${pathname}${search} HTTP/1.1`,
				`Host: ${host}`,
				...own,
				'Transfer-Encoding: chunked',
			];
			t.regex(await send(head, CHUNKS), taken);
			t.regex(
				await send(
					head.map((line) => line.replace('door', 'gate')),
					CHUNKS,
				),
				refused,
			);
		}
	}
});
