import test, { type ExecutionContext } from 'ava';
import type { RateLimiter, RequestCost } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { recording } from '../helpers/media/payload.js';
import { withBoto3 } from '../helpers/needs.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { findBoto3, runPython } from '../helpers/service/boto3.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';

const FragmentSelector = {
	FragmentSelectorType: 'PRODUCER_TIMESTAMP' as const,
	TimestampRange: { StartTimestamp: new Date(0), EndTimestamp: new Date(2e12) },
};

interface Listed {
	FragmentNumber: string;
}

const start = (t: ExecutionContext, count: number): Promise<TestArchive> =>
	startArchive(t, { door: recording(count), gate: recording(1), garden: recording(1) });

withBoto3('says which operations respond in pages, as boto3 does', async (t) => {
	const archive = openArchive(t, 'http://127.0.0.1:1');
	const responses = {
		ListFragments: true,
		GetImages: true,
		ListStreams: true,
		GetMediaForFragmentList: false,
		GetHLSStreamingSessionURL: false,
		GetDASHStreamingSessionURL: false,
		GetClip: false,
		GetDataEndpoint: false,
		DescribeStream: false,
	};
	const snakeCase = {
		list_fragments: true,
		get_images: true,
		list_streams: true,
		get_media_for_fragment_list: false,
		get_hls_streaming_session_url: false,
		get_dash_streaming_session_url: false,
		get_clip: false,
		get_data_endpoint: false,
		describe_stream: false,
	};
	for (const [name, expected] of Object.entries({ ...responses, ...snakeCase })) {
		t.is(archive.canPaginate(name), expected, name);
		if (expected) t.notThrows(() => archive.paginate(name));
		else
			t.throws(() => archive.paginate(name), {
				code: 'KVS_NOT_PAGEABLE',
				message: /^cannot paginate `\w+`: it is not a paginated operation; use `presign`, or the AWS SDK$/,
			});
	}
	t.throws(() => archive.canPaginate('list_Fragments'), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => archive.paginate('Nope'), { code: 'KVS_INVALID_OPTION' });
	const [python = ''] = await findBoto3();
	const script = `
import boto3, json
o = dict(region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')
clients = [boto3.client(n, **o) for n in ('kinesisvideo', 'kinesis-video-archived-media')]
print(json.dumps({n: c.can_paginate(n) for c in clients for n in ${JSON.stringify(Object.keys(snakeCase))} if hasattr(c, n)}))`;
	t.deepEqual(await runPython(python, script), snakeCase);
});

test("gives pages with the service's own names, and their items", async (t) => {
	const { endpoint, requests } = await start(t, 25);
	const archive = openArchive(t, endpoint);
	const pages = await collect(archive.paginate('ListFragments', { FragmentSelector }, { pageSize: 10 }));
	t.deepEqual(
		pages.map(({ Fragments }) => (Fragments as Listed[]).length),
		[10, 10, 5],
	);
	const items = await collect(archive.paginate('list_fragments', { FragmentSelector }).items<Listed>());
	t.is(new Set(items.map(({ FragmentNumber }) => FragmentNumber)).size, 25);
	const names = await collect(
		archive.paginate('ListStreams', {}, { pageSize: 2 }).items<{ StreamName: string }>(),
	);
	t.deepEqual(
		names.map(({ StreamName }) => StreamName),
		['door', 'garden', 'gate'],
	);
	t.is(requests.filter(({ operation }) => operation === 'ListStreams').length, 2);
	const gate = archive.paginate('ListFragments', { StreamName: 'gate', FragmentSelector });
	t.is((await collect(gate.items())).length, 1);
});

