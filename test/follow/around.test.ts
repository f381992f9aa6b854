import test, { type ExecutionContext } from 'ava';
import { KvsArchive, parseFragmentNotification } from 'kvs-archive';
import { ManualClock } from '../helpers/manual-clock.js';
import { commandLine } from '../helpers/program/command-line.js';
import { startGrowing } from '../helpers/service/growing-stream.js';

async function startStored(t: ExecutionContext, seconds: readonly number[]) {
	const growing = await startGrowing(t);
	return { ...growing, numbers: await growing.put(...seconds) };
}

test('around a time: at once where a later fragment is listed', async (t) => {
	const { endpoint } = await startStored(t, [10, 12, 14, 16, 18]);
	const archive = new KvsArchive({ streamName: 'cam', endpoint });
	t.teardown(() => archive.close());
	const options = { beforeMs: 2000, afterMs: 1000, by: 'producer' } as const;
	const range = await archive.around(new Date(14_500), options);
	for (const at of [14_500, '1970-01-01T00:00:14.500Z'])
		t.deepEqual(await archive.around(at, options), range);
	t.like(range, { from: new Date(12_500), to: new Date(15_500), by: 'producer' });
	t.true(range.isComplete);
	const seconds: number[] = [];
	for await (const event of archive.events(range)) {
		if (event.type === 'fragment') seconds.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
	}
	t.deepEqual(seconds, [14]);
});

test('around a fragment number, on either clock', async (t) => {
	const { endpoint, numbers } = await startStored(t, [10, 12, 14]);
	const archive = new KvsArchive({ streamName: 'cam', endpoint });
	t.teardown(() => archive.close());
	const at = { fragmentNumber: numbers[1] as string };
	const range = await archive.around(at, { beforeMs: 500, afterMs: 500, by: 'producer' });
	t.like(range, { from: new Date(11_500), to: new Date(12_500) });
	const notification = parseFragmentNotification({
		StreamArn: 'arn:aws:kinesisvideo:us-east-1:1:stream/cam/1',
		FragmentNumber: at.fragmentNumber,
		FragmentStartProducerTimestamp: 12_000,
		FragmentStartServerTimestamp: 1_900_000_000_000,
		NotificationType: 'PERSISTED',
	});
	// The guide does not show whether it is seconds or milliseconds; 12,000 can only be seconds.
	t.deepEqual(notification.producerTimestamp, new Date(12_000_000));
	const same = await archive.around(
		{ ...notification, producerTimestamp: new Date(12_000) },
		{ beforeMs: 500, afterMs: 500, by: 'producer' },
	);
	t.like(same, { from: new Date(11_500), to: new Date(12_500) });
});

test('around a moment that is yet to come: when its media is there', async (t) => {
	const { endpoint, put } = await startStored(t, [10]);
	const clock = new ManualClock();
	const archive = new KvsArchive({ streamName: 'cam', endpoint, clock });
	t.teardown(() => archive.close());
	const options = { beforeMs: 1000, afterMs: 1000, by: 'producer', timeoutMs: 30_000 } as const;
	const waiting = archive.around(new Date(14_000), options);
	while (!clock.isSleptOn(1000)) await new Promise(setImmediate);
	await put(13, 14, 16);
	clock.advance(1000);
	t.true((await waiting).isComplete);
});

test('around a moment after which nothing arrives: the stored media, when the wait is over', async (t) => {
	const { endpoint } = await startStored(t, [10, 12]);
	const archive = new KvsArchive({ streamName: 'cam', endpoint });
	t.teardown(() => archive.close());
	const options = { beforeMs: 5000, afterMs: 1000, by: 'producer', timeoutMs: 1 } as const;
	const range = await archive.around(new Date(12_000), options);
	t.false(range.isComplete);
	t.like(range, { from: new Date(7000), to: new Date(13_000) });
});

