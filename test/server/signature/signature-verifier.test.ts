// Longer than 300 lines: one algorithm, with a signer that can be made to do each thing wrong.

import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import test, { type ExecutionContext } from 'ava';
import type { AccessKey, RequestRecord } from '#lib/server/index.js';
import { checkAccessKeys } from '#lib/server/signature/access-key.js';
import { NodeSha256 } from '#lib/server/signature/node-sha256.js';
import { testWith } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { run } from '../../helpers/tools.js';

const key: AccessKey = {
	accessKeyId: 'AKIDEXAMPLE',
	secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const nowMs = Date.UTC(2026, 0, 31, 14, 3, 7);
const BODY = '{}';

interface Signing {
	accessKeyId?: string;
	secretAccessKey?: string;
	sessionToken?: string;
	region?: string;
	service?: string;
	signedAtMs?: number;
	method?: string;
	/** Where given, the call is presigned for so long. */
	expiresIn?: number;
	/** Members of a presigned call. */
	query?: Record<string, string | string[]>;
	body?: string;
	headers?: Record<string, string>;
}

interface OperationResult {
	status: number;
	awsName: string | undefined;
	message: string | undefined;
}

type Change = (request: HttpRequest) => void;

/** Sets a header or a member of the query, or takes it away. */
const header =
	(name: string, value?: string): Change =>
	({ headers }) => {
		delete headers[name];
		if (value !== undefined) headers[name] = value;
	};
const member =
	(name: string, value?: string): Change =>
	({ query }) => {
		delete query[name];
		if (value !== undefined) query[name] = value;
	};

async function start(t: ExecutionContext, keys: readonly AccessKey[] = [key]) {
	const records: RequestRecord[] = [];
	const { server, url } = await startServer(t, {
		credentials: keys,
		now: () => nowMs,
		onRequest: (record) => records.push(record),
	});
	const { port, host } = new URL(url);

	/** Signs a ListStreams as asked, changes it, sends it. */
	async function send(signing: Signing = {}, change: Change = () => {}): Promise<OperationResult> {
		const { accessKeyId, secretAccessKey, ...rest } = { ...key, ...signing };
		const { sessionToken, region = 'us-east-1', service = 'kinesisvideo', signedAtMs = nowMs } = rest;
		const { method = 'POST', expiresIn, query = {}, body = expiresIn === undefined ? BODY : '' } = rest;
		const signer = new SignatureV4({
			service,
			region,
			credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
			sha256: NodeSha256,
			applyChecksum: expiresIn === undefined,
		});
		const headers = { host, 'content-type': 'application/json', ...rest.headers };
		const unsigned = new HttpRequest({ method, path: '/listStreams', query, headers, body });
		const options = { signingDate: new Date(signedAtMs) };
		const signed = (
			expiresIn === undefined
				? await signer.sign(unsigned, options)
				: await signer.presign(unsigned, { ...options, expiresIn })
		) as HttpRequest;
		change(signed);
		return sendPlain(signed);
	}

	async function sendPlain({ method, path, query, headers, body }: HttpRequest): Promise<OperationResult> {
		const pairs = Object.entries(query).flatMap(([name, values]) =>
			[values ?? []].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
		);
		const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
		return new Promise((resolve, reject) => {
			const sent = request({ host: '127.0.0.1', port, method, path: target, headers }, (response) => {
				text(response).then((body) => {
					const { message } = JSON.parse(body);
					const awsName = response.headers['x-amzn-errortype'] as string | undefined;
					resolve({ status: response.statusCode ?? 0, awsName, message });
				}, reject);
			});
			sent.on('error', reject);
			sent.end(body);
		});
	}
	return { send, sendPlain, records, server, url };
}

const good: OperationResult = { status: 200, awsName: undefined, message: undefined };
const mismatch = {
	status: 403,
	awsName: 'InvalidSignatureException',
	message: /^The request signature we calculated does not match the signature you provided\. Check your AWS/,
};
const unknown = {
	status: 403,
	awsName: 'UnrecognizedClientException',
	message: /^The security token included in the request is invalid\.$/,
};

function assertRefused(
	t: ExecutionContext,
	response: OperationResult,
	{ status, awsName, message }: { status: number; awsName: string; message: RegExp },
	title: string,
): void {
	t.is(response.status, status, title);
	t.is(response.awsName, awsName, title);
	t.regex(response.message ?? '', message, title);
	t.false((response.message ?? '').includes(key.secretAccessKey), title);
}

test('a rightly signed request is served, in headers and in the query', async (t) => {
	const { send } = await start(t);
	const rows: [string, Signing][] = [
		['headers', {}],
		['query', { expiresIn: 60 }],
		['a link', { expiresIn: 60, method: 'GET' }],
		['members in the query', { expiresIn: 60, query: { MaxResults: '3' } }],
		['what a query escapes, and what it does not', { expiresIn: 60, query: { Extra: "a b+c/é'()*!~&=%" } }],
		['a body that is signed with the query', { expiresIn: 60, body: BODY }],
		['a token that no server asked for', { sessionToken: 'tok/en+=' }],
		['a token in the query', { sessionToken: 'tok/en+=', expiresIn: 60 }],
		['5 minutes ago', { signedAtMs: nowMs - 5 * 60_000 }],
		['5 minutes ahead', { signedAtMs: nowMs + 5 * 60_000 }],
		['a link of a week, a second before its end', { signedAtMs: nowMs - 604_799_000, expiresIn: 604_800 }],
		['headers with spaces', { headers: { 'x-amz-extra': '  a   b  ' } }],
	];
	for (const [title, signing] of rows) t.deepEqual(await send(signing), good, title);
});

test('a call without signature, with an unknown key, or for another region or service is refused as by AWS', async (t) => {
	const { send, sendPlain } = await start(t);
	const host = { host: '127.0.0.1' };
	const plain = new HttpRequest({ method: 'POST', path: '/listStreams', headers: host, body: BODY });
	assertRefused(
		t,
		await sendPlain(plain),
		{
			status: 403,
			awsName: 'MissingAuthenticationTokenException',
			message: /^Missing Authentication Token$/,
		},
		'no signature',
	);
	const region = {
		status: 403,
		awsName: 'InvalidSignatureException',
		message: /^Credential should be scoped to a valid region\.$/,
	};
	const service = {
		...region,
		message: /^Credential should be scoped to correct service: 'kinesisvideo'\.$/,
	};
	const old = {
		...region,
		message:
			/^Signature expired: 20260131T135806Z is now earlier than 20260131T135807Z \(20260131T140307Z - 5 min\.\)$/,
	};
	const early = { ...region, message: /^Signature not yet current: 20260131T140808Z is still later than / };
	const over = {
		...region,
		message: /^Signature expired: 20260131T140206Z is now earlier than 20260131T140207Z /,
	};
	const rows: [string, Signing, Parameters<typeof assertRefused>[2]][] = [
		['unknown key', { accessKeyId: 'AKIDOTHER' }, unknown],
		['wrong secret', { secretAccessKey: 'wrong' }, mismatch],
		['another region', { region: 'eu-west-1' }, region],
		['another service', { service: 'kinesis' }, service],
		['too long ago', { signedAtMs: nowMs - 301_000 }, old],
		['too far ahead', { signedAtMs: nowMs + 301_000 }, early],
	];
	for (const [title, signing, expected] of rows) {
		assertRefused(t, await send(signing), expected, title);
		if (title === 'too long ago') continue;
		assertRefused(t, await send({ ...signing, expiresIn: 3600 }), expected, `${title}, presigned`);
	}
	assertRefused(t, await send({ signedAtMs: nowMs - 61_000, expiresIn: 60 }), over, 'expired link');
});

test('a request that is changed after signing is refused', async (t) => {
	const { send } = await start(t);
	const inHeaders: [string, Change][] = [
		['body', (signed) => Object.assign(signed, { body: '{ }' })],
		[
			'body and its hash',
			(signed) => {
				signed.body = '{ }';
				signed.headers['x-amz-content-sha256'] = createHash('sha256').update('{ }').digest('hex');
			},
		],
		['no hash of the body at all', header('x-amz-content-sha256', 'UNSIGNED-PAYLOAD')],
		['a signed header', header('content-type', 'text/plain')],
		['a signed header that is gone', header('content-type')],
		['host', header('host', 'localhost:1')],
		['query', member('a', '1')],
		['date', header('x-amz-date', '20260131T140308Z')],
		[
			'signature',
			(signed) => {
				const { authorization = '' } = signed.headers;
				signed.headers['authorization'] = authorization.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
			},
		],
		[
			'the list of what is signed',
			(signed) => {
				const { authorization = '' } = signed.headers;
				signed.headers['authorization'] = authorization.replace('content-type;', '');
			},
		],
	];
	for (const [title, change] of inHeaders) assertRefused(t, await send({}, change), mismatch, title);
	const link: Signing = { expiresIn: 60, query: { MaxResults: '3' } };
	const inQuery: [string, Change][] = [
		['a member', member('MaxResults', '4')],
		['one more member', member('Extra', '4')],
		['a member less', member('MaxResults')],
		['its end', member('X-Amz-Expires', '61')],
		['a token', member('X-Amz-Security-Token', 'x')],
		['method', (signed) => Object.assign(signed, { method: 'GET' })],
		['a body', (signed) => Object.assign(signed, { body: '{"MaxResults":1}' })],
		['content-type', header('content-type', 'text/plain')],
	];
	for (const [title, change] of inQuery) assertRefused(t, await send(link, change), mismatch, title);
	t.deepEqual(await send(link), good);
	// The only type there is need not be said.
	t.deepEqual(await send(link, header('content-type')), good);
});

test('a presigned call that has a parameter twice is refused, though it is signed', async (t) => {
	const { send } = await start(t);
	const twice = {
		status: 400,
		awsName: 'InvalidArgumentException',
		message: /`MaxResults` once in the query/,
	};
	assertRefused(t, await send({ expiresIn: 60, query: { MaxResults: ['3', '4'] } }), twice, 'in the query');
	const both = { ...twice, message: /`MaxResults` in the query or in the body/ };
	const link: Signing = { expiresIn: 60, query: { MaxResults: '3' }, body: '{"MaxResults":4}' };
	assertRefused(t, await send(link), both, 'in the query and in the body');
});

test('the error of a malformed signature names what is missing or invalid', async (t) => {
	const { send } = await start(t);
	const authorization =
		(from: string | RegExp, to: string): Change =>
		(signed) => {
			signed.headers['authorization'] = (signed.headers['authorization'] ?? '').replace(from, to);
		};
	const incomplete = (message: RegExp) => ({ status: 400, awsName: 'IncompleteSignatureException', message });
	const invalid = (message: RegExp) => ({ ...mismatch, message });
	const inHeaders: [Change, Parameters<typeof assertRefused>[2]][] = [
		[authorization(/^.*$/, 'Bearer abc'), incomplete(/^Unsupported AWS 'algorithm'/)],
		[
			authorization(/ .*$/, ''),
			incomplete(/'Credential' parameter.*'Signature' parameter.*'SignedHeaders' parameter/),
		],
		[authorization(/Signature=\w+/, 'Signature=x'), incomplete(/64 lower-case/)],
		[authorization('/aws4_request', ''), incomplete(/exactly 5 slash-delimited/)],
		[authorization('aws4_request', 'aws3_request'), invalid(/valid terminator: 'aws4_request'/)],
		[authorization('/20260131/', '/20260130/'), invalid(/Date in Credential scope/)],
		[authorization(';host;', ';'), invalid(/'Host' .*must be a 'SignedHeader'/)],
		[header('x-amz-date'), incomplete(/existence of a 'X-Amz-Date'/)],
		[header('x-amz-date', 'today'), incomplete(/^Date must be in ISO-8601/)],
		[header('x-amz-date', '20261331T140307Z'), incomplete(/^Date must be in ISO-8601/)],
	];
	for (const [change, expected] of inHeaders)
		assertRefused(t, await send({}, change), expected, `${expected.message}`);
	for (const name of ['Credential', 'Signature', 'SignedHeaders', 'Date', 'Expires']) {
		const response = await send({ expiresIn: 60 }, member(`X-Amz-${name}`));
		assertRefused(t, response, incomplete(new RegExp(`must include 'X-Amz-${name}'`)), name);
	}
	for (const expires of ['0', '604801', '-1', 'x', '1e3']) {
		const response = await send({ expiresIn: 60 }, member('X-Amz-Expires', expires));
		assertRefused(t, response, incomplete(/^X-Amz-Expires must be from 1 to 604800 seconds$/), expires);
	}
});

test('a key with a session token is good with that token only', async (t) => {
	const { send } = await start(t, [
		{ ...key, sessionToken: 'right' },
		{ accessKeyId: 'B', secretAccessKey: 'b' },
	]);
	for (const more of [{}, { expiresIn: 60 }]) {
		t.deepEqual(await send({ sessionToken: 'right', ...more }), good);
		assertRefused(t, await send({ sessionToken: 'wrong', ...more }), unknown, 'another token');
		assertRefused(t, await send(more), unknown, 'no token');
		t.deepEqual(await send({ accessKeyId: 'B', secretAccessKey: 'b', ...more }), good);
	}
});

test('the record of a refused call has its status, and nothing of its body', async (t) => {
	const { send, records } = await start(t);
	await send({ secretAccessKey: 'wrong', body: '{"StreamName":"door"}' });
	await send({ body: 'no JSON' });
	t.like(records[0], { operation: 'ListStreams', stream: null, statusCode: 403 });
	t.like(records[1], { operation: 'ListStreams', stream: null, statusCode: 400 });
	t.false(JSON.stringify(records).includes(key.secretAccessKey));
});

test('a server that verifies signatures accepts any Host that the signature covers', async (t) => {
	const { send, sendPlain } = await start(t);
	t.deepEqual(await send({ headers: { host: 'archive.example:8443' } }), good);
	const unsigned = { method: 'POST', path: '/listStreams', headers: { host: 'evil.example' }, body: BODY };
	t.is((await sendPlain(new HttpRequest(unsigned))).awsName, 'MissingAuthenticationTokenException');
	t.is((await send({ headers: { host: 'a b' } })).awsName, 'AccessDeniedException');
});

testWith('curl')('curl signs as we verify', async (t) => {
	const { server, url } = await startServer(t, { credentials: [key] });
	t.true(server.listening);
	const ask = (secret: string) =>
		run('curl', [
			'-s',
			'--aws-sigv4',
			'aws:amz:us-east-1:kinesisvideo',
			'--user',
			`${key.accessKeyId}:${secret}`,
			'-H',
			'content-type: application/json',
			'-d',
			'{}',
			`${url}/listStreams`,
		]);
	t.regex((await ask(key.secretAccessKey)).stdout, /StreamInfoList/);
	t.regex((await ask('wrong')).stdout, /InvalidSignatureException/);
});

test('refuses malformed access keys without repeating the secret in the message', (t) => {
	const rows: [AccessKey[], RegExp][] = [
		[[], /`credentials` to be at least one key/],
		[[{ accessKeyId: '', secretAccessKey: 'sesame' }], /`credentials\[0\]\.accessKeyId`/],
		[[key, { accessKeyId: 'a/b', secretAccessKey: 'sesame' }], /`credentials\[1\]\.accessKeyId`/],
		[[{ accessKeyId: 'a', secretAccessKey: '' }], /`credentials\[0\]\.secretAccessKey`/],
		[[{ accessKeyId: 'a', secretAccessKey: 'sesame', sessionToken: '' }], /`credentials\[0\]\.sessionToken`/],
	];
	for (const [keys, message] of rows) {
		const error = t.throws(() => checkAccessKeys(keys), { code: 'KVS_INVALID_OPTION', message });
		t.false(error?.message.includes('sesame'));
	}
});