test('stops after maxItems, and continues from its token, inside a page or after it', async (t) => {
	const { endpoint } = await start(t, 25);
	const archive = openArchive(t, endpoint);
	const all = await collect(archive.paginate('ListFragments', { FragmentSelector }).items<Listed>());
	for (const maxItems of [1, 4, 10, 11, 24]) {
		const found: Listed[] = [];
		let startingToken: string | undefined;
		do {
			const pages = archive.paginate(
				'ListFragments',
				{ FragmentSelector },
				{ pageSize: 10, maxItems, startingToken },
			);
			const some = await collect(pages.items<Listed>());
			t.true(some.length <= maxItems);
			found.push(...some);
			startingToken = pages.nextToken ?? undefined;
		} while (startingToken !== undefined);
		t.deepEqual(
			found.map(({ FragmentNumber }) => FragmentNumber).sort(),
			all.map(({ FragmentNumber }) => FragmentNumber).sort(),
		);
	}
	const whole = archive.paginate('ListFragments', { FragmentSelector }, { maxItems: 25 });
	t.is((await collect(whole.items())).length, 25);
	t.is(whole.nextToken, null);
	t.is((await collect(whole.items())).length, 25);
});

test('each page waits for the points it costs', async (t) => {
	const { endpoint } = await start(t, 5);
	const costs: RequestCost[] = [];
	const counts = { sent: 0, cancelled: 0 };
	const limiter: RateLimiter = {
		async acquire(cost) {
			costs.push(cost);
			return { sent: () => counts.sent++, closed: () => {}, cancel: () => counts.cancelled++ };
		},
	};
	const archive = openArchive(t, endpoint, { limiter });
	await collect(archive.paginate('ListFragments', { FragmentSelector }, { pageSize: 3 }));
	await collect(archive.paginate('ListFragments', { FragmentSelector, MaxResults: 7 }));
	await collect(archive.paginate('ListFragments', { FragmentSelector }));
	await collect(archive.paginate('ListStreams'));
	t.deepEqual(
		costs.map(({ metadataPoints }) => metadataPoints),
		[3, 3, 7, 1000, 0],
	);
	t.deepEqual(counts, { sent: 5, cancelled: 0 });
	// The local archive makes no images: what is asked costs all the same.
	await t.throwsAsync(collect(archive.paginate('GetImages', {}, { pageSize: 5 })), {
		code: 'KVS_REQUEST_FAILED',
	});
	t.deepEqual(costs.at(-1), { metadataPoints: 405, mediaPoints: 5 });
});

test('a page that fails is requested again, and one that repeats itself ends the paging', async (t) => {
	const archive = await start(t, 5);
	const once = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/listFragments' && nth === 0 ? { status: 503, body } : null,
	);
	t.is(
		(await collect(openArchive(t, once).paginate('ListFragments', { FragmentSelector }).items())).length,
		5,
	);
	const same = await startMeddler(t, archive, ({ path, body }) =>
		path === '/listFragments'
			? { body: Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), NextToken: 'AAAA' })) }
			: null,
	);
	const meddled = await startMeddler(t, { ...archive, endpoint: same }, () => null);
	await t.throwsAsync(collect(openArchive(t, meddled).paginate('ListFragments', { FragmentSelector })), {
		code: 'KVS_REQUEST_FAILED',
	});
});

test('an abort ends the paging, and invalid options are refused before the first page', async (t) => {
	const { endpoint } = await start(t, 5);
	const archive = openArchive(t, endpoint);
	const controller = new AbortController();
	const pages = archive.paginate(
		'ListFragments',
		{ FragmentSelector },
		{ pageSize: 1, signal: controller.signal },
	);
	await t.throwsAsync(
		async () => {
			for await (const _ of pages) controller.abort(new Error('enough'));
		},
		{ message: 'enough' },
	);
	const rows: [object, RegExp][] = [
		[{ maxItems: 0 }, /`maxItems`/],
		[{ pageSize: 1001 }, /`pageSize` to be an integer from 1 to 1000/],
		[{ startingToken: 'x' }, /`startingToken`/],
		[{ startingToken: Buffer.from('[1,"ListStreams",null,0]').toString('base64url') }, /`startingToken`/],
		[{ startingToken: Buffer.from('[1,"ListFragments",null,-1]').toString('base64url') }, /`startingToken`/],
		[{ startingToken: Buffer.from('[1,"ListFragments","",0]').toString('base64url') }, /`startingToken`/],
	];
	for (const [options, message] of rows) {
		t.throws(() => archive.paginate('ListFragments', {}, options), { code: 'KVS_INVALID_OPTION', message });
	}
});
