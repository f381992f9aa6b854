import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { Fragment } from 'kvs-archive';
import { encodeHeader } from '#lib/feed/feed-fragment.js';
import { collect } from '../helpers/collect.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';
import { matroska } from '../server/made-media.js';
import { both } from './fed-frames.js';
import { type Arrival, FlyingClock, startFeedService } from './feed-service.js';
import { CLOCK, film, filmFile, pipe, range, run, START, store } from './feeding.js';

test('a file: its frames are stored, byte for byte, from the start that was given', async (t) => {
	const { endpoint, server } = await startArchive(t, {});
	const archive = openArchive(t, endpoint);
	const { acks, summary } = await run(
		archive.feed(CLOCK, { start: START, create: true, retentionHours: 3, tags: { site: 'north' } }),
	);
	const fragments = (await collect(archive.fragments(range))) as Fragment[];
	t.is(fragments.length, 8);
	t.deepEqual(fragments[0]?.producerTimestamp, START);
	t.like(summary, { fragments: 8, stored: 8, refused: [], connections: 1, isComplete: true, from: START });
	t.deepEqual(
		acks.filter(({ eventType }) => eventType === 'PERSISTED').map(({ fragmentNumber }) => fragmentNumber),
		fragments.map(({ fragmentNumber }) => fragmentNumber),
	);
	t.is(server.archive.stream('door')?.metadata.retentionHours, 3);

	await server.archive.ingest('reference', CLOCK, { start: START });
	const reference = openArchive(t, endpoint, { streamName: 'reference' });
	const frames = async (of: typeof archive): Promise<string[]> =>
		(await collect(of.frames(range))).map(
			({ track, timestampMs, keyframe, data }) =>
				`${track.number} ${timestampMs} ${keyframe} ${Buffer.from(data).toString('base64')}`,
		);
	const shiftMs = 21;
	const expected = (await frames(reference)).map((line) =>
		line.replace(/ (\d+) /, (_, ms) => ` ${Number(ms) + shiftMs} `),
	);
	t.deepEqual((await frames(archive)).toSorted(), expected.toSorted());
	const tags = (await collect(archive.events(range))).flatMap((event) =>
		event.type === 'fragment-end' ? [event.tag('site')] : [],
	);
	t.deepEqual(tags, Array(8).fill('north'));
});

test('a pipe is fed as it comes, cut anywhere, from now on', async (t) => {
	const { endpoint } = await startArchive(t, {});
	const clock = new FlyingClock();
	const archive = openArchive(t, endpoint, { clock });
	const startMs = clock.now();
	const { summary } = await run(archive.feed(pipe(await readFile(CLOCK), 777), { create: true }));
	t.like(summary, { fragments: 8, stored: 8, isComplete: true });
	t.is(summary.from?.getTime(), startMs - 21, 'the first frame of the pipe, which is video, is now');
});

test('in real time a fragment is sent when its last frame has come, and not before', async (t) => {
	const clock = new FlyingClock();
	const sentAfterMs: number[] = [];
	const startMs = clock.now();
	const service = await startFeedService(t, (arrival) => {
		sentAfterMs.push(clock.now() - startMs);
		store(arrival);
	});
	const archive = openArchive(t, service.endpoint, { clock });
	await run(archive.feed(await filmFile(t, film(6)), { pace: 'realtime', start: START }));
	t.deepEqual(
		service.arrivals.map(({ timecode }) => timecode - START.getTime()),
		[0, 2000, 4000],
	);
	t.true(
		[1903, 3903, 5903].every((dueMs, index) => (sentAfterMs[index] ?? 0) >= dueMs),
		sentAfterMs.join(),
	);
});

test('a file that is fed at full speed gets times that end now', async (t) => {
	const service = await startFeedService(t, store);
	const clock = new FlyingClock();
	const archive = openArchive(t, service.endpoint, { clock });
	const { summary } = await run(archive.feed(await filmFile(t, film(6))));
	t.is(summary.to?.getTime(), clock.now());
});

