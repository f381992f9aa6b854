import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import test from 'ava';
import {
	type Fragment,
	KvsArchive,
	type KvsArchiveOptions,
	SharedClients,
	type TimeRange,
} from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

const all = between(-60_000, 3_600_000);

const listed = (archive: KvsArchive, range: TimeRange, options = {}): Promise<Fragment[]> =>
	collect(archive.fragments(range, options) as AsyncIterable<Fragment>);

test('a client handed in is used as it is', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(3) });
	const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
	const archivedMedia = new KinesisVideoArchivedMediaClient({ endpoint, region: 'eu-west-1', credentials });
	t.teardown(() => archivedMedia.destroy());
	const archive = new KvsArchive({ streamName: 'door', clients: { archivedMedia }, limiter: unlimited });
	t.is((await collect(archive.frames(all))).length, 6);
	t.is(count('GetDataEndpoint'), 0);
});

test('clients that are shared outlive each archive, and are one for each region and credentials', async (t) => {
	const { endpoint, server, count } = await startArchive(t, { door: recording(1), yard: recording(2) });
	const keys = new Set<string>();
	const sockets = new Set<unknown>();
	server.on('request', ({ headers, socket }) => {
		keys.add(
			/Credential=([^/]+)\/\d+\/([^/]+)/
				.exec(headers.authorization ?? '')
				?.slice(1, 3)
				.join(' ') ?? '',
		);
		sockets.add(socket);
	});
	const clients = new SharedClients();
	t.teardown(() => clients.close());
	const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
	const open = (streamName: string, options: Partial<KvsArchiveOptions> = {}): KvsArchive =>
		new KvsArchive({
			streamName,
			endpoint,
			region: 'eu-west-1',
			credentials,
			clients,
			limiter: unlimited,
			...options,
		});
	const [door, yard] = [open('door'), open('yard')];
	t.is((await listed(door, all)).length, 1);
	await door.close();
	t.throws(() => door.fragments(all), { code: 'KVS_CLOSED' });
	t.is((await listed(yard, all)).length, 2);
	t.deepEqual([...keys], ['a eu-west-1']);
	// Of the endpoints and of the data; a machine on which one is idle for as long as the server allows has made another.
	t.true(sockets.size < count('GetDataEndpoint') + count('ListFragments'), `${sockets.size} connections`);
	const other = { accessKeyId: 'c', secretAccessKey: 'd' };
	t.is((await listed(open('yard', { credentials: other, region: 'eu-west-2' }), all)).length, 2);
	t.deepEqual([...keys], ['a eu-west-1', 'c eu-west-2']);
	clients.close();
	await t.throwsAsync(listed(yard, all), { code: 'KVS_CLOSED' });
});

test('errors name the operation, the stream and the response', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(1) });
	const unknown = await t.throwsAsync(listed(openArchive(t, endpoint, { streamName: 'gate' }), all));
	t.like(unknown, {
		code: 'KVS_NOT_FOUND',
		operation: 'GetDataEndpoint',
		stream: 'gate',
		statusCode: 404,
		retryable: false,
	});
	t.true(unknown?.message.includes('`gate`'), unknown?.message);
	t.throws(() => openArchive(t, 'not a url'), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => new KvsArchive({ endpoint }), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => new KvsArchive({ endpoint, streamName: 'a b' }), { code: 'KVS_INVALID_OPTION' });
	t.throws(() => openArchive(t, endpoint).events({ from: new Date(2000), to: new Date(1000) }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).events({ from: new Date(Number.NaN), to: new Date(1000) }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).fragments(all, { startingToken: 'bm9uc2Vuc2U' }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => openArchive(t, endpoint).fragments(all, { pageSize: 1001 }), { code: 'KVS_INVALID_OPTION' });
	await t.throwsAsync(openArchive(t, endpoint).export(all, 'x.avi'), { code: 'KVS_INVALID_OPTION' });
});

