import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import type { Fragment, RequestError } from 'kvs-archive';
import { type ArchiveServer, createArchiveServer } from 'kvs-archive/server';
import { collect } from '../helpers/collect.js';
import { freePort } from '../helpers/service/free-port.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';
import { matroska } from '../server/made-media.js';
import { FlyingClock, startFeedService } from './feed-service.js';
import { CLOCK, film, filmFile, pipe, range, run, START, store } from './feeding.js';

test('a connection that breaks off: what was not PERSISTED is sent again, and nothing else', async (t) => {
	const service = await startFeedService(t, (arrival) => {
		const { connection, index, ack, cut } = arrival;
		if (connection === 0 && index === 0) store(arrival);
		else if (connection === 0 && index === 1) {
			ack('RECEIVED');
			cut();
		} else if (connection > 0) store(arrival);
	});
	const archive = openArchive(t, service.endpoint, { clock: new FlyingClock() });
	const { summary } = await run(archive.feed(await filmFile(t, film(10)), { start: START }));
	t.like(summary, { fragments: 5, stored: 5, connections: 2, isComplete: true });
	const second = service.arrivals.filter(({ connection }) => connection === 1);
	t.deepEqual(
		second.map(({ timecode }) => timecode - START.getTime()),
		[2000, 4000, 6000, 8000],
	);
	t.deepEqual(
		service.errors.filter(({ errorId }) => errorId !== 4000),
		[],
	);
});

test('a local archive that is restarted in the middle: nothing is lost', async (t) => {
	const dataDirectory = join(await temporaryDirectory(t), 'data');
	const port = await freePort();
	const open = async (): Promise<ArchiveServer> => {
		let server = createArchiveServer({ dataDirectory });
		// The one before gives the directory back a moment after its port.
		const isReady = (): Promise<boolean> =>
			server.archive.ready.then(
				() => true,
				() => {
					server = createArchiveServer({ dataDirectory });
					return false;
				},
			);
		await until(isReady, () => 'the data directory is in use');
		server.listen(port, '127.0.0.1');
		await once(server, 'listening');
		return server;
	};
	const close = async (server: ArchiveServer): Promise<void> => {
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	};
	let server = await open();
	t.teardown(() => close(server));
	const archive = openArchive(t, server.endpoint ?? '');
	const media = pipe(matroska(film(60)));
	const stored = new Set<number>();
	const feeding = archive.feed(media, { create: true, pace: 'fast', start: START });
	for await (const { eventType, fragmentTimecode } of feeding) {
		if (eventType !== 'PERSISTED' || fragmentTimecode === null) continue;
		stored.add(fragmentTimecode);
		if (stored.size !== 5) continue;
		await close(server);
		server = await open();
	}
	const summary = await feeding.summary;
	t.like(summary, { fragments: 30, stored: 30, isComplete: true });
	const listed = (await collect(archive.fragments(range))) as Fragment[];
	t.deepEqual(
		[...new Set(listed.map(({ producerTimestamp }) => producerTimestamp.getTime()))],
		Array.from({ length: 30 }, (_, index) => START.getTime() + index * 2000),
	);
});

test('an unreachable service is reported and waited for; after a minute it is an error', async (t) => {
	const port = await freePort();
	const endpoint = `http://127.0.0.1:${port}`;
	const clock = new FlyingClock();
	const beganMs = clock.now();
	const said: Error[] = [];
	const onUnreachable = (error: Error): number => said.push(error);
	const never = openArchive(t, endpoint, { clock }).feed(CLOCK, { onUnreachable });
	const error = await t.throwsAsync(collect(never), { code: 'KVS_UNREACHABLE' });
	t.deepEqual(
		said.map(({ message }) => message),
		[error?.message],
	);
	const awayMs = clock.now() - beganMs;
	t.true(awayMs >= 60_000 && awayMs < 75_000, `${awayMs} ms`);
	const late = createArchiveServer();
	t.teardown(() => {
		late.close();
		late.closeAllConnections();
	});
	const feeding = openArchive(t, endpoint).feed(await filmFile(t, film(4)), {
		create: true,
		onUnreachable: () => late.listen(port, '127.0.0.1'),
	});
	t.like((await run(feeding)).summary, { fragments: 2, stored: 2, isComplete: true });
});

test('a service that refuses for a while, with a 5xx or without a response, is retried', async (t) => {
	const service = await startFeedService(t, store, {
		statusOf: (connection) => (connection < 7 ? 503 : connection < 9 ? null : 200),
	});
	const archive = openArchive(t, service.endpoint, { clock: new FlyingClock() });
	const { summary } = await run(archive.feed(await filmFile(t, film(4)), { start: START }));
	t.like(summary, { fragments: 2, stored: 2, isComplete: true });
	const never = await startFeedService(t, store, { statusOf: () => 503 });
	const feeding = openArchive(t, never.endpoint, { clock: new FlyingClock() }).feed(CLOCK);
	await t.throwsAsync(collect(feeding), { code: 'KVS_REQUEST_FAILED', message: /failed with 503/ });
	const denied = await startFeedService(t, store, { statusOf: () => 403 });
	await t.throwsAsync(collect(openArchive(t, denied.endpoint).feed(CLOCK)), { code: 'KVS_DENIED' });
	t.is(denied.paths.filter((path) => path === '/putMedia').length, 1);
});

