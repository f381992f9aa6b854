import test from 'ava';
import { type Fragment, KvsArchive, type TimeRange } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { fragmentDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { numbers } from './delivered.js';

const all = between(-60_000, 3_600_000);

/** A range that is listed with one call. */
const short = between(0, 800_000);

const listed = (archive: KvsArchive, range: TimeRange, options = {}): Promise<Fragment[]> =>
	collect(archive.fragments(range, options) as AsyncIterable<Fragment>);

test('lists every fragment once, in order, though the service responds in no order', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(250) });
	const fragments = await listed(openArchive(t, endpoint), all, { pageSize: 50 });
	t.deepEqual(
		fragments.map((fragment) => fragment.fragmentNumber),
		numbers(250),
	);
	t.is(fragments[3]?.producerTimestamp.getTime(), startMs + 6000);
	t.is(fragments[3]?.serverTimestamp.getTime(), startMs + 7000);
	t.is(fragments[3]?.fragmentLengthInMilliseconds, 1000);
	t.is(count('GetDataEndpoint'), 1);
});

test('both ends of a range count, on the clock it names', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const archive = openArchive(t, endpoint);
	const range = { from: new Date(startMs + 4000), to: new Date(startMs + 8000) };
	const at = async (by: 'server' | 'producer'): Promise<number[]> =>
		(await listed(archive, { ...range, by })).map(
			({ producerTimestamp }) => producerTimestamp.getTime() - startMs,
		);
	t.deepEqual(await at('producer'), [4000, 6000, 8000]);
	t.deepEqual(await at('server'), [4000, 6000]);
	t.deepEqual(
		(await listed(archive, range)).map(({ producerTimestamp }) => producerTimestamp.getTime() - startMs),
		[4000, 6000],
	);
});

test('fragments with the same time are sorted by their number', async (t) => {
	const order = [5, 3, 9, 1];
	const media = Buffer.concat(
		order.map((index) => fragmentDocument({ number: fragmentNumber(index), producerMs: startMs })),
	);
	const { endpoint } = await startArchive(t, { door: media });
	t.deepEqual(
		(await listed(openArchive(t, endpoint), all)).map((fragment) => fragment.fragmentNumber),
		[1, 3, 5, 9].map(fragmentNumber),
	);
});

test('a range of ten sparse years costs dozens of calls', async (t) => {
	const dayMs = 86_400_000;
	const { endpoint, count } = await startArchive(t, {
		door: recording(365, { startMs: startMs - 3650 * dayMs, stepMs: 10 * dayMs }),
	});
	const range = { from: new Date(startMs - 3650 * dayMs), to: new Date(startMs), by: 'producer' } as const;
	t.is((await listed(openArchive(t, endpoint), range)).length, 365);
	t.true(count('ListFragments') < 40, `${count('ListFragments')} calls`);
});

test('windows that are too full are halved: more fragments than a window may hold come in order', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(12_000, { stepMs: 20 }) });
	const fragments = await listed(openArchive(t, endpoint), all);
	t.is(fragments.length, 12_000);
	t.true(fragments.every((fragment, index) => fragment.fragmentNumber === fragmentNumber(index + 1)));
});

test('a listing stops after maxItems and continues from its token, in another process too', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(25) });
	const found: string[] = [];
	let startingToken: string | undefined;
	let rounds = 0;
	do {
		const source = openArchive(t, endpoint).fragments(
			startingToken === undefined ? all : { from: new Date(0), to: new Date(0) },
			{
				maxItems: 10,
				startingToken,
			},
		);
		for await (const fragment of source as AsyncIterable<Fragment>) found.push(fragment.fragmentNumber);
		startingToken = source.nextToken ?? undefined;
		rounds++;
	} while (startingToken !== undefined);
	t.deepEqual(found, numbers(25));
	t.is(rounds, 3);
});

test('a listing that ends with its last fragment has no token', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(10) });
	const source = openArchive(t, endpoint).fragments(all, { maxItems: 10 });
	t.is((await collect(source as AsyncIterable<Fragment>)).length, 10);
	t.is(source.nextToken, null);
});

test('a stream is found by its ARN', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(2) });
	const { createArchiveServer: _, ...rest } = await import('kvs-archive/server');
	t.deepEqual(Object.keys(rest), ['ServerMetrics']);
	const response = await fetch(`${endpoint}/describeStream`, {
		method: 'POST',
		body: '{"StreamName":"door"}',
	});
	const { StreamInfo } = (await response.json()) as { StreamInfo: { StreamARN: string } };
	const archive = new KvsArchive({ streamArn: StreamInfo.StreamARN, endpoint, limiter: unlimited });
	t.is((await listed(archive, all)).length, 2);
	await archive.close();
});

test('the data endpoint is requested once for each API, and again after a failure', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path === '/listFragments' && nth === 1
			? { status: 500, body: Buffer.from('{"__type":"InternalFailure"}') }
			: null,
	);
	const kvs = openArchive(t, endpoint);
	await collect(kvs.events(short));
	t.is(archive.count('GetDataEndpoint'), 2);
	await collect(kvs.events(short));
	t.is(archive.count('GetDataEndpoint'), 3);
});