test('quotas can be set, and not together with a limiter', (t) => {
	const options = { streamName: 'door', endpoint: 'http://127.0.0.1:1' };
	t.throws(() => new KvsArchive({ ...options, limiter: unlimited, quotas: { connections: 2 } }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => new KvsArchive({ ...options, quotas: { callsPerSecond: 0 } }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.throws(() => new KvsArchive({ ...options, quotas: { callsPerDay: 1 } as object }), {
		code: 'KVS_INVALID_OPTION',
	});
	t.notThrows(() => new KvsArchive({ ...options, quotas: { connections: 2 } }));
});

test('leaving the loop early is a normal end', async (t) => {
	const { endpoint, server } = await startArchive(t, { door: recording(500) });
	const archive = openArchive(t, endpoint);
	const stream = archive.events(all);
	let count = 0;
	for await (const _ of stream) if (++count === 5) break;
	t.true(stream.destroyed);
	t.true((await stream.summary).frames >= 2);
	await archive.close();
	const connections = (): Promise<number> =>
		new Promise((resolve) => server.getConnections((_, open) => resolve(open)));
	await until(
		async () => (await connections()) === 0,
		() => 'a connection is still open',
	);
});

test('an abort rejects with its reason, before and during a run', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(500) });
	const archive = openArchive(t, endpoint);
	const reason = new Error('enough');
	t.is(await t.throwsAsync(collect(archive.events(all, { signal: AbortSignal.abort(reason) }))), reason);
	const controller = new AbortController();
	const reading = async (): Promise<void> => {
		for await (const event of archive.events(all, { signal: controller.signal })) {
			if (event.type === 'frame') controller.abort(reason);
		}
	};
	t.is(await t.throwsAsync(reading()), reason);
	const directory = await temporaryDirectory(t);
	t.is(
		await t.throwsAsync(archive.export(all, join(directory, 'x.mkv'), { signal: AbortSignal.abort(reason) })),
		reason,
	);
	t.deepEqual(await readdir(directory), []);
});

test('after close every method says that the archive is closed, at once', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const kvs = new KvsArchive({ streamName: 'door', endpoint: archive.endpoint });
	const range = between(0, 6000);
	const pages = kvs.paginate('ListFragments');
	const source = kvs.fragments(range);
	await kvs.close();
	const calls: Readonly<Record<Exclude<keyof KvsArchive, 'client' | 'close' | symbol>, () => unknown>> = {
		fragments: () => kvs.fragments(range),
		timeline: () => kvs.timeline(range),
		events: () => kvs.events(range),
		frames: () => kvs.frames(range),
		live: () => kvs.live({ from: 'now' }),
		pictures: () => kvs.pictures(range),
		images: () => kvs.images(range),
		export: () => kvs.export(range, 'never.mkv'),
		exportRaw: () => kvs.exportRaw(range, 'never.mkv'),
		exportPictures: () => kvs.exportPictures(range, 'never'),
		clip: () => kvs.clip(range),
		hlsSession: () => kvs.hlsSession({ mode: 'live' }),
		dashSession: () => kvs.dashSession({ mode: 'live' }),
		presign: () => kvs.presign('ListFragments'),
		canPaginate: () => kvs.canPaginate('ListFragments'),
		paginate: () => kvs.paginate('ListFragments'),
		feed: () => kvs.feed(Readable.from([])),
		around: () => kvs.around(new Date(), { beforeMs: 0, afterMs: 0 }),
		follow: () => kvs.follow(),
		record: () => kvs.record('recordings'),
		putMedia: () => kvs.putMedia(Readable.from([])),
		waitForFragment: () => kvs.waitForFragment({ from: range.from }),
	};
	const closed = { code: 'KVS_CLOSED', message: /stream `door` was closed/ };
	for (const [name, call] of Object.entries(calls)) {
		await t.throwsAsync(async () => call(), closed, name);
	}
	await t.throwsAsync(source.toArray(), closed, 'a listing from before');
	await t.throwsAsync(pages.items().next(), closed, 'pages from before');
	await t.notThrowsAsync(kvs.close());
	t.is(archive.requests.length, 0);
});

test('a run that is under way when the archive is closed ends with that', async (t) => {
	const archive = await startArchive(t, { door: recording(500) });
	const kvs = new KvsArchive({ streamName: 'door', endpoint: archive.endpoint, limiter: unlimited });
	const range = between(0, 1_000_000);
	await t.throwsAsync(
		async () => {
			for await (const _ of kvs.events(range)) await kvs.close();
		},
		{ code: 'KVS_CLOSED' },
	);
});
