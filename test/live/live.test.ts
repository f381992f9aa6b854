import test, { type ExecutionContext } from 'ava';
import type {
	EventStream,
	FragmentEndEvent,
	KvsArchive,
	LiveFrom,
	LiveOptions,
	MediaEvent,
} from 'kvs-archive';
import { openArchive } from '../helpers/service/open-archive.js';
import { Producer } from '../helpers/service/producer.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { within } from '../helpers/wait.js';
import { type GrowingStream, startWithFragments, startWithStream } from '../server/growing-stream.js';
import { clusterOf, frame, header, UNSIZED } from '../server/put-media/body.js';
import { startCuttingProxy } from './cutting-proxy.js';

/** A live stream, read fragment by fragment. */
interface Reading {
	readonly stream: EventStream;
	/** Every event so far. */
	readonly events: readonly MediaEvent[];
	/** The next fragment that has ended. */
	next(): Promise<FragmentEndEvent>;
	/** Producer times of the next fragments, in seconds. */
	seconds(count: number): Promise<number[]>;
}

function read(t: ExecutionContext, archive: KvsArchive, options: LiveOptions): Reading {
	const stream = archive.live(options);
	t.teardown(() => stream.destroy());
	const iterator = stream[Symbol.asyncIterator]();
	const events: MediaEvent[] = [];
	const next = async (): Promise<FragmentEndEvent> => {
		for (;;) {
			const { done, value } = await within(iterator.next(), () => JSON.stringify(events.slice(-3)));
			if (done) throw new Error('the stream has ended');
			events.push(value);
			if (value.type === 'fragment-end') return value;
		}
	};
	const seconds = async (count: number): Promise<number[]> => {
		const found: number[] = [];
		while (found.length < count)
			found.push(((await next()).producerTimestamp?.getTime() ?? Number.NaN) / 1000);
		return found;
	};
	return { stream, events, next, seconds };
}

function open(t: ExecutionContext, endpoint: string): KvsArchive {
	return openArchive(t, endpoint, { streamName: 'cam', clock: new StandstillClock(Date.UTC(2026, 0, 31)) });
}

/** Deletes the stream of a server. */
async function deleteStream({ server }: GrowingStream): Promise<void> {
	const stream = server.archive.stream('cam');
	if (stream !== undefined) await server.archive.deleteStream(stream);
}

test('every kind of start begins where the service says, and waits for what is yet to come', async (t) => {
	const started = await startWithFragments(t, 5);
	const { numbers, base, url, put } = started;
	const cases: [string, LiveFrom, LiveOptions['by'], number[]][] = [
		['the oldest', 'earliest', undefined, [1, 2, 3, 4, 5]],
		['the newest', 'now', undefined, [5]],
		['after a fragment', { afterFragmentNumber: numbers[1] as string }, undefined, [3, 4, 5]],
		['after the newest', { afterFragmentNumber: numbers[4] as string }, undefined, []],
		["the server's clock", new Date(base + 3300), undefined, [3, 4, 5]],
		["the server's clock, said", base + 3700, 'server', [4, 5]],
		["the producer's clock", '1970-01-01T00:00:02.499Z', 'producer', [2, 3, 4, 5]],
		['yet to come', new Date(base + 7200), undefined, []],
	];
	const readings = await Promise.all(
		cases.map(async ([name, from, by, expected]) => {
			const reading = read(t, open(t, url), { from, by });
			// The last tag of a chunk ends its fragment: nothing that follows is waited for.
			t.deepEqual(await reading.seconds(expected.length), expected, name);
			return { name, reading };
		}),
	);
	for (let index = 0; index < 3; index++) await put();
	for (const { name, reading } of readings) {
		t.deepEqual(await reading.seconds(2), name === 'yet to come' ? [7, 8] : [6, 7], name);
	}
});

test('the events are those of `events`, with the tags of GetMedia after the Cluster', async (t) => {
	const { url, numbers, base, setNow } = await startWithFragments(t, 2);
	setNow(base + 10_000);
	const reading = read(t, open(t, url), { from: 'earliest' });
	await reading.seconds(2);
	t.deepEqual(
		reading.events.map(({ type }) => type),
		[
			'fragment',
			'frame',
			'frame',
			'fragment-end',
			'gap',
			'fragment',
			'frame',
			'frame',
			'fragment-end',
		].filter((type) => type !== 'gap'),
	);
	const [first, firstFrame, , end] = reading.events;
	t.like(first, { index: 0, fragmentNumber: numbers[0], serverTimestamp: new Date(base + 1000) });
	t.like(firstFrame, { index: 0, timestampMs: 1000, keyframe: true });
	t.like(end, { index: 0, frames: 2, bytes: 20, complete: true });
	const tags = (end as FragmentEndEvent).tags.map(({ name, value, position }) => [name, value, position]);
	t.deepEqual(tags.slice(-2), [
		['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', '8500', 'after'],
		['AWS_KINESISVIDEO_CONTINUATION_TOKEN', numbers[0], 'after'],
	]);
	reading.stream.destroy();
	t.like(await reading.stream.summary, {
		isComplete: true,
		fragments: 2,
		delivered: 2,
		frames: 4,
		bytes: 40,
		calls: 2,
	});
});

