import test from 'ava';
import { block } from '#lib/mkv/matroska-writer.js';
import { Producer, type ReceivedAck } from '../../helpers/service/producer.js';
import type { Json } from '../../helpers/service/start-server.js';
import { SteppedClock } from '../stepped-clock.js';
import { bothTracks, clusterOf, endOfFragment, frame, header } from './body.js';
import { fuzzPutMedia } from './fuzz.js';
import { eventsOf, isPersisted, listed, startWithStream } from './start-stream.js';

test('an error ends the connection, keeps what came before, and the next producer is served', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const body = [
		header({ tracks: bothTracks }),
		clusterOf(1000, [frame(0), frame(5, { trackNumber: 2 })]),
		clusterOf(2000),
		clusterOf(3000),
	];
	await producer.send(Buffer.concat(body));
	// The rest of the body is not waited for.
	await producer.ended;
	t.deepEqual(
		eventsOf(producer.acks),
		['BUFFERING 1000', 'RECEIVED 1000', 'BUFFERING 2000', 'PERSISTED 1000', 'ERROR 2000'].toSorted(
			(a, b) => eventsOf(producer.acks).indexOf(a) - eventsOf(producer.acks).indexOf(b),
		),
	);
	const { FragmentNumber } = producer.acks.find(
		({ EventType, FragmentTimecode }) => EventType === 'BUFFERING' && FragmentTimecode === 2000,
	) as ReceivedAck;
	t.deepEqual(producer.acks.at(-1), {
		EventType: 'ERROR',
		FragmentTimecode: 2000,
		FragmentNumber,
		ErrorCode: 'FRAMES_MISSING_FOR_TRACK',
		ErrorId: 4011,
	});
	const next = await Producer.open(started.url, { stream: 'cam' });
	await next.put(Buffer.concat([header(), clusterOf(4000)]));
	t.deepEqual(
		(await listed(started)).map(({ ProducerTimestamp }) => ProducerTimestamp),
		[1, 4],
	);
});

test('a producer that breaks off inside a cluster loses that fragment alone', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	const cut = clusterOf(3000).subarray(0, -3);
	await producer.send(Buffer.concat([header(), clusterOf(1000), clusterOf(2000), cut]));
	await producer.ack(isPersisted(2000));
	producer.socket.destroy();
	const next = await Producer.open(started.url, { stream: 'cam' });
	await next.put(Buffer.concat([header(), clusterOf(4000)]));
	t.deepEqual(
		(await listed(started)).map(({ ProducerTimestamp }) => ProducerTimestamp),
		[1, 2, 4],
	);
});

test('a producer that does not want acknowledgements gets an error all the same', async (t) => {
	const started = await startWithStream(t);
	const headers = ['x-amzn-fragment-acknowledgment-required: 0'];
	const first = await Producer.open(started.url, { stream: 'cam', headers });
	t.deepEqual(await first.put(Buffer.concat([header(), clusterOf(1000)])), []);
	t.is((await listed(started)).length, 1);
	const second = await Producer.open(started.url, { stream: 'cam', headers });
	t.like((await second.put(Buffer.from('nonsense')))[0], {
		EventType: 'ERROR',
		ErrorId: 4006,
		FragmentTimecode: -1,
		FragmentNumber: '',
	});
});

// Seen with kvssink: the archive is started anew, a connection or two are refused meanwhile, and the next body begins inside a
// Cluster. A connection that ends is not seen by libcurl while it waits to send, one that is reset is.
test('a producer whose body begins inside a Cluster has its connection reset, unless it ends the body', async (t) => {
	const clock = new SteppedClock();
	const started = await startWithStream(t, { clock });
	const bytes = Buffer.concat([...block(frame(40)), ...endOfFragment]);
	const line =
		'{"EventType":"ERROR","FragmentTimecode":-1,"FragmentNumber":"","ErrorCode":"INVALID_MKV_DATA","ErrorId":4006}\n';
	const waiting = await Producer.open(started.url, { stream: 'cam' });
	let broke = '';
	waiting.socket.on('error', (error: NodeJS.ErrnoException) => (broke = error.code ?? error.message));
	await waiting.send(bytes);
	await waiting.ack(({ EventType }) => EventType === 'ERROR');
	await clock.pass(2000, 2000);
	await waiting.ended;
	t.deepEqual(waiting.chunks, [line]);
	t.is(broke, 'ECONNRESET');
	const ending = await Producer.open(started.url, { stream: 'cam' });
	await ending.send(bytes);
	await ending.ack(({ EventType }) => EventType === 'ERROR');
	await ending.put(bytes);
	t.deepEqual(ending.chunks, [line, '']);
});

test('an empty body receives an ERROR and a complete response', async (t) => {
	const started = await startWithStream(t);
	const producer = await Producer.open(started.url, { stream: 'cam' });
	t.like(await producer.put(Buffer.alloc(0)), { 0: { ErrorId: 4006 }, length: 1 });
	t.is(producer.chunks.at(-1), '');
});

test('headers that are wrong are refused before any media', async (t) => {
	const { url } = await startWithStream(t);
	const fields = {
		'x-amzn-stream-name': 'cam',
		'x-amzn-fragment-timecode-type': 'ABSOLUTE',
		'x-amzn-producer-start-timestamp': '0',
	};
	const cases: [Record<string, string | undefined>, number, RegExp][] = [
		[{ 'x-amzn-stream-name': undefined }, 400, /StreamName or StreamARN, got neither/],
		[{ 'x-amzn-stream-arn': 'arn:aws:kinesisvideo:us-east-1:123456789012:stream/cam/1' }, 400, /got both/],
		[{ 'x-amzn-stream-name': 'none' }, 404, /not found/],
		[{ 'x-amzn-fragment-timecode-type': 'absolute' }, 400, /one of ABSOLUTE, RELATIVE, got absolute/],
		[{ 'x-amzn-fragment-timecode-type': undefined }, 400, /got nothing/],
		[{ 'x-amzn-producer-start-timestamp': 'yesterday' }, 400, /epoch seconds or ISO 8601, got "yesterday"/],
		[
			{
				'x-amzn-producer-start-timestamp': undefined,
				'x-amzn-fragment-timecode-type': 'RELATIVE',
			},
			400,
			/with RELATIVE timecodes, got nothing/,
		],
	];
	for (const [changes, status, message] of cases) {
		const entries = Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined);
		const response = await fetch(`${url}/putMedia`, {
			method: 'POST',
			headers: Object.fromEntries(entries) as Record<string, string>,
		});
		t.is(response.status, status);
		t.regex(((await response.json()) as Json).message, message);
	}
});

test('each malformed body receives a response, and leaves nothing open', async (t) => {
	const report = await fuzzPutMedia(300, 42);
	t.is(report.fault, null);
	t.true(report.errors > 150 && report.taken > 0);
});
