/* What ends a follower, and what does not. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { KinesisVideoClient, UpdateDataRetentionCommand } from '@aws-sdk/client-kinesis-video';
import test from 'ava';
import { type CallRecord, KvsArchive } from 'kvs-archive';
import { createArchiveServer } from 'kvs-archive/server';
import type { FollowEvent } from '#lib/follow/follow-stream.js';
import { collect } from '../helpers/collect.js';
import { freePort } from '../helpers/service/free-port.js';
import { Producer } from '../helpers/service/producer.js';
import { startServer } from '../helpers/service/start-server.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';
import { clusterOf, header } from '../server/put-media/body.js';
import { secondsOf, startFollowed } from './followed.js';
import { startGate } from './gate.js';

const HOUR_MS = 3_600_000;

test('each follower of a stream without retention reports it, also right after another', async (t) => {
	const { server, url: endpoint } = await startServer(t);
	await server.archive.ready;
	await server.archive.createStream({ name: 'dark', retentionHours: 0 });
	const archive = new KvsArchive({ streamName: 'dark', endpoint, clock: new StandstillClock(Date.now()) });
	t.teardown(() => archive.close());
	for (let times = 0; times < 2; times++) {
		await t.throwsAsync(collect(archive.follow({ from: 'earliest' })), { code: 'KVS_NO_RETENTION' });
	}
});

for (const via of ['listing', 'live'] as const) {
	test(`${via}: a stream that loses its retention ends the follower`, async (t) => {
		const { put, follow, endpoint, server } = await startFollowed(t, via);
		await put(1, 2);
		const control = new KinesisVideoClient({
			endpoint,
			region: 'us-east-1',
			credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
		});
		t.teardown(() => control.destroy());
		let isLost = false;
		const error = await t.throwsAsync(
			async () => {
				for await (const { type } of follow() as AsyncIterable<FollowEvent>) {
					if (type !== 'caught-up' || isLost) continue;
					isLost = true;
					await control.send(
						new UpdateDataRetentionCommand({
							StreamName: 'cam',
							CurrentVersion: server.archive.stream('cam')?.metadata.version,
							Operation: 'DECREASE_DATA_RETENTION',
							DataRetentionChangeInHours: 24,
						}),
					);
				}
			},
			{ code: 'KVS_NO_RETENTION' },
		);
		t.regex(error?.message ?? '', /^stream `cam` keeps nothing: its data retention is 0 hours/);
	});

	test(`${via}: media that expired after it was listed is missing in its place, and no more`, async (t) => {
		let nowMs = Date.now();
		const { put, follow, endpoint, clock, requests } = await startFollowed(t, via, [], { now: () => nowMs });
		await put(1, 2, 3);
		nowMs += 20 * HOUR_MS;
		clock.advance(20 * HOUR_MS);
		await put(4, 5);
		let isLate = false;
		const gate = await startGate(t, endpoint, async (path) => {
			if (path === '/getMediaForFragmentList' && !isLate) {
				isLate = true;
				nowMs += 5 * HOUR_MS;
				clock.advance(5 * HOUR_MS);
			}
			return null;
		});
		const outcomes: (number | string)[] = [];
		const stream = follow({}, gate);
		for await (const event of stream as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-failure') outcomes.push(event.name);
			if (event.type === 'fragment-end') outcomes.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
			if (event.type !== 'caught-up') continue;
			if (outcomes.includes(6)) break;
			await put(6);
		}
		t.deepEqual(outcomes, ['MISSING', 'MISSING', 'MISSING', 4, 5, 6]);
		t.like(await stream.summary, { fragments: 6, delivered: 3, missing: 3 });
		t.true(requests.some(({ statusCode }) => statusCode === 400));
	});

	test(`${via}: a withdrawn permission ends the follower`, async (t) => {
		const { put, follow, endpoint } = await startFollowed(t, via);
		await put(1);
		// Through GetMedia media is read by its number where GetMedia leaves it out only.
		const last = via === 'live' ? '/getMedia' : '/getMediaForFragmentList';
		for (const denied of ['/listFragments', last]) {
			let isDenied = denied === '/getMedia';
			const gate = await startGate(t, endpoint, async (path) =>
				isDenied && path === denied ? { refused: 'NotAuthorizedException', statusCode: 401 } : null,
			);
			const error = await t.throwsAsync(
				async () => {
					for await (const { type } of follow({}, gate) as AsyncIterable<FollowEvent>) {
						if (type !== 'caught-up') continue;
						isDenied = true;
						await put(2);
					}
				},
				{ code: 'KVS_DENIED' },
			);
			t.regex(error?.message ?? '', /^\w+ for stream `cam` at .* was refused \(NotAuthorizedException/);
		}
	});

	test(`${via}: a follower resumes when an unreachable server is back, and nothing is lost`, async (t) => {
		const name = `away-${via}`;
		const dataDirectory = join(await temporaryDirectory(t), 'data');
		const port = await freePort();
		const { server, url, close } = await startServer(t, { dataDirectory, port });
		await server.archive.ready;
		await server.archive.createStream({ name });
		const put = async (second: number): Promise<void> => {
			const producer = await Producer.open(url, { stream: name });
			await producer.put(Buffer.concat([header(), clusterOf(second * 1000)]));
		};
		await put(1);
		const clock = new StandstillClock(Date.now());
		const archive = new KvsArchive({ streamName: name, endpoint: url, clock });
		t.teardown(() => archive.close());
		let refused = 0;
		const onCall = (message: unknown): void => {
			const { outcome, stream } = message as CallRecord;
			if (outcome === 'failed' && stream === name) refused++;
		};
		subscribe('kvs-archive:call', onCall);
		t.teardown(() => unsubscribe('kvs-archive:call', onCall));
		const seconds: number[] = [];
		const outages: string[] = [];
		const onUnreachable = ({ message }: Error): number => outages.push(message);
		const followed: AsyncIterable<FollowEvent> = archive.follow({ from: 'earliest', via, onUnreachable });
		for await (const event of followed) {
			if (event.type === 'fragment-end')
				seconds.push((event.producerTimestamp?.getTime() ?? Number.NaN) / 1000);
			if (seconds.length === 2) break;
			if (event.type !== 'caught-up') continue;
			await close();
			await until(
				() => refused >= 3,
				() => `${refused} calls failed`,
			);
			const again = createArchiveServer({ dataDirectory });
			t.teardown(() => {
				again.close();
				again.closeAllConnections();
			});
			await again.archive.ready;
			await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve));
			await put(2);
		}
		t.deepEqual(seconds, [1, 2]);
		t.is(outages.length, 1, outages.join('\n'));
		t.regex(outages[0] ?? '', /ECONNREFUSED|refused/);
	});

	test(`${via}: a name that is not resolved is tried again`, async (t) => {
		const name = `unresolved-${via}`;
		const archive = new KvsArchive({
			streamName: name,
			endpoint: 'http://kvs-archive.invalid:1',
			region: 'us-east-1',
			credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
			clock: new StandstillClock(Date.now()),
		});
		t.teardown(() => archive.close());
		const controller = new AbortController();
		const reason = new Error('enough');
		let calls = 0;
		const onCall = (message: unknown): void => {
			if ((message as CallRecord).stream === name && ++calls === 12) controller.abort(reason);
		};
		subscribe('kvs-archive:call', onCall);
		t.teardown(() => unsubscribe('kvs-archive:call', onCall));
		await t.throwsAsync(secondsOf(archive.follow({ via, signal: controller.signal }), 1), { is: reason });
		t.true(calls >= 12);
	});
}
