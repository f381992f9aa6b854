import test from 'ava';
import { renderMetrics } from '#lib/metrics/exposition.js';
import { ServerMetrics } from '#lib/server/server-metrics.js';
import { readExposition, sampleValue } from '../helpers/exposition.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { plainClient } from './plain-client.js';

test('requests by operation and status, and the lag of a producer, by the archive’s clock', async (t) => {
	let nowMs = Date.UTC(2026, 0, 31);
	const now = (): number => nowMs;
	const metrics = new ServerMetrics(() => archive.server.archive, { now });
	const archive = await startGrowing(t, [{ fault: 'throttle', operation: 'ListFragments', nth: 2 }], {
		now,
		onRequest: metrics.onRequest,
		onResponseEnd: metrics.onResponseEnd,
	});
	const send = plainClient(t, archive.endpoint);
	const read = () => readExposition(renderMetrics(metrics.families()));
	t.deepEqual(metrics.troubles(1), []);
	await archive.put(1, 2);
	nowMs += 61_000;
	t.deepEqual(metrics.troubles(60_000), ['stream cam: lag 61 s, more than 60 s']);
	await archive.put(3);
	t.deepEqual(metrics.troubles(60_000), []);
	for (const stream of ['cam', 'cam', 'unknown']) {
		await send('ListFragments', {
			StreamName: stream,
			FragmentSelector: {
				FragmentSelectorType: 'SERVER_TIMESTAMP',
				TimestampRange: { StartTimestamp: 0, EndTimestamp: nowMs / 1000 },
			},
		}).response;
	}
	const cam = { stream: 'cam', operation: 'ListFragments' };
	const after = read();
	t.is(sampleValue(after, 'kvs_archive_server_requests_total', { ...cam, status: '200' }), 1);
	t.is(sampleValue(after, 'kvs_archive_server_requests_total', { ...cam, status: '400' }), 1);
	t.is(sampleValue(after, 'kvs_archive_server_requests_total', { ...cam, stream: '', status: '404' }), 1);
	t.is(sampleValue(after, 'kvs_archive_server_throttled_requests_total', cam), 1);
	t.is(sampleValue(after, 'kvs_archive_server_fragments_total', cam), 3);
	t.true((sampleValue(after, 'kvs_archive_server_sent_bytes_total', cam) ?? 0) > 0);
	t.is(sampleValue(after, 'kvs_archive_server_stored_fragments_total', { stream: 'cam' }), 3);
	t.is(sampleValue(after, 'kvs_archive_server_lag_seconds', { stream: 'cam' }), 0);
	t.false(JSON.stringify([...after]).includes('unknown'));
});
