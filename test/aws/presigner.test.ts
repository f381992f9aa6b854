import { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import test, { type ExecutionContext } from 'ava';
import { type Clock, KvsArchive, type KvsArchiveOptions, systemClock } from 'kvs-archive';
import { recording } from '../helpers/media/payload.js';
import { withBoto3 } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { findBoto3, runPython } from '../helpers/service/boto3.js';
import { startServer } from '../helpers/service/start-server.js';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
const signedAtMs = Date.UTC(2026, 0, 31, 14, 3, 7);
const clockAt = (ms: number): Clock => ({ ...systemClock, now: () => ms });

const open = (t: ExecutionContext, endpoint: string, options: Partial<KvsArchiveOptions> = {}): KvsArchive =>
	openArchive(t, endpoint, {
		credentials,
		region: 'us-east-1',
		clock: clockAt(signedAtMs),
		...options,
	});

/** Calls with scalar members, as both sides are given them. */
const calls: [archived: boolean, snakeCase: string, name: string, params: Record<string, unknown>][] = [
	[true, 'get_hls_streaming_session_url', 'GetHLSStreamingSessionURL', { StreamName: 'door' }],
	[
		true,
		'get_hls_streaming_session_url',
		'GetHLSStreamingSessionURL',
		{ PlaybackMode: 'LIVE', StreamName: 'door', Expires: 900, MaxMediaPlaylistFragmentResults: 7 },
	],
	[
		true,
		'get_dash_streaming_session_url',
		'GetDASHStreamingSessionURL',
		{ StreamName: 'door', PlaybackMode: 'LIVE' },
	],
	[true, 'list_fragments', 'ListFragments', { StreamName: 'door', MaxResults: 10, NextToken: 'a+b/c==' }],
	[
		false,
		'describe_stream',
		'DescribeStream',
		{ StreamARN: 'arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/1577836800000' },
	],
	[false, 'describe_stream', 'DescribeStream', { StreamName: "a b+é'()*!~&=%/?" }],
	[false, 'get_data_endpoint', 'GetDataEndpoint', { StreamName: 'door', APIName: 'GET_CLIP' }],
	[false, 'list_streams', 'ListStreams', {}],
	[false, 'list_streams', 'ListStreams', { MaxResults: 3 }],
];

const BOTO3_SCRIPT = `
import json, sys, datetime, time
import boto3, botocore.auth
endpoint, calls, key, tokens = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), [None, 'tok/en+=']
urls = []
for token in tokens:
    options = dict(region_name='us-east-1', endpoint_url=endpoint, aws_access_key_id=key['accessKeyId'],
        aws_secret_access_key=key['secretAccessKey'], aws_session_token=token)
    clients = {False: boto3.client('kinesisvideo', **options), True: boto3.client('kinesis-video-archived-media', **options)}
    for archived, operation, _, params in calls:
        for method in ('POST', 'GET'):
            urls.append(clients[archived].generate_presigned_url(operation, Params=params, ExpiresIn=900, HttpMethod=method))
print(json.dumps(urls))
`;

import { startMs } from '../helpers/media/range.js';
import { openArchive } from '../helpers/service/open-archive.js';

withBoto3(
	'the signature equals that of boto3 for calls with scalar members, given the same inputs and clock',
	async (t) => {
		const { url: endpoint } = await startServer(t);
		for (const python of await findBoto3()) {
			const urls: string[] = await runPython(python, BOTO3_SCRIPT, [
				endpoint,
				JSON.stringify(calls),
				JSON.stringify(credentials),
			]);
			const own = urls[Symbol.iterator]();
			for (const sessionToken of [undefined, 'tok/en+=']) {
				// A client handed in stands for the endpoint: this server has no stream to ask it of.
				const settings = {
					region: 'us-east-1',
					endpoint,
					credentials: { ...credentials, ...(sessionToken && { sessionToken }) },
				};
				const archivedMedia = new KinesisVideoArchivedMediaClient(settings);
				t.teardown(() => archivedMedia.destroy());
				for (const [, , name, params] of calls) {
					for (const method of ['POST', 'GET'] as const) {
						const theirs = new URL(own.next().value as string);
						const date = theirs.searchParams.get('X-Amz-Date') ?? '';
						const ms = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
						const archive = open(t, endpoint, {
							...settings,
							clients: { archivedMedia },
							clock: clockAt(ms),
						});
						const ours = await archive.presign(name, params, { expiresIn: 900, method });
						const { origin, pathname, searchParams } = new URL(ours.url);
						t.deepEqual({ origin, pathname }, { origin: theirs.origin, pathname: theirs.pathname });
						for (const query of [searchParams, theirs.searchParams]) query.sort();
						t.is(searchParams.toString(), theirs.searchParams.toString(), name);
						t.deepEqual(ours, {
							url: ours.url,
							method,
							headers: { 'content-type': 'application/json' },
							body: null,
						});
						t.false(ours.url.includes('wJalr'));
					}
				}
			}
			t.true(own.next().done);
		}
	},
);

test('presigned requests are accepted under the AWS and the boto3 names of an operation, with nested members too', async (t) => {
	const { server, endpoint } = await startArchive(t, { door: recording(3) });
	t.true(server.listening);
	const archive = open(t, endpoint, { clock: systemClock });
	const FragmentSelector = {
		FragmentSelectorType: 'PRODUCER_TIMESTAMP' as const,
		TimestampRange: { StartTimestamp: new Date(startMs), EndTimestamp: new Date() },
	};
	const { url, ...sent } = await archive.presign('ListFragments', { FragmentSelector, MaxResults: 2 });
	t.is(sent.method, 'POST');
	t.is(sent.body, JSON.stringify({ ...JSON.parse(sent.body ?? ''), StreamName: 'door', MaxResults: 2 }));
	t.false(url.includes('MaxResults'));
	const listed = await fetch(url, sent);
	t.is(((await listed.json()) as { Fragments: unknown[] }).Fragments.length, 2);
	const link = await archive.presign('describe_stream', {}, { method: 'GET' });
	const described = (await (await fetch(link.url)).json()) as { StreamInfo: { StreamName: string } };
	t.is(described.StreamInfo.StreamName, 'door');
	const live = await archive.presign('GetMedia', { StartSelector: { StartSelectorType: 'EARLIEST' } });
	const { body } = await fetch(live.url, { method: live.method, headers: live.headers, body: live.body });
	for await (const bytes of body ?? []) {
		t.is(Buffer.from(bytes).subarray(0, 4).toString('hex'), '1a45dfa3');
		break;
	}
	const other = await archive.presign('DescribeStream', { StreamName: 'gate' });
	t.is(new URL(other.url).searchParams.get('StreamName'), 'gate');
});

test('a server that verifies signatures accepts a presigned request until it expires', async (t) => {
	let nowMs = signedAtMs;
	const { url: endpoint } = await startServer(t, { credentials: [credentials], now: () => nowMs });
	const { url, ...sent } = await open(t, endpoint).presign(
		'ListStreams',
		{ MaxResults: 5 },
		{ expiresIn: 60 },
	);
	const ask = async (): Promise<[number, string | null]> => {
		const response = await fetch(url, sent);
		return [response.status, response.headers.get('x-amzn-errortype')];
	};
	t.deepEqual(await ask(), [200, null]);
	nowMs += 60_000;
	t.deepEqual(await ask(), [200, null]);
	nowMs += 1;
	t.deepEqual(await ask(), [403, 'InvalidSignatureException']);
	nowMs = signedAtMs;
	const nested = await open(t, endpoint).presign('ListStreams', {
		StreamNameCondition: { ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'x' },
	});
	const { url: nestedUrl, ...call } = nested;
	t.is((await fetch(nestedUrl, call)).status, 200);
	t.is((await fetch(nestedUrl, { ...call, body: `${call.body} ` })).status, 403);
});

test('without an endpoint, a URL is signed for that of the region', async (t) => {
	const archive = new KvsArchive({ streamName: 'door', region: 'eu-west-1', credentials });
	t.teardown(() => archive.close());
	const { url } = await archive.presign('DescribeStream');
	t.regex(url, /^https:\/\/kinesisvideo\.eu-west-1\.amazonaws\.com\/describeStream\?StreamName=door&/);
	t.regex(url, /%2Feu-west-1%2Fkinesisvideo%2Faws4_request/);
});

test('refuses what cannot be signed before any request', async (t) => {
	const archive = open(t, 'http://127.0.0.1:1');
	const rows: [Promise<unknown>, RegExp][] = [
		[archive.presign('Nope'), /`operation` to be one of ListFragments, /],
		[archive.presign('toString'), /`operation`/],
		[archive.presign('ListStreams', {}, { expiresIn: 0 }), /`expiresIn` .* from 1 to 604800, got `0`/],
		[archive.presign('ListStreams', {}, { expiresIn: 604_801 }), /`expiresIn`/],
		[archive.presign('ListStreams', {}, { expiresIn: 1.5 }), /`expiresIn`/],
		[archive.presign('ListStreams', {}, { method: 'PUT' as never }), /`method` to be 'GET' or 'POST'/],
		[
			archive.presign('ListStreams', { Nonsense: 1 } as never),
			/`params.Nonsense` to be left out: the operation has no such member/,
		],
		[
			archive.presign('ListStreams', { StreamNameCondition: { ComparisonValue: 'x' } }, { method: 'GET' }),
			/`method` to be POST: nested/,
		],
	];
	for (const [presigned, message] of rows) {
		await t.throwsAsync(presigned, { code: 'KVS_INVALID_OPTION', message });
	}
	await t.throwsAsync(
		archive.presign('ListStreams', {}, { signal: AbortSignal.abort(new Error('enough')) }),
		{
			message: 'enough',
		},
	);
});
