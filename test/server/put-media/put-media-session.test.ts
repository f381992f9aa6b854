import test from 'ava';
import { serviceTags } from '#lib/server/wire/chunk-writer.js';
import { Producer } from '../../helpers/service/producer.js';
import { clusterOf, endOfFragment, frame, header, tags, UNSIZED } from './body.js';
import { chunkOf, eventsOf, isPersisted, listed, startWithStream } from './start-stream.js';

const START_MS = Date.UTC(2026, 0, 31, 14);

test('300 fragments are acknowledged in order, listed, and read back byte for byte', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const clusters = Array.from({ length: 300 }, (_, index) => clusterOf(START_MS + index * 1000));
	await producer.send(header());
	for (const bytes of clusters) await producer.send(bytes);
	await producer.finish();
	await producer.ended;
	t.regex(producer.head, /^HTTP\/1\.1 200/);
	t.is(producer.acks.length, 900);
	for (const [index] of clusters.entries()) {
		const own = producer.acks.filter(({ FragmentTimecode }) => FragmentTimecode === START_MS + index * 1000);
		t.deepEqual(
			own.map(({ EventType }) => EventType),
			['BUFFERING', 'RECEIVED', 'PERSISTED'],
		);
		t.is(new Set(own.map(({ FragmentNumber }) => FragmentNumber)).size, 1);
	}
	for (const type of ['BUFFERING', 'RECEIVED', 'PERSISTED']) {
		const times = producer.acks.flatMap((ack) => (ack.EventType === type ? [ack.FragmentTimecode] : []));
		t.deepEqual(
			times,
			times.toSorted((a = 0, b = 0) => a - b),
			type,
		);
	}
	// One acknowledgement, one HTTP chunk, one line; and the last chunk is empty.
	t.true(producer.chunks.slice(0, -1).every((chunk) => /^\{.*\}\n$/.test(chunk) && chunk.length < 1024));
	t.is(producer.chunks.at(-1), '');

	const fragments = await listed(started);
	t.is(fragments.length, 300);
	for (const [
		index,
		{ FragmentNumber, ProducerTimestamp, ServerTimestamp, ...rest },
	] of fragments.entries()) {
		const producerMs = START_MS + index * 1000;
		t.is(Math.round(ProducerTimestamp * 1000), producerMs);
		const serverMs = Math.round(ServerTimestamp * 1000);
		const expected = Buffer.concat([
			header(),
			serviceTags({ number: FragmentNumber, serverMs, producerMs }),
			clusters[index] as Buffer,
		]);
		t.like(rest, { FragmentLengthInMilliseconds: 40, FragmentSizeInBytes: expected.byteLength });
		if (index % 50 === 0) t.deepEqual(await chunkOf(started, FragmentNumber), expected);
	}
});

test('a fragment is listed as soon as it is acknowledged, while the next one is sent', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED)]));
	await producer.ack(({ EventType }) => EventType === 'BUFFERING');
	t.is((await listed(started)).length, 0);
	await producer.send(clusterOf(2000, [frame(0)], UNSIZED));
	const { FragmentNumber } = await producer.ack(isPersisted(1000));
	t.deepEqual(
		(await listed(started)).map((fragment) => fragment.FragmentNumber),
		[FragmentNumber],
	);
	t.deepEqual(eventsOf(producer.acks).slice(0, 2), ['BUFFERING 1000', 'RECEIVED 1000']);
	await producer.finish();
	await producer.ended;
	t.is((await listed(started)).length, 2);
});

test('tags before the first Cluster go with the first fragment, those between two with the one before', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const lead = Buffer.concat(tags(['lead', '0']));
	const between = Buffer.concat(tags(['between', '1']));
	await producer.put(Buffer.concat([header(), lead, clusterOf(1000), between, clusterOf(2000)]));
	const [first, second] = await listed(started);
	const firstChunk = await chunkOf(started, first.FragmentNumber);
	t.true(firstChunk.includes(lead) && firstChunk.subarray(-between.byteLength).equals(between));
	const secondChunk = await chunkOf(started, second.FragmentNumber);
	t.false(secondChunk.includes('lead') || secondChunk.includes('between'));
});