test('refuses invalid options', async (t) => {
	const { endpoint } = await startStored(t, [10]);
	const archive = new KvsArchive({ streamName: 'cam', endpoint });
	t.teardown(() => archive.close());
	const wrong = { code: 'KVS_INVALID_OPTION' };
	for (const at of [new Date(Number.NaN), Number.NaN, 'yesterday', null, undefined, true, {}]) {
		await t.throwsAsync(archive.around(at as never, { beforeMs: 1, afterMs: 1 }), {
			...wrong,
			message: /`at`/,
		});
	}
	await t.throwsAsync(archive.around(new Date(), { beforeMs: -1, afterMs: 1 }), wrong);
	await t.throwsAsync(archive.around(new Date(), { beforeMs: 1, afterMs: Number.POSITIVE_INFINITY }), wrong);
	await t.throwsAsync(archive.around({ fragmentNumber: 'x' }, { beforeMs: 1, afterMs: 1 }), wrong);
	await t.throwsAsync(archive.around(new Date(), { beforeMs: 1, afterMs: 1, by: 'wall' }), wrong);
});

test('events and export take the time around a moment', async (t) => {
	const { endpoint } = await startStored(t, [10, 12, 14, 16]);
	const options = ['--stream', 'cam', '--endpoint', endpoint, '--by', 'producer', '--json'];
	const around = ['--around', '1970-01-01T00:00:13Z', '--before', '2s', '--after', '2s'];
	const events = await commandLine(['events', ...options, ...around]);
	t.is(events.code, 0, events.stderr);
	const types = events.stdout
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line).type);
	t.is(types.filter((type) => type === 'fragment-end').length, 2);
	const late = await commandLine(['events', ...options, '--around', '16', '--wait', '10ms']);
	t.is(late.code, 0);
	t.regex(
		late.stderr,
		/^no fragment after 1970-01-01T00:00:26.* was listed within the time of --wait: the range may be incomplete/,
	);
	const both = await commandLine(['events', ...options, ...around, '--from', '10']);
	t.is(both.code, 2);
	t.regex(both.stderr, /`--from` to be left out with --around/);
	const without = await commandLine(['events', ...options, '--from', '10', '--before', '5s']);
	t.regex(without.stderr, /`--before` to be given with --around only/);
});

test('a notification is read bare, from SNS, from SQS and from Lambda', (t) => {
	const bare = {
		StreamArn: 'arn:aws:kinesisvideo:eu-west-1:123456789012:stream/door/1577836800000',
		FragmentNumber: '91343852333181432392682062607743920146159169392',
		FragmentStartProducerTimestamp: 1_511_852_108_513,
		FragmentStartServerTimestamp: 1_511_852_109_126,
		NotificationType: 'PERSISTED',
		NotificationPayload: { door: 'front' },
	};
	const expected = {
		streamArn: bare.StreamArn,
		fragmentNumber: bare.FragmentNumber,
		producerTimestamp: new Date(1_511_852_108_513),
		serverTimestamp: new Date(1_511_852_109_126),
		notificationType: 'PERSISTED',
		payload: { door: 'front' },
	};
	const text = JSON.stringify(bare);
	const sns = { Type: 'Notification', Subject: 'Kinesis Video Streams Notification', Message: text };
	const seconds = { ...bare, FragmentStartProducerTimestamp: 1_511_852_108.513 };
	const messages: (string | object)[] = [
		bare,
		text,
		sns,
		JSON.stringify(sns),
		{ MessageId: 'm', Body: JSON.stringify(sns) },
		{ messageId: 'm', body: JSON.stringify(sns) },
		{ Sns: sns },
		{ Body: text },
		seconds,
	];
	for (const message of messages) t.deepEqual(parseFragmentNotification(message), expected);
	for (const message of ['', 'nonsense', '{}', '[]', { Body: 'x' }, { ...bare, FragmentNumber: 7 }]) {
		t.throws(() => parseFragmentNotification(message), { code: 'KVS_INVALID_OPTION' });
	}
});
