import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions, MonotonicClock, RequestRecord } from '#lib/server/index.js';
import { Producer, type ReceivedAck } from '../../helpers/service/producer.js';
import { startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { until } from '../../helpers/wait.js';
import { recordedChunk } from '../made-media.js';
import { plainClient } from '../plain-client.js';
import { clusterOf, frame, header, tags, UNSIZED } from '../put-media/body.js';
import { SteppedClock } from '../stepped-clock.js';

/** A clock on which pacing takes no time, and time limits are never reached. */
class PacingClock implements MonotonicClock {
	nowMs = 0;

	now(): number {
		return this.nowMs;
	}

	async sleep(ms: number, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (ms < 50) this.nowMs += ms;
		else {
			await new Promise((_, reject) => {
				signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
			});
		}
	}
}

/** A server of AWS's quotas with the streams `cam` and `gate`. */
async function startLive(t: ExecutionContext, clock: MonotonicClock, options: ArchiveServerOptions = {}) {
	const requests: RequestRecord[] = [];
	const ended: string[] = [];
	const started = await startServer(t, {
		quotas: 'aws',
		clock,
		onRequest: (record) => requests.push(record),
		onResponseEnd: ({ request }) => ended.push(`${request.operation}`),
		onWarning: () => {},
		...options,
	});
	await started.server.archive.ready;
	for (const name of ['cam', 'gate']) await started.server.archive.createStream({ name });
	const put = async (stream = 'cam'): Promise<Producer> => {
		const producer = await Producer.open(started.url, { stream });
		await producer.responded();
		return producer;
	};
	const hasEnded = (count: number) =>
		until(
			() => ended.length >= count,
			() => `ended: ${ended.join()}`,
		);
	const send = plainClient(t, started.url);
	const live = (StreamName = 'cam') =>
		send('GetMedia', { StreamName, StartSelector: { StartSelectorType: 'EARLIEST' } });
	return { ...started, requests, hasEnded, put, send, live };
}

const isBuffering = (timecode: number) => (ack: ReceivedAck) =>
	ack.EventType === 'BUFFERING' && ack.FragmentTimecode === timecode;

test('a third producer of a stream is refused until one of the two is gone', async (t) => {
	const { requests, hasEnded, put } = await startLive(t, new SteppedClock());
	const [first, second] = [await put(), await put()];
	t.regex(first.head, /^HTTP\/1.1 200/);
	t.regex(second.head, /^HTTP\/1.1 200/);
	const refused = await put();
	t.regex(refused.head, /^HTTP\/1.1 400 [\s\S]*x-amzn-errortype: ConnectionLimitExceededException/i);
	const other = await put('gate');
	t.regex(other.head, /^HTTP\/1.1 200/);
	await refused.ended;
	first.socket.destroy();
	await hasEnded(2);
	const next = await put();
	t.regex(next.head, /^HTTP\/1.1 200/);
	t.deepEqual(
		requests.map(({ openMediaConnections, isThrottled }) => [openMediaConnections, isThrottled]),
		[
			[0, false],
			[1, false],
			[2, true],
			[0, false],
			[1, false],
		],
	);
});

test('five PutMedia calls in any rolling second', async (t) => {
	const clock = new SteppedClock();
	const { put, hasEnded } = await startLive(t, clock);
	for (let call = 0; call < 5; call++) {
		const producer = await put();
		t.regex(producer.head, /^HTTP\/1.1 200/);
		await producer.put(Buffer.concat([header(), clusterOf(1000 + call)]));
		await hasEnded(call + 1);
	}
	t.regex((await put()).head, /^HTTP\/1.1 400 [\s\S]*x-amzn-errortype: ClientLimitExceededException/i);
	t.regex((await put('gate')).head, /^HTTP\/1.1 200/);
	clock.advance(1000);
	t.regex((await put()).head, /^HTTP\/1.1 200/);
});

test('reading pauses before a sixth fragment in a second, without counting as silence of the producer', async (t) => {
	const clock = new SteppedClock();
	const { put, send } = await startLive(t, clock);
	const producer = await put();
	await producer.send(header());
	for (let second = 1; second <= 4; second++) {
		await producer.send(clusterOf(second * 1000, [frame(0)], UNSIZED));
		await producer.ack(isBuffering(second * 1000));
	}
	// Whole, but for tags that are not read yet.
	await producer.send(clusterOf(5000));
	await producer.ack(isBuffering(5000));
	await producer.send(Buffer.concat([...tags(['motion', 'yes']), clusterOf(6000, [frame(0)], UNSIZED)]));
	await clock.isSleptOn(1000);
	for (let waitedMs = 0; waitedMs < 900; waitedMs += 100) {
		await clock.isSleptOn(100);
		clock.advance(100);
	}
	await clock.isSleptOn(100);
	t.false(producer.acks.some(isBuffering(6000)));
	clock.advance(100);
	await producer.ack(isBuffering(6000));
	const { FragmentNumber } = await producer.ack(
		({ EventType, FragmentTimecode }) => EventType === 'PERSISTED' && FragmentTimecode === 5000,
	);
	t.false(producer.acks.some(({ EventType }) => EventType === 'IDLE'));
	const media = await send('GetMediaForFragmentList', { StreamName: 'cam', Fragments: [FragmentNumber] })
		.response;
	t.true(media.body.includes('motion'));
});

test('a producer that sends far too many fragments at once waits, and receives neither IDLE nor ERROR', async (t) => {
	const clock = new SteppedClock();
	const { put } = await startLive(t, clock);
	const producer = await put();
	const clusters = Array.from({ length: 300 }, (_, index) => clusterOf(1000 * index, [frame(0)], UNSIZED));
	await producer.send(Buffer.concat([header(), ...clusters]));
	await until(
		() => producer.acks.some(isBuffering(299_000)),
		() => `${JSON.stringify(producer.acks.at(-1))} ${clock.pending}`,
	);
	await producer.send(clusterOf(300_000, [frame(0)], UNSIZED));
	// Sixty seconds of fragments came at the time 0: the pace waits, and the watch on the connection, and the server.
	await until(
		() => clock.pending === 3,
		() => `${clock.pending} waits`,
	);
	await clock.pass(55_000, 5000);
	await clock.isSleptOn(5000);
	t.false(producer.acks.some(isBuffering(300_000)));
	clock.advance(5000);
	await producer.ack(isBuffering(300_000));
	t.false(producer.acks.some(({ EventType }) => EventType === 'IDLE' || EventType === 'ERROR'));
});

test('a body is read at 12.5 MB/s', async (t) => {
	const clock = new PacingClock();
	const { put } = await startLive(t, clock);
	const producer = await put();
	const media = clusterOf(1000, [frame(0, { data: randomBytes(5_000_000) })]);
	const acks = await producer.put(Buffer.concat([header(), media]));
	t.is(acks.at(-1)?.EventType, 'PERSISTED');
	const expectedMs = (media.byteLength / 12_500_000) * 1000;
	t.true(clock.nowMs > expectedMs - 80 && clock.nowMs <= expectedMs + 1, `${clock.nowMs}`);
});

test('a producer that is too fast is slowed by back-pressure', async (t) => {
	const clock = new SteppedClock();
	const { put } = await startLive(t, clock);
	const producer = await put();
	void producer.send(
		Buffer.concat([header(), clusterOf(1000, [frame(0, { data: Buffer.alloc(40_000_000) })])]),
	);
	await producer.ack(isBuffering(1000));
	await until(
		() => clock.pending >= 3,
		() => `${clock.pending} waits`,
	);
	t.true(producer.socket.writableLength > 0);
	producer.socket.destroy();
});

test('short fragments are stored, as the service has no error for them', async (t) => {
	const { put } = await startLive(t, new SteppedClock());
	const producer = await put();
	const acks = await producer.put(Buffer.concat([header(), clusterOf(1000), clusterOf(1100)]));
	t.is(acks.filter(({ EventType }) => EventType === 'PERSISTED').length, 2);
});

test('a fourth GetMedia of a stream is refused until one of the three is gone', async (t) => {
	const clock = new SteppedClock();
	const { requests, hasEnded, live } = await startLive(t, clock);
	const open = [live(), live(), live()];
	for (const { head } of open) t.is(await head, 200);
	t.like(await live().response, { status: 400, awsError: 'ConnectionLimitExceededException' });
	t.is(await live('gate').head, 200);
	open[1]?.destroy();
	await hasEnded(2);
	const next = live();
	t.is(await next.head, 200);
	t.deepEqual(
		requests.map(({ openMediaConnections }) => openMediaConnections),
		[0, 1, 2, 3, 0, 2],
	);
	open[0]?.destroy();
	await hasEnded(3);
	t.is(await live().head, 200);
	open[2]?.destroy();
	await hasEnded(4);
	t.is((await live().response).awsError, 'ClientLimitExceededException', 'the sixth call in a second');
	clock.advance(1000);
	t.is(await live().head, 200);
});

test('GetMedia goes out at 25 MB/s', async (t) => {
	const clock = new PacingClock();
	const { server, live } = await startLive(t, clock);
	const file = join(await temporaryDirectory(t), 'big.mkv');
	const number = ((1n << 156n) + (9n << 92n)).toString();
	const chunk = recordedChunk(number, 1000, randomBytes(3_000_000).toString('hex'));
	await writeFile(file, chunk);
	await server.archive.ingest('big', file);
	const reader = live('big');
	await reader.received(chunk.byteLength);
	const expectedMs = (chunk.byteLength / 25_000_000) * 1000;
	t.true(clock.nowMs > expectedMs - 70 && clock.nowMs <= expectedMs + 1, `${clock.nowMs}`);
	reader.destroy();
});

test('five calls a second of each operation on a stream, and fifty of those on the account', async (t) => {
	const clock = new PacingClock();
	const { send } = await startLive(t, clock);
	const status = async (operation: string, members: object): Promise<number> => {
		const { status: found, awsError } = await send(operation, members).response;
		if (found !== 200) t.is(awsError, 'ClientLimitExceededException', operation);
		return found;
	};
	const perStream: [string, object][] = [
		['ListTagsForStream', {}],
		['TagStream', { Tags: { a: 'b' } }],
		['UntagStream', { TagKeyList: ['a'] }],
		['DescribeStreamStorageConfiguration', {}],
	];
	for (const [operation, members] of perStream) {
		for (let call = 0; call < 5; call++)
			t.is(await status(operation, { StreamName: 'cam', ...members }), 200);
		t.is(await status(operation, { StreamName: 'cam', ...members }), 400);
		t.is(await status(operation, { StreamName: 'gate', ...members }), 200);
	}
	for (let call = 0; call < 50; call++) {
		t.is(await status('CreateStream', { StreamName: `new-${call}` }), 200);
		t.is(await status('ListStreams', {}), 200);
	}
	t.is(await status('CreateStream', { StreamName: 'one-more' }), 400);
	t.is(await status('ListStreams', {}), 400);
	clock.nowMs = 1000;
	t.is(await status('CreateStream', { StreamName: 'one-more' }), 200);
	t.is(await status('ListStreams', {}), 200);
});