const starts: [string, string, number][] = [
	['1511852108.513', 'any', 1_511_852_108_513],
	['1511852108.51', 'any', 1_511_852_108_510],
	['1511852108.51', 'AWS-PRODUCER-SDK-KVS/1.6.4', 1_511_852_108_051],
	['1511852108.5', 'AWS-SDK-KVS-CPP-CLIENT/3.6.0/1.6.4 CPPSDK', 1_511_852_108_005],
	['1511852108.7421369', 'any', 1_511_852_108_742],
	['1511852108', 'any', 1_511_852_108_000],
	['2017-11-28T06:55:08.513Z', 'any', 1_511_852_108_513],
	['0', 'any', 0],
];

test('relative timecodes count from the start, in every form that producers write it', async (t) => {
	const started = await startWithStream(t);
	for (const [start, agent, startMs] of starts) {
		const producer = await Producer.open(started.url, {
			stream: 'cam',
			timecodes: 'RELATIVE',
			start,
			headers: [`User-Agent: ${agent}`],
		});
		const acks = await producer.put(Buffer.concat([header(), clusterOf(250)]));
		t.is(acks[0]?.FragmentTimecode, 250);
		const { ProducerTimestamp } = (await listed(started)).at(-1);
		t.is(Math.round(ProducerTimestamp * 1000), startMs + 250, `${start} of ${agent}`);
	}
});

test('END_OF_FRAGMENT closes a fragment while the body stays open', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const user = tags(['motion', 'yes']);
	await producer.send(
		Buffer.concat([header(), clusterOf(1000, [frame(0)], UNSIZED), ...user, ...endOfFragment]),
	);
	const { FragmentNumber } = await producer.ack(isPersisted(1000));
	t.true((await chunkOf(started, FragmentNumber)).includes('motion'));
	await producer.finish();
	await producer.ended;
	t.deepEqual(eventsOf(producer.acks), ['BUFFERING 1000', 'RECEIVED 1000', 'PERSISTED 1000']);
});

test('a stream without retention sends no PERSISTED, and lists nothing', async (t) => {
	const started = await startWithStream(t, { retentionHours: 0 });
	const stream = await started.server.archive.createStream({ name: 'live', retentionHours: 0 });
	const producer = await Producer.open(started.url, { stream: 'live' });
	const acks = await producer.put(Buffer.concat([header(), clusterOf(1000), clusterOf(2000)]));
	t.deepEqual(eventsOf(acks), ['BUFFERING 1000', 'RECEIVED 1000', 'BUFFERING 2000', 'RECEIVED 2000']);
	t.is((await listed(started, 'live')).length, 0);
	t.is(stream.fragments.appended, 2);
});

test('concurrent producers of one stream are all served, and each fragment number is given once', async (t) => {
	const started = await startWithStream(t);
	const producers = await Promise.all(
		Array.from({ length: 3 }, () => Producer.open(started.url, { stream: 'cam' })),
	);
	for (const producer of producers) await producer.send(header());
	for (let index = 0; index < 20; index++) {
		for (const [which, producer] of producers.entries()) {
			await producer.send(clusterOf(1000 * index + which, [frame(0)]));
		}
	}
	await Promise.all(producers.map((producer) => producer.finish()));
	await Promise.all(producers.map(({ ended }) => ended));
	const fragments = await listed(started);
	t.is(new Set(fragments.map(({ FragmentNumber }) => FragmentNumber)).size, 60);
	t.deepEqual(
		producers.map(({ acks }) => acks.filter(({ EventType }) => EventType === 'PERSISTED').length),
		[20, 20, 20],
	);
});
