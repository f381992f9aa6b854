import {
	GetMediaCommand,
	KinesisVideoMediaClient,
	type StartSelector,
} from '@aws-sdk/client-kinesis-video-media';
import test, { type ExecutionContext } from 'ava';
import { readMkv } from 'kvs-archive/mkv';
import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import { Producer } from '../../helpers/service/producer.js';
import type { StartedServer } from '../../helpers/service/start-server.js';
import { startWithFragments } from '../growing-stream.js';
import { clusterOf, header } from '../put-media/body.js';

/** A fragment as a GetMedia gave it. */
interface LiveFragment {
	readonly number: string;
	readonly producerMs: number;
	readonly tags: Readonly<Record<string, string>>;
}

interface LiveReader {
	/** The next fragment that comes whole, once what follows it has begun or the response ended; null at the end. */
	next(): Promise<LiveFragment | null>;
	/** The producer times of the next fragments, in seconds. */
	seconds(count: number): Promise<number[]>;
	close(): void;
}

/** Reads a stream with the SDK's own client. */
async function read(t: ExecutionContext, { url }: StartedServer, start: StartSelector): Promise<LiveReader> {
	const client = new KinesisVideoMediaClient({
		endpoint: url,
		region: 'us-east-1',
		credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
		maxAttempts: 1,
	});
	const abort = new AbortController();
	const close = (): void => {
		abort.abort();
		client.destroy();
	};
	t.teardown(close);
	const { Payload, ContentType } = await client.send(
		new GetMediaCommand({ StreamName: 'cam', StartSelector: start }),
		{ abortSignal: abort.signal },
	);
	t.is(ContentType, 'video/webm');
	const events = readMkv(Payload as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
	const next = async (): Promise<LiveFragment | null> => {
		for (;;) {
			const { done, value } = await events.next();
			if (done) return null;
			if (value.type !== 'fragment-end') continue;
			const tags = Object.fromEntries(value.tags.map(({ name, value: text }) => [name, String(text)]));
			return {
				number: `${value.fragmentNumber}`,
				producerMs: Math.round(Number(tags['AWS_KINESISVIDEO_PRODUCER_TIMESTAMP']) * 1000),
				tags,
			};
		}
	};
	const seconds = async (count: number): Promise<number[]> => {
		const found: number[] = [];
		while (found.length < count) found.push(((await next())?.producerMs ?? Number.NaN) / 1000);
		return found;
	};
	return { next, seconds, close };
}

test('every StartSelector begins where the service says, and waits for fragments still to come', async (t) => {
	const started = await startWithFragments(t, 5);
	const { numbers, base } = started;
	const at = (type: 'SERVER_TIMESTAMP' | 'PRODUCER_TIMESTAMP', ms: number): StartSelector => ({
		StartSelectorType: type,
		StartTimestamp: new Date(ms),
	});
	const cases: [string, StartSelector, number[]][] = [
		['EARLIEST', { StartSelectorType: 'EARLIEST' }, [1, 2, 3, 4, 5]],
		['NOW', { StartSelectorType: 'NOW' }, [5]],
		['a number', { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: numbers[1] }, [3, 4, 5]],
		['the newest number', { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: numbers[4] }, []],
		['a token', { StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: numbers[2] }, [4, 5]],
		['inside a fragment, server', at('SERVER_TIMESTAMP', base + 3300), [3, 4, 5]],
		['after the end of a fragment, server', at('SERVER_TIMESTAMP', base + 3700), [4, 5]],
		['its very start, producer', at('PRODUCER_TIMESTAMP', 2000), [2, 3, 4, 5]],
		['inside a fragment, producer', at('PRODUCER_TIMESTAMP', 2499), [2, 3, 4, 5]],
		['before everything', at('PRODUCER_TIMESTAMP', 0), [1, 2, 3, 4, 5]],
		['inside the one that is sent now', at('PRODUCER_TIMESTAMP', 6100), []],
		['yet to come', at('SERVER_TIMESTAMP', base + 7200), []],
	];
	const readers = await Promise.all(
		cases.map(async ([name, selector, expected]) => {
			const reader = await read(t, started, selector);
			// The last one that is there ends when the next begins.
			t.deepEqual(await reader.seconds(Math.max(0, expected.length - 1)), expected.slice(0, -1), name);
			return { name, reader, last: expected.slice(-1) };
		}),
	);
	await started.put();
	await started.put();
	await started.put();
	for (const { name, reader, last } of readers) {
		const expected = name === 'yet to come' ? [7] : [...last, 6];
		t.deepEqual(await reader.seconds(expected.length), expected, name);
		reader.close();
	}
});

test('each chunk carries its lag and the continuation token after it', async (t) => {
	const started = await startWithFragments(t, 2);
	started.setNow(started.base + 10_000);
	const reader = await read(t, started, { StartSelectorType: 'EARLIEST' });
	const first = await reader.next();
	t.is(first?.number, started.numbers[0]);
	t.is(first?.tags['AWS_KINESISVIDEO_CONTINUATION_TOKEN'], started.numbers[0]);
	t.is(first?.tags['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW'], '8500');
});

test('GetMedia waits for an unfinished fragment that began before a complete one', async (t) => {
	const started = await startWithFragments(t, 1);
	const reader = await read(t, started, { StartSelectorType: 'EARLIEST' });
	started.setNow(started.base + 2100);
	// The fragment of second 2 is being sent; one of another producer begins later and is whole earlier.
	const other = await Producer.open(started.url, { stream: 'cam' });
	await other.put(Buffer.concat([header(), clusterOf(77_000)]));
	await started.put();
	await started.producer.finish();
	t.deepEqual(await reader.seconds(3), [1, 2, 77]);
});

test('a stream that is deleted ends its readers', async (t) => {
	const started = await startWithFragments(t, 1);
	const reader = await read(t, started, { StartSelectorType: 'EARLIEST' });
	const stream = started.server.archive.stream('cam');
	if (stream !== undefined) await started.server.archive.deleteStream(stream);
	t.deepEqual(await reader.seconds(1), [1]);
	t.is(await reader.next(), null);
});

test('a connection ends after 45 minutes, between two chunks', async (t) => {
	const started = await startWithFragments(t, 1);
	const reader = await read(t, started, { StartSelectorType: 'EARLIEST' });
	await started.clock.isSleptOn(45 * 60_000);
	started.clock.advance(45 * 60_000);
	t.deepEqual(await reader.seconds(1), [1]);
	t.is(await reader.next(), null);
});

test('a fragment ingested ahead of its time is listed and read only from that time on', async (t) => {
	const started = await startWithFragments(t, 0);
	const { server, base, call } = started;
	const stream = server.archive.stream('cam');
	const ahead = { payload: '/none', offset: 0, sizeBytes: 1, lengthMs: 0, frames: 1 };
	const fragments = [1, 2].map((second) => ({
		...ahead,
		number: `${second}`,
		producerMs: base + 60_000 * second,
		serverMs: base + 60_000 * second + 1000,
	}));
	stream?.addFile({ digest: 'f'.repeat(64), fragments });
	const numbers = async (): Promise<string[]> => {
		const TimestampRange = { StartTimestamp: 0, EndTimestamp: 1e10 };
		const FragmentSelector = { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange };
		const { json } = await call('ListFragments', { StreamName: 'cam', FragmentSelector });
		return json.Fragments.map(({ FragmentNumber }: { FragmentNumber: string }) => FragmentNumber);
	};
	const statusOf = async (number: string): Promise<number> => {
		const response = await fetch(`${started.url}/getMediaForFragmentList`, {
			method: 'POST',
			body: JSON.stringify({ StreamName: 'cam', Fragments: [number] }),
		});
		await response.arrayBuffer();
		return response.status;
	};
	started.setNow(base + 59_999);
	t.deepEqual(await numbers(), []);
	t.is(await statusOf('1'), 400);
	started.setNow(base + 60_000);
	t.deepEqual(await numbers(), ['1']);
	t.is(await statusOf('1'), 200);
	t.is(await statusOf('2'), 400);
	started.setNow(base + 120_000);
	t.deepEqual((await numbers()).toSorted(), ['1', '2']);
});

test('a selector that is wrong is refused', async (t) => {
	const { call, numbers } = await startWithFragments(t, 1);
	const cases: [object, RegExp][] = [
		[{}, /StartSelectorType to be one of NOW/],
		[{ StartSelectorType: 'FRAGMENT_NUMBER' }, /expected AfterFragmentNumber/],
		[
			{ StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: `${numbers[0]}7` },
			/Fragment number is invalid/,
		],
		[{ StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: 'abc' }, /one that GetMedia gave out/],
		[{ StartSelectorType: 'SERVER_TIMESTAMP' }, /StartTimestamp to be a time/],
	];
	for (const [StartSelector, message] of cases) {
		const { status, json } = await call('GetMedia', { StreamName: 'cam', StartSelector });
		t.is(status, 400);
		t.regex(json.message, message);
	}
	t.is(
		(await call('GetMedia', { StreamName: 'none', StartSelector: { StartSelectorType: 'NOW' } })).status,
		404,
	);
});

const boto3 = `
import boto3, json, sys
client = boto3.client('kinesis-video-media', endpoint_url=sys.argv[1], region_name='us-east-1',
                      aws_access_key_id='a', aws_secret_access_key='b')
read = []
for selector, size in json.loads(sys.argv[2]):
    got = client.get_media(StreamName='cam', StartSelector=selector)
    read.append({'type': got['ContentType'], 'bytes': got['Payload'].read(size).hex()})
print(json.dumps(read))
`;

withBoto3('boto3 reads what the SDK reads, from every kind of start', async (t) => {
	const started = await startWithFragments(t, 3);
	const { numbers, base } = started;
	const chunks = await Promise.all(
		numbers.map(async (number) => {
			const response = await fetch(`${started.url}/getMediaForFragmentList`, {
				method: 'POST',
				body: JSON.stringify({ StreamName: 'cam', Fragments: [number] }),
			});
			return Buffer.from(await response.arrayBuffer());
		}),
	);
	const starts: [object, number][] = [
		[{ StartSelectorType: 'EARLIEST' }, 0],
		[{ StartSelectorType: 'NOW' }, 2],
		[{ StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: numbers[0] }, 1],
		[{ StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: numbers[1] }, 2],
		[{ StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: base / 1000 + 2 }, 1],
		[{ StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: 3 }, 2],
	];
	const requests = starts.map(([selector, first]) => [selector, chunks[first]?.byteLength]);
	for (const python of await findBoto3()) {
		const read = await runPython(python, boto3, [started.url, JSON.stringify(requests)]);
		for (const [index, [selector, first]] of starts.entries()) {
			t.is(read[index].type, 'video/webm');
			t.true(Buffer.from(read[index].bytes, 'hex').equals(chunks[first] as Buffer), JSON.stringify(selector));
		}
	}
});
