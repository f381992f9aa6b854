import test from 'ava';
import { Producer } from '../../helpers/service/producer.js';
import { until } from '../../helpers/wait.js';
import { SteppedClock } from '../stepped-clock.js';
import { clusterOf, frame, header, UNSIZED } from './body.js';
import { eventsOf, isPersisted, listed, startWithStream } from './start-stream.js';

test('a Cluster of known size is closed after 100 ms of silence', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000)]));
	await clock.isSleptOn(100);
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000']);
	clock.advance(100);
	await producer.ack(isPersisted(1000));
	await producer.finish();
	await producer.ended;
});

test('a silent producer gets IDLE, and is disconnected after 30 seconds', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	await clock.pass(30_000, 5000);
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000', ...Array(5).fill('IDLE undefined')]);
	t.is(producer.chunks.at(-1), '');
	// Whether more would have come to a Cluster of unknown size is not known.
	t.is((await listed(started)).length, 0);
});

test('a connection ends after 45 minutes', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	await clock.isSleptOn(5000);
	clock.advance(45 * 60_000);
	await producer.ended;
	t.like(producer.acks.at(-1), {
		EventType: 'ERROR',
		FragmentTimecode: 1000,
		ErrorId: 4003,
		ErrorCode: 'MAX_CONNECTION_DURATION_REACHED',
	});
});

test('a producer beyond the limit is refused, and accepted once another has left', async (t) => {
	const started = await startWithStream(t);
	const producers: Producer[] = [];
	for (let count = 0; count < 256; count++) {
		const producer = await Producer.open(started.url, { stream: 'cam' });
		await producer.responded();
		producers.push(producer);
	}
	const refused = await Producer.open(started.url, { stream: 'cam' });
	t.regex(await refused.responded(), /^HTTP\/1\.1 400[\s\S]*ConnectionLimitExceededException/);
	await producers[0]?.put(Buffer.alloc(0));
	await until(
		() => started.server.archive.producers < 256,
		() => `${started.server.archive.producers} producers`,
	);
	const next = await Producer.open(started.url, { stream: 'cam' });
	t.is((await next.put(Buffer.concat([header(), clusterOf(1000)]))).length, 3);
	for (const producer of producers) producer.socket.destroy();
});
