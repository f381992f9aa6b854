import test, { type ExecutionContext } from 'ava';
import { recording } from '../../helpers/media/payload.js';
import { commandLine, setEnvironment } from '../../helpers/program/command-line.js';
import { startArchive } from '../../helpers/service/archive.js';
import type { Outcome } from '../../helpers/tools.js';

setEnvironment({
	AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
	AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI',
	AWS_SESSION_TOKEN: 'tok/en+=',
	AWS_REGION: 'eu-west-1',
	AWS_PROFILE: undefined,
	AWS_ENDPOINT_URL: undefined,
});

const presign = (args: readonly string[]): Promise<Outcome> => commandLine(['presign', ...args]);

async function start(t: ExecutionContext): Promise<string[]> {
	const { endpoint } = await startArchive(t, { door: recording(3) });
	return ['--stream', 'door', '--endpoint', endpoint];
}

test('prints a link that works, and how to send it', async (t) => {
	const at = await start(t);
	const { code, stdout, stderr } = await presign([
		'describe_stream',
		...at,
		'--method',
		'GET',
		'--expires-in',
		'2h',
	]);
	t.is(code, 0, stderr);
	t.is(stderr, 'send it as GET, with content-type: application/json\n');
	const url = new URL(stdout.trim());
	t.is(stdout, `${url.href}\n`);
	t.is(url.searchParams.get('X-Amz-Expires'), '7200');
	t.regex(
		url.searchParams.get('X-Amz-Credential') ?? '',
		/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kinesisvideo\/aws4_request$/,
	);
	t.is(url.searchParams.get('X-Amz-Security-Token'), 'tok/en+=');
	t.false(`${stdout}${stderr}`.includes('wJalr'));
	t.regex(await (await fetch(url)).text(), /"StreamName":"door"/);
});

test('takes members one by one and as JSON, and prints all that is to be sent', async (t) => {
	const at = await start(t);
	const selector = {
		FragmentSelectorType: 'PRODUCER_TIMESTAMP',
		TimestampRange: { StartTimestamp: '2026-01-31T00:00:02Z', EndTimestamp: 'now' },
	};
	for (const params of [
		['--params', JSON.stringify({ FragmentSelector: selector }), '--param', 'MaxResults=1'],
		['--param', `FragmentSelector=${JSON.stringify(selector)}`, '--param', 'MaxResults=1'],
	]) {
		const { stdout, stderr } = await presign(['ListFragments', ...at, ...params, '--json']);
		t.is(stderr, '');
		const { type, url, ...sent } = JSON.parse(stdout);
		t.is(type, 'presigned-request');
		t.like(sent, { method: 'POST', headers: { 'content-type': 'application/json' } });
		t.like(JSON.parse(sent.body), { StreamName: 'door', MaxResults: 1 });
		const { Fragments } = (await (await fetch(url, sent)).json()) as { Fragments: unknown[] };
		t.is(Fragments.length, 1);
	}
	const printed = await presign([
		'ListFragments',
		...at,
		'--param',
		'StreamName=123',
		'--params',
		'{"MaxResults":5}',
	]);
	t.is(printed.code, 0, printed.stderr);
	t.is(new URL(printed.stdout).searchParams.get('StreamName'), '123');
});

test('bad input is one clear line', async (t) => {
	const at = ['--stream', 'door', '--endpoint', 'http://127.0.0.1:1'];
	const rows: [string[], RegExp][] = [
		[[], /^KVS_USAGE: missing required argument 'operation'/],
		[['Nope', ...at], /^KVS_INVALID_OPTION: .*`operation` to be one of ListFragments/],
		[['ListStreams', ...at, '--params', '{'], /^KVS_INVALID_OPTION: .*--params.*JSON/],
		[['ListStreams', ...at, '--params', '[]'], /^KVS_INVALID_OPTION: .*--params.*JSON object/],
		[['ListStreams', ...at, '--param', 'x'], /^KVS_INVALID_OPTION: .*--param.*NAME=VALUE/],
		[
			['ListStreams', ...at, '--param', 'X=1'],
			/`--param X` to be left out: the operation has no such member, got `1`\n$/,
		],
		[['ListStreams', ...at, '--expires-in', 'soon'], /^KVS_INVALID_OPTION: .*--expires-in/],
		[['ListStreams', ...at, '--expires-in', '8d'], /^KVS_INVALID_OPTION: .*`--expires-in` to be/],
		[['ListStreams', ...at, '--method', 'PUT'], /^KVS_INVALID_OPTION: .*method/],
	];
	for (const [args, message] of rows) {
		const { code, stdout, stderr } = await presign(args);
		t.is(stdout, '');
		t.is(code, 2, stderr);
		t.regex(stderr, message);
		t.is(stderr.split('\n').length, 2, stderr);
	}
});