test('over connections that break anywhere, while a producer puts, every frame comes once and in order', async (t) => {
	const FRAGMENTS = 100;
	const { url } = await startWithStream(t);
	let seed = 7;
	const random = (): number => {
		seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
		return seed / 2 ** 31;
	};
	// From inside the headers of a response to some ten fragments.
	const proxy = await startCuttingProxy(t, url, () => Math.floor(random() ** 2 * 12_000));
	const reading = read(t, open(t, proxy.endpoint), { from: 'earliest' });
	const first = reading.next();
	const producer = await Producer.open(url, { stream: 'cam' });
	await producer.send(header());
	const second = 25;
	const blocks = Array.from({ length: second }, (_, index) => frame(index * 40));
	const putting = (async () => {
		for (let index = 0; index < FRAGMENTS; index++) {
			await producer.send(clusterOf(index * 1000, blocks, UNSIZED));
			if (index % 10 === 9)
				await producer.ack(({ EventType, FragmentTimecode }) => {
					return EventType === 'BUFFERING' && FragmentTimecode === index * 1000;
				});
		}
		await producer.finish();
	})();
	await first;
	for (let index = 1; index < FRAGMENTS; index++) await reading.next();
	await putting;
	const times = reading.events.flatMap((event) => (event.type === 'frame' ? [event.timestampMs] : []));
	t.deepEqual(
		times,
		Array.from({ length: FRAGMENTS * second }, (_, index) => index * 40),
	);
	t.deepEqual(
		reading.events.flatMap((event) => (event.type === 'fragment' ? [event.index] : [])),
		Array.from({ length: FRAGMENTS }, (_, index) => index),
	);
	t.deepEqual(
		reading.events.filter(({ type }) => type === 'fragment-failure' || type === 'gap'),
		[],
	);
	t.true(proxy.opened() > 20, `${proxy.opened()} connections`);
});

test('reading resumes after the 45 minutes of a connection, and of the next', async (t) => {
	const { url, clock, producer } = await startWithFragments(t, 2);
	await producer.finish();
	await producer.ended;
	const reading = read(t, open(t, url), { from: 'now' });
	t.deepEqual(await reading.seconds(1), [3]);
	for (const expected of [10, 20, 30]) {
		await clock.isSleptOn(45 * 60_000);
		clock.advance(45 * 60_000);
		const next = await Producer.open(url, { stream: 'cam' });
		await next.put(Buffer.concat([header(), clusterOf(expected * 1000)]));
		t.deepEqual(await reading.seconds(1), [expected]);
	}
	reading.stream.destroy();
	const { calls, isComplete } = await reading.stream.summary;
	t.true(isComplete);
	t.is(calls, 5, 'one for the data endpoint, and one more than there were ends');
});

test('a stream that is deleted gives what it had, then an error; one that does not exist an error', async (t) => {
	const started = await startWithFragments(t, 2);
	const reading = read(t, open(t, started.url), { from: 'earliest' });
	t.deepEqual(await reading.seconds(2), [1, 2]);
	const after = reading.next();
	await deleteStream(started);
	await t.throwsAsync(after, {
		code: 'KVS_NOT_FOUND',
		message: /^GetMedia for stream `cam` .*no such stream/,
	});
	t.like(await reading.stream.summary, { isComplete: true, delivered: 2 });
	await t.throwsAsync(read(t, open(t, started.url), { from: 'now' }).next(), {
		code: 'KVS_NOT_FOUND',
		message: /no such stream/,
	});
});

test('refuses a fragment number that the stream never had, and invalid options', async (t) => {
	const { url, numbers } = await startWithFragments(t, 1);
	const archive = open(t, url);
	await t.throwsAsync(read(t, archive, { from: { afterFragmentNumber: `${numbers[0]}7` } }).next(), {
		code: 'KVS_REQUEST_FAILED',
		message: /InvalidArgumentException: Fragment number is invalid/,
	});
	for (const [options, option] of [
		[{}, 'from'],
		[{ from: 'yesterday' }, 'from'],
		[{ from: {} }, 'from'],
		[{ from: null }, 'from'],
		[{ from: new Date(Number.NaN) }, 'from'],
		[{ from: { afterFragmentNumber: '12a' } }, 'from.afterFragmentNumber'],
		[{ from: { afterFragmentNumber: 12 } }, 'from.afterFragmentNumber'],
		[{ from: 'now', by: 'server' }, 'by'],
		[{ from: 0, by: 'camera' }, 'by'],
		[{ from: 'now', tracks: [1] }, 'tracks'],
	] as const) {
		t.throws(() => archive.live(options as unknown as LiveOptions), { code: 'KVS_INVALID_OPTION' }, option);
		t.like(
			t.throws(() => archive.live(options as unknown as LiveOptions)),
			{ option },
		);
	}
});