test('before the service would end a connection, another follows it, between two fragments', async (t) => {
	const clock = new FlyingClock();
	const service = await startFeedService(t, store);
	const archive = openArchive(t, service.endpoint, { clock });
	const feeding = archive.feed(await filmFile(t, film(60, 15)), {
		loop: true,
		pace: 'realtime',
		start: START,
	});
	for await (const _ of feeding) if (service.arrivals.at(-1)?.connection === 2) break;
	const { connections } = await feeding.summary;
	t.is(connections, 3);
	const times = service.arrivals.map(({ timecode }) => timecode);
	t.deepEqual(times, [...new Set(times)], 'nothing is sent twice');
	t.deepEqual(
		service.errors.filter(({ errorId }) => errorId !== 4000),
		[],
	);
});

test('a service that stops accepting media is an error after five minutes', async (t) => {
	const clock = new FlyingClock();
	let lastStoredMs = 0;
	const service = await startFeedService(
		t,
		(arrival) => {
			if (arrival.index > 0) {
				arrival.cut();
				return;
			}
			lastStoredMs = clock.now();
			store(arrival);
		},
		{ statusOf: (connection) => (connection === 0 ? 200 : null) },
	);
	const archive = openArchive(t, service.endpoint, { clock });
	const feeding = archive.feed(await filmFile(t, film(10)), { start: START });
	await t.throwsAsync(collect(feeding), {
		code: 'KVS_UNREACHABLE',
		// It is sent again without being asked for.
		message: /^PutMedia for stream `door`(?!.*send again)/,
	});
	const outageMs = clock.now() - lastStoredMs;
	t.true(outageMs > 5 * 60_000 && outageMs < 6 * 60_000, `${outageMs} ms`);
});

test('an ERROR of one fragment: it is refused, and all others are stored', async (t) => {
	const refusedAt = START.getTime() + 4000;
	const service = await startFeedService(t, (arrival) => {
		if (arrival.timecode !== refusedAt) store(arrival);
		else {
			arrival.ack('ERROR', { ErrorCode: 'INVALID_MKV_DATA', ErrorId: 4006 });
			arrival.end();
		}
	});
	const archive = openArchive(t, service.endpoint, { clock: new FlyingClock() });
	const { summary, acks } = await run(archive.feed(await filmFile(t, film(10)), { start: START }));
	t.like(summary, { fragments: 5, stored: 4, isComplete: false });
	t.deepEqual(summary.refused, [
		{ producerTimestamp: new Date(refusedAt), errorId: 4006, errorCode: 'INVALID_MKV_DATA' },
	]);
	t.is(acks.filter(({ eventType }) => eventType === 'ERROR').length, 1);
	t.is(service.arrivals.filter(({ timecode }) => timecode === refusedAt).length, 1, 'it is not sent again');
});

test('an ERROR of the service: the fragment is sent again', async (t) => {
	const service = await startFeedService(t, (arrival) => {
		if (arrival.connection > 0) store(arrival);
		else {
			arrival.ack('ERROR', { ErrorCode: 'INTERNAL_ERROR', ErrorId: 5000 });
			arrival.end();
		}
	});
	const archive = openArchive(t, service.endpoint, { clock: new FlyingClock() });
	const { summary } = await run(archive.feed(await filmFile(t, film(4)), { start: START }));
	t.like(summary, { fragments: 2, stored: 2, connections: 2, refused: [], isComplete: true });
});

test('an ERROR of the stream, and one that comes again and again, end the feed', async (t) => {
	const errorOf = async (
		errorId: number,
	): Promise<{ error: RequestError | undefined; connections: number }> => {
		const service = await startFeedService(t, ({ ack, end }) => {
			ack('ERROR', { ErrorCode: 'SOME_ERROR', ErrorId: errorId });
			end();
		});
		const archive = openArchive(t, service.endpoint, { clock: new FlyingClock() });
		const feeding = archive.feed(await filmFile(t, film(4)), { start: START });
		const error = await t.throwsAsync<RequestError>(collect(feeding));
		return { error, connections: (await feeding.summary).connections };
	};
	const stream = await errorOf(4008);
	t.like(stream, { connections: 1, error: { code: 'KVS_REQUEST_FAILED', operation: 'PutMedia' } });
	t.regex(stream.error?.message ?? '', /ERROR 4008 \(SOME_ERROR\)/);
	t.is((await errorOf(5001)).connections, 5);
});