test('a looped file continues without a gap, and ends with the loop that reads the feed', async (t) => {
	const service = await startFeedService(t, store);
	const archive = openArchive(t, service.endpoint);
	const feeding = archive.feed(await filmFile(t, film(5)), { loop: true, start: START });
	let stored = 0;
	for await (const { eventType } of feeding) if (eventType === 'PERSISTED' && ++stored > 8) break;
	const times = service.arrivals.map(({ timecode }) => timecode - START.getTime());
	t.deepEqual(times.slice(0, 7), [0, 2000, 4000, 5003, 7003, 9003, 10_006]);
	const summary = await within(feeding.summary, () => 'the feed has not ended');
	t.is(summary.stored, 9);
	await within(service.closed(1), () => 'the connection is open');
	t.deepEqual(
		service.errors.filter(({ errorId }) => errorId !== 4000),
		[],
	);
});

test('a stream that keeps nothing: a fragment that was RECEIVED is done', async (t) => {
	const service = await startFeedService(t, ({ ack }) => ack('RECEIVED'), { retentionHours: 0 });
	const archive = openArchive(t, service.endpoint);
	const { summary } = await run(archive.feed(await filmFile(t, film(4)), { start: START }));
	t.like(summary, { fragments: 2, stored: 2, connections: 1, isComplete: true });
});

test('media is read no further than what is not stored allows', async (t) => {
	let isStoring = false;
	const held: Arrival[] = [];
	const service = await startFeedService(t, (arrival) => {
		if (isStoring) store(arrival);
		else held.push(arrival);
	});
	const picture = Buffer.alloc(1_000_000);
	let read = 0;
	async function* media(): AsyncGenerator<Uint8Array> {
		yield encodeHeader(both.tracks);
		for (; read < 150; read++) {
			const blocks = [
				{ track: 1, ticks: 0, keyframe: read % 10 === 0, data: picture },
				{ track: 2, ticks: 3 },
			];
			const whole = matroska(blocks.map((one) => ({ ...one, ticks: one.ticks + read * 200 })));
			yield whole.subarray(whole.indexOf(Buffer.from('1f43b675', 'hex')));
		}
	}
	const archive = openArchive(t, service.endpoint);
	const running = run(archive.feed(media(), { pace: 'fast', start: START }));
	let before = -1;
	while (before !== read || read === 0) {
		before = read;
		for (let turn = 0; turn < 2000; turn++) await setImmediate();
	}
	t.true(read < 110, `${read} MB were read while nothing was stored`);
	isStoring = true;
	for (const arrival of held.splice(0)) store(arrival);
	const { summary } = await running;
	t.like(summary, { fragments: 15, stored: 15, isComplete: true });
});

