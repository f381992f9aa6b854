import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { readSignatureClaim } from '#lib/server/signature/signature-claim.js';
import { parseTarget, type RequestTarget } from '#lib/server/wire/request-target.js';
import { ServiceError } from '#lib/server/wire/service-error.js';

const SIGNATURE = 'ab'.repeat(32);
const CREDENTIAL = 'AKIDEXAMPLE/20260131/us-east-1/kinesisvideo/aws4_request';
const authorization = `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature=${SIGNATURE}`;
const plain: RequestTarget = { path: '/listFragments', query: [] };

const said = {
	accessKeyId: 'AKIDEXAMPLE',
	region: 'us-east-1',
	service: 'kinesisvideo',
	date: '20260131T140307Z',
	timeMs: Date.UTC(2026, 0, 31, 14, 3, 7),
	signature: SIGNATURE,
};

test('a claim is read from the headers, and from the query where there is one', (t) => {
	const headers = { authorization, 'x-amz-date': said.date, 'x-amz-security-token': 'token' };
	const inHeaders = { expiresSeconds: null, signedHeaders: ['host', 'x-amz-date'], sessionToken: 'token' };
	t.deepEqual(readSignatureClaim(plain, headers), { ...said, ...inHeaders });
	const compact = { ...headers, authorization: authorization.replaceAll(', ', ',') };
	t.deepEqual(readSignatureClaim(plain, compact), { ...said, ...inHeaders });
	const query = new URLSearchParams({
		'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
		'X-Amz-Credential': CREDENTIAL,
		'X-Amz-Date': said.date,
		'X-Amz-Expires': '900',
		'X-Amz-SignedHeaders': 'content-type;host',
		'X-Amz-Signature': SIGNATURE,
	});
	const inQuery = { expiresSeconds: 900, signedHeaders: ['content-type', 'host'], sessionToken: undefined };
	for (const besides of [{}, headers]) {
		t.deepEqual(readSignatureClaim(parseTarget(`/x?${query.toString()}`), besides), { ...said, ...inQuery });
	}
});

testProp(
	'any Authorization header or query is read as a claim or refused with an error of the service',
	[
		fc.oneof(fc.string(), fc.constant(authorization)).chain((text) =>
			fc.record({
				from: fc.nat(text.length),
				length: fc.nat(20),
				insert: fc.string({ maxLength: 5 }),
				date: fc.oneof(fc.constant(said.date), fc.string()),
				isQuery: fc.boolean(),
				text: fc.constant(text),
			}),
		),
	],
	(t, { from, length, insert, date, isQuery, text }) => {
		const changed = text.slice(0, from) + insert + text.slice(from + length);
		const query = changed
			.split(/[ ,]+/)
			.map((part) => `X-Amz-${part}`)
			.join('&');
		try {
			const target = isQuery ? parseTarget(`/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&${query}`) : plain;
			const claim = readSignatureClaim(target, { authorization: changed, 'x-amz-date': date });
			t.regex(claim.signature, /^[0-9a-f]{64}$/);
			t.true(claim.signedHeaders.includes('host') && Number.isFinite(claim.timeMs));
		} catch (error) {
			t.true(error instanceof ServiceError, String(error));
		}
	},
);
