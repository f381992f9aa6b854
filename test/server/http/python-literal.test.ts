import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { parsePythonLiteral } from '#lib/server/http/python-literal.js';
import { membersOfQuery } from '#lib/server/http/query-members.js';
import { parseTarget } from '#lib/server/wire/request-target.js';
import { anyText } from '../../helpers/any-text.js';
import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';

const value = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 4 },
		anyText(),
		fc.integer(),
		fc.boolean(),
		fc.constant(null),
		fc.array(tie('value'), { maxLength: 4 }),
		fc.dictionary(
			fc.string().filter((name) => name !== '__proto__'),
			tie('value'),
			{
				maxKeys: 4,
				noNullPrototype: true,
			},
		),
	),
})).value;

testProp('reads JSON as JSON.parse does', [value], (t, nested) => {
	t.deepEqual(parsePythonLiteral(JSON.stringify(nested)), nested as never);
});

testProp('fails on any text with InvalidArgumentException only', [anyText()], (t, text) => {
	try {
		parsePythonLiteral(text);
		t.pass();
	} catch (error) {
		t.is((error as { awsName?: string }).awsName, 'InvalidArgumentException', text);
	}
});

withBoto3('reads what Python prints', async (t) => {
	const [python = ''] = await findBoto3();
	const values = fc.sample(value, { numRuns: 200, seed: 7 });
	const printed = await runPython(
		python,
		'import json, sys; print(json.dumps([repr(v) for v in json.loads(sys.argv[1])]))',
		[JSON.stringify([...values, "it's", 'a "b"', `'"\\`, '\u0000\u001f\u007f\u00a0é\u2028😀'])],
	);
	t.deepEqual(
		printed.map((text: string) => parsePythonLiteral(text)),
		[...values, "it's", 'a "b"', `'"\\`, '\u0000\u001f\u007f\u00a0é\u2028😀'],
	);
});

test('refuses an invalid literal and reports what was expected', (t) => {
	const rows: [string, RegExp][] = [
		['', /a value at character 0/],
		["{'a': 1", /`}` at character 7/],
		["{'a' 1}", /`:`/],
		['{a: 1}', /a name in quotes/],
		['{1: 1}', /a name in quotes/],
		["'abc", /the end of a string/],
		["'\\xg1'", /an escape/],
		["'\\U00110000'", /an escape/],
		["'\\q'", /an escape/],
		['[1, ]', /a value/],
		['1 2', /nothing more/],
		['datetime.datetime(2020, 1, 1)', /a value/],
		['['.repeat(100), /at most 16 levels/],
	];
	for (const [text, message] of rows) t.throws(() => parsePythonLiteral(text), { message }, text);
});

test('the members of a query have the types that the service wants', (t) => {
	const target = parseTarget(
		"/x?StreamName=123&MaxResults=5&Fragments=1&Fragments=2&NextToken=a%2B%2F=&FragmentSelector=%7B'TimestampRange':%20%7B'StartTimestamp':%201577836800.5%7D%7D&X-Amz-Date=1&x-amz-b=2&Expires=soon",
	);
	t.deepEqual(membersOfQuery(target), {
		StreamName: '123',
		MaxResults: 5,
		Fragments: ['1', '2'],
		NextToken: 'a+/=',
		FragmentSelector: { TimestampRange: { StartTimestamp: 1577836800.5 } },
		Expires: 'soon',
	});
	t.deepEqual(membersOfQuery(parseTarget('/x?Fragments=1')), { Fragments: ['1'] });
	t.throws(() => parseTarget('/x?a=%ff'), { message: /percent-encoded/ });
});

test('refuses a presigned query that repeats a parameter, except the entries of a list', (t) => {
	for (const twice of [
		'MaxResults=5&MaxResults=500',
		'StreamName=a&StreamName=a',
		'StreamName=a&Stream%4eame=b',
		'X-Amz-Algorithm=AWS4-HMAC-SHA256',
		'X-Amz-Expires=60&X-Amz-Expires=600',
		'X-Amz-Expires=60&x-amz-expires=600',
		'X-Amz-Signature=a&X-Amz-Signature=b',
	]) {
		const target = `/listFragments?X-Amz-Algorithm=AWS4-HMAC-SHA256&${twice}`;
		t.throws(() => parseTarget(target), { message: /once in the query, got it again/ }, twice);
	}
	const list = '/x?X-Amz-Algorithm=a&Fragments=1&Fragments=2';
	t.deepEqual(membersOfQuery(parseTarget(list)), { Fragments: ['1', '2'] });
	// A query that is not looked into may say what it likes.
	t.notThrows(() => parseTarget('/x?a=1&a=2'));
});