test('media that the service would refuse is refused before any request', async (t) => {
	const service = await startFeedService(t, store);
	const archive = openArchive(t, service.endpoint);
	const directory = await temporaryDirectory(t);
	const refused = async (media: Parameters<typeof archive.feed>[0], message: RegExp): Promise<void> => {
		await t.throwsAsync(collect(archive.feed(media)), { message });
	};
	await refused(await filmFile(t, film(60, 25)), /^cannot feed `.*film\.mkv`: no key frame of track 1/);
	const silent = film(60).filter(({ track, ticks }) => track === 1 || ticks < 20_000);
	await refused(await filmFile(t, silent), /no frame of track 2 \(audio/);
	await refused(pipe(Buffer.from('this is a text')), /^cannot feed the media: /);
	await refused(pipe(matroska([], { tracks: [1, 2, 3, 4] })), /^cannot feed the media: /);
	const text = join(directory, 'text.mkv');
	await writeFile(text, 'this is a text');
	await refused(text, /^cannot feed `.*text\.mkv`: expected Matroska/);
	await refused(join(directory, 'none.mkv'), /^cannot read `.*none\.mkv`: there is no such file$/);
	t.deepEqual(service.paths, []);
});

test('a pipe that is damaged: what came before is stored, then that is the error', async (t) => {
	const service = await startFeedService(t, store);
	const archive = openArchive(t, service.endpoint);
	const whole = matroska(film(10));
	const damaged = Buffer.concat([whole, Buffer.from('00000000', 'hex')]);
	const feeding = archive.feed(pipe(damaged), { pace: 'fast', start: START });
	await t.throwsAsync(collect(feeding), { code: 'KVS_MKV_MALFORMED', message: /^cannot feed the media: / });
	t.like(await feeding.summary, { stored: 4 });
	const cut = archive.feed(pipe(whole.subarray(0, -5)), { pace: 'fast', start: START });
	const { summary } = await run(cut);
	t.like(summary, { fragments: 5, stored: 5, isComplete: true });
	t.regex(summary.omissions.join(), /the media ends inside .*; the frames before are fed/);
	const twice = archive.feed(pipe(Buffer.concat([whole, whole])), { pace: 'fast', start: START });
	await t.throwsAsync(collect(twice), { message: /a second document/ });
});

test('leaving the loop and an abort end the feed, though the pipe has nothing to give', async (t) => {
	const service = await startFeedService(t, ({ ack }) => ack('RECEIVED'));
	const archive = openArchive(t, service.endpoint);
	const endless = (): Readable => {
		const media = pipe(matroska(film(10)));
		const stalled = Readable.from(
			(async function* () {
				yield* media;
				await new Promise(() => {});
			})(),
		);
		return stalled;
	};
	const left = endless();
	const leaving = archive.feed(left, { pace: 'fast', start: START });
	for await (const _ of leaving) break;
	t.true(left.destroyed);
	await within(leaving.summary, () => 'the feed has not ended');
	const controller = new AbortController();
	const reason = new Error('enough');
	const aborted = archive.feed(endless(), { pace: 'fast', start: START, signal: controller.signal });
	const error = await t.throwsAsync(async () => {
		for await (const _ of aborted) controller.abort(reason);
	});
	t.is(error, reason);
	await within(service.closed(2), () => 'a connection is open');
	t.is(await t.throwsAsync(collect(archive.feed(CLOCK, { signal: AbortSignal.abort(reason) }))), reason);
	await until(
		() => service.arrivals.length > 0,
		() => 'nothing arrived',
	);
});

test('invalid options are refused at once', (t) => {
	const archive = openArchive(t, 'http://127.0.0.1:9');
	const invalid = (media: string | Readable, options: object, message: RegExp): void => {
		t.throws(() => archive.feed(media, options), { code: 'KVS_INVALID_OPTION', message });
	};
	invalid(CLOCK, { pace: 'slow' }, /`pace`/);
	invalid(pipe(Buffer.of()), { loop: true }, /`loop`.*pipe/);
	invalid(CLOCK, { retentionHours: 1.5 }, /`retentionHours`/);
	invalid(CLOCK, { retentionHours: 90_000 }, /`retentionHours`/);
	invalid(CLOCK, { start: 'then' }, /`start`/);
	invalid(CLOCK, { tags: { AWS_THING: '1' } }, /`tags`/);
	invalid(CLOCK, { tags: { name: 'v'.repeat(257) } }, /`tags\.name`/);
	invalid(
		CLOCK,
		{ tags: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [index, ''])) },
		/at most 10/,
	);
	invalid(CLOCK, { speed: 2 }, /`speed`/);
	const byArn = openArchive(t, 'http://127.0.0.1:9', {
		streamName: undefined,
		streamArn: 'arn:aws:kinesisvideo:us-east-1:111122223333:stream/door/1700000000000',
	});
	t.throws(() => byArn.feed(CLOCK, { create: true }), { code: 'KVS_INVALID_OPTION', message: /`create`/ });
});

test('a stream that does not exist is an error that names it, unless it is to be made', async (t) => {
	const { endpoint, server } = await startArchive(t, {});
	const archive = openArchive(t, endpoint);
	await t.throwsAsync(collect(archive.feed(CLOCK)), { code: 'KVS_NOT_FOUND', message: /`door`/ });
	await run(archive.feed(CLOCK, { create: true }));
	t.is(server.archive.stream('door')?.metadata.retentionHours, 24);
	const { summary } = await run(archive.feed(createReadStream(CLOCK), { create: true, pace: 'fast' }));
	t.is(summary.stored, 8, 'one that is there is used as it is');
});
