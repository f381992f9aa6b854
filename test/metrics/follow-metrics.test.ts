import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { FollowMetrics, serveMetrics } from 'kvs-archive';
import type { FollowEvent } from '#lib/follow/follow-stream.js';
import { startFollowed } from '../follow/followed.js';
import { readExposition, sampleValue } from '../helpers/exposition.js';

const MAX_LAG_MS = 60_000;

test('lag, checkpoint age and counts, by a clock, across two followers', async (t) => {
	const { put, follow, checkpoint, clock, stream } = await startFollowed(t, 'listing');
	const metrics = new FollowMetrics({ clock });
	await using server = await serveMetrics(metrics, { port: 0, maxLagMs: MAX_LAG_MS });
	const read = async () => readExposition(await (await fetch(`${server.url}/metrics`)).text());
	const health = async (): Promise<[number, string]> => {
		const response = await fetch(`${server.url}/healthz`);
		return [response.status, await response.text()];
	};
	t.deepEqual(
		[...(await read()).values()].flatMap(({ samples }) => samples),
		[],
	);
	t.deepEqual(await health(), [200, 'ok\n']);

	await put(1, 2, 3);
	let ended = 0;
	for await (const event of follow({ checkpoint: checkpoint(), metrics }) as AsyncIterable<FollowEvent>) {
		if (event.type === 'fragment-end' && ++ended === 2) {
			// The second is not done before the next event is asked for.
			clock.advance(75_000);
			const [status, says] = await health();
			t.is(status, 503);
			const second = stream.fragments.get(event.fragmentNumber ?? '');
			t.is(says, `stream cam: lag ${(clock.now() - (second?.serverMs ?? 0)) / 1000} s, more than 60 s\n`);
			t.is(sampleValue(await read(), 'kvs_archive_checkpoint_age_seconds', { stream: 'cam' }), 75);
		}
		if (event.type !== 'caught-up') continue;
		t.deepEqual(await health(), [200, 'ok\n']);
		if (ended === 3) break;
	}
	// One that goes on from the checkpoint adds to what was counted.
	await put(4);
	for await (const event of follow({ checkpoint: checkpoint(), metrics }) as AsyncIterable<FollowEvent>) {
		if (event.type === 'caught-up') break;
	}
	const after = await read();
	const cam = { stream: 'cam' };
	t.is(sampleValue(after, 'kvs_archive_fragments_total', { ...cam, outcome: 'delivered' }), 4);
	t.is(sampleValue(after, 'kvs_archive_fragments_total', { ...cam, outcome: 'missing' }), 0);
	t.is(sampleValue(after, 'kvs_archive_frames_total', cam), 8);
	t.true((sampleValue(after, 'kvs_archive_media_bytes_total', cam) ?? 0) > 0);
	const listed = { ...cam, operation: 'ListFragments', outcome: 'succeeded' };
	t.true((sampleValue(after, 'kvs_archive_calls_total', listed) ?? 0) >= 4);
	t.is(after.get('kvs_archive_lag_seconds')?.type, 'gauge');

	// Where the last follower has ended the lag grows, until the stream is followed elsewhere.
	clock.advance(MAX_LAG_MS + 1);
	t.is((await health())[0], 503);
	t.is(sampleValue(await read(), 'kvs_archive_lag_seconds', cam), (MAX_LAG_MS + 1) / 1000);
	metrics.forget('cam');
	t.deepEqual(await health(), [200, 'ok\n']);
	t.false(metrics.text().includes('stream="cam"'));
});

test('where a stream is followed in turns with others, its lag is that of the last turn, for a minute', async (t) => {
	const { put, follow, clock } = await startFollowed(t, 'listing');
	const metrics = new FollowMetrics({ clock, isShared: true });
	const lagS = (): number | undefined =>
		sampleValue(readExposition(metrics.text()), 'kvs_archive_lag_seconds', { stream: 'cam' });
	const turn = async (handle: () => void): Promise<void> => {
		const stream = follow({ metrics, until: 'caught-up' });
		const closed = once(stream, 'close');
		try {
			for await (const { type } of stream as AsyncIterable<FollowEvent>) if (type === 'fragment') handle();
		} finally {
			await closed;
		}
	};
	await put(1);
	const bad = new Error('bad');
	await t.throwsAsync(
		turn(() => {
			clock.advance(2 * MAX_LAG_MS);
			throw bad;
		}),
		{ is: bad },
	);
	// It does not grow: others may follow the stream now. Nor is it forgotten before a health check comes.
	clock.advance(30_000);
	const lag = lagS() ?? 0;
	t.true(lag > 110 && lag < 145, `${lag} s`);
	t.regex(metrics.troubles(MAX_LAG_MS).join(), /^stream cam: lag \d/);
	clock.advance(31_000);
	t.is(lagS(), undefined);
	t.deepEqual(metrics.troubles(MAX_LAG_MS), []);
	await turn(() => {});
	t.true((lagS() ?? 180) < 145);
});

test('calls are counted by outcome', async (t) => {
	const { put, follow, clock } = await startFollowed(t, 'listing', [
		{ fault: 'throttle', operation: 'ListFragments', nth: 1 },
		{ fault: 'server-error', operation: 'ListFragments', nth: 2 },
	]);
	await put(1);
	const metrics = new FollowMetrics({ clock });
	for await (const event of follow({ metrics }) as AsyncIterable<FollowEvent>) {
		if (event.type === 'fragment-end') break;
	}
	const read = readExposition(metrics.text());
	const calls = { stream: 'cam', operation: 'ListFragments' };
	t.is(sampleValue(read, 'kvs_archive_calls_total', { ...calls, outcome: 'throttled' }), 1);
	t.is(sampleValue(read, 'kvs_archive_calls_total', { ...calls, outcome: 'failed' }), 1);
});

test('refuses foreign hosts, unknown paths and methods, a port in use and invalid options', async (t) => {
	await using server = await serveMetrics(new FollowMetrics(), { port: 0 });
	const get = (path: string, headers: Record<string, string>, method = 'GET'): Promise<[number, string]> =>
		new Promise((resolve, reject) => {
			const sent = request(`${server.url}${path}`, { headers, method, agent: false }, (response) => {
				text(response).then((body) => resolve([response.statusCode ?? 0, body]), reject);
			});
			sent.on('error', reject).end();
		});
	t.is((await get('/metrics', { host: 'evil.example' }))[0], 403);
	t.is((await get('/metrics', { host: 'localhost:1' }))[0], 200);
	t.is((await get('/', {}))[0], 404);
	t.is((await get('/metrics', {}, 'POST'))[0], 405);
	const port = Number(new URL(server.url).port);
	await t.throwsAsync(serveMetrics(new FollowMetrics(), { port }), {
		code: 'KVS_SERVER_FAILED',
		message: `cannot listen on 127.0.0.1:${port}: the port is in use (EADDRINUSE); choose another one, or 0 for a free one`,
	});
	for (const options of [{ port: 65_536 }, { port: 0, maxLagMs: 0 }]) {
		await t.throwsAsync(serveMetrics(new FollowMetrics(), options), { code: 'KVS_INVALID_OPTION' });
	}
	await server.close();
	await t.throwsAsync(fetch(`${server.url}/metrics`));
});
