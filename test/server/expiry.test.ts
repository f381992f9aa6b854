// Longer than 300 lines: one rule, as each operation and each kind of open response meets it.

import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { liveChunks } from '#lib/server/live/live-chunks.js';
import { startPlace } from '#lib/server/live/start-place.js';
import type { LocalStream } from '#lib/server/store/local-stream.js';
import { Producer } from '../helpers/service/producer.js';
import { everything, type Json, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';
import { recordedChunk, writeRecordingOf } from './made-media.js';
import { videoFragment, videoTrack } from './playback/start-playback.js';
import { clusterOf, header } from './put-media/body.js';
import { SteppedClock } from './stepped-clock.js';

const BASE_MS = Date.UTC(2026, 0, 31);
const MINUTE_MS = 60_000;

/** A server whose fragments are as old as a test says: by its own clocks, and with a stream `cam` that keeps an hour. */
async function startAging(
	t: ExecutionContext,
	{ retentionHours = 1, ...options }: ArchiveServerOptions = {},
) {
	const dataDirectory = options.dataDirectory ?? (await temporaryDirectory(t));
	const clock = new SteppedClock();
	const warnings: string[] = [];
	let nowMs = BASE_MS;
	const started = await startServer(t, {
		dataDirectory,
		clock,
		now: () => nowMs,
		onWarning: (message) => warnings.push(message),
		...options,
	});
	const { server, call } = started;
	await server.archive.ready;
	if (server.archive.stream('cam') === undefined) {
		await server.archive.createStream({ name: 'cam', retentionHours });
	}
	const setMinute = (minute: number): void => {
		nowMs = BASE_MS + minute * MINUTE_MS;
	};
	return {
		...started,
		dataDirectory,
		clock,
		warnings,
		now: () => nowMs,
		setMinute,
		stream: server.archive.stream('cam') as LocalStream,
		/** Puts a fragment in at a minute; its number. Those more than five minutes apart have files of their own. */
		async put(minute: number): Promise<string> {
			setMinute(minute);
			const producer = await Producer.open(started.url, { stream: 'cam' });
			const { blocks } = videoFragment(minute % 256);
			const cluster = clusterOf(nowMs, blocks);
			const acks = await producer.put(Buffer.concat([header({ tracks: [videoTrack] }), cluster]));
			return acks.find(({ EventType }) => EventType === 'RECEIVED')?.FragmentNumber as string;
		},
		/** The payloads of producers on the disk. */
		async payloads(): Promise<string[]> {
			const names = await readdir(join(dataDirectory, 'streams', 'cam'));
			return names.filter((name) => /^[0-9]{8}\.mkv$/.test(name)).toSorted();
		},
		async listed(): Promise<string[]> {
			const { json } = await call('ListFragments', {
				StreamName: 'cam',
				FragmentSelector: everything,
				MaxResults: 1000,
			});
			return json.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber).toSorted();
		},
		/** Status and body of a GetMediaForFragmentList. */
		media(numbers: readonly string[]): Promise<Response> {
			const body = JSON.stringify({ StreamName: 'cam', Fragments: numbers });
			return fetch(`${started.url}/getMediaForFragmentList`, { method: 'POST', body });
		},
		async changeRetention(Operation: 'INCREASE_DATA_RETENTION' | 'DECREASE_DATA_RETENTION', hours: number) {
			const { json } = await call('DescribeStream', { StreamName: 'cam' });
			const members = { CurrentVersion: json.StreamInfo.Version, DataRetentionChangeInHours: hours };
			const { status } = await call('UpdateDataRetention', { StreamName: 'cam', Operation, ...members });
			t.is(status, 200);
		},
	};
}

/** Which of some numbers a body names as fragments, and which as ones that it has an exception for, and of which code. */
function namesIn(body: Uint8Array, numbers: readonly string[]): string[] {
	const documents = Buffer.from(body).toString('latin1').split('\x1a\x45\xdf\xa3').slice(1);
	return documents.map((text) => {
		const index = numbers.findIndex((number) => text.includes(number));
		const code = /AWS_KINESISVIDEO_ERROR_ID.{6}([0-9]{4})/s.exec(text)?.[1];
		return code === undefined ? `${index}` : `${index}: ${code}`;
	});
}

async function bytesOf(response: Response): Promise<Buffer> {
	return Buffer.from(await response.arrayBuffer());
}

/** What GetMedia gives that waits for nothing. */
async function liveNow({ stream, now }: { stream: LocalStream; now: () => number }): Promise<Buffer> {
	const start = startPlace({ type: 'EARLIEST' }, stream, now());
	const signal = new AbortController();
	const chunks: Uint8Array[] = [];
	// It ends where it would wait.
	const clock = { now: () => 0, sleep: async () => signal.abort() };
	const options = { stream, start, clock, now, signal: signal.signal };
	for await (const bytes of liveChunks({
		...options,
		onDamage: (message) => chunks.push(Buffer.from(message)),
	}))
		chunks.push(bytes);
	return Buffer.concat(chunks);
}

test('expired fragments leave every operation at once, and the disk within a minute; the others stay', async (t) => {
	const aging = await startAging(t);
	const recording = join(await temporaryDirectory(t), 'recording.mkv');
	const [ingested = ''] = await writeRecordingOf(recording, 1);
	await aging.server.archive.ingest('cam', recording);
	const numbers = [await aging.put(0), await aging.put(2), await aging.put(10)];
	const [old = '', mate = '', young = ''] = numbers;
	const all = [ingested, ...numbers];
	t.deepEqual(await aging.listed(), all.toSorted());
	t.deepEqual(await aging.payloads(), ['00000001.mkv', '00000002.mkv']);
	const { json } = await aging.call('GetHLSStreamingSessionURL', {
		StreamName: 'cam',
		PlaybackMode: 'ON_DEMAND',
		Expires: 43_200,
		HLSFragmentSelector: {
			...everything,
			TimestampRange: { StartTimestamp: BASE_MS / 1000, EndTimestamp: BASE_MS / 1000 + 3599 },
		},
	});
	const segment = async (number: string): Promise<number> => {
		const url = new URL('getMP4MediaFragment.mp4', json.HLSStreamingSessionURL);
		url.search = `${new URL(json.HLSStreamingSessionURL).search}&TrackNumber=1&FragmentNumber=${number}`;
		return (await fetch(url)).status;
	};
	t.deepEqual([await segment(old), await segment(young)], [200, 200]);

	// Of the two in one file, one has expired.
	aging.setMinute(61);
	await aging.clock.isSleptOn(MINUTE_MS);
	aging.clock.advance(MINUTE_MS);
	await aging.clock.isSleptOn(MINUTE_MS);
	t.deepEqual(await aging.payloads(), ['00000001.mkv', '00000002.mkv']);
	t.deepEqual(await aging.listed(), [ingested, mate, young].toSorted());
	t.deepEqual(namesIn(await liveNow(aging), all), ['0', '2', '3']);
	t.is((await aging.media([old])).status, 400);
	t.is((await aging.media([ingested, mate])).status, 200);
	t.deepEqual([await segment(old), await segment(mate), await segment(young)], [404, 200, 200]);

	aging.setMinute(63);
	t.deepEqual(await aging.listed(), [ingested, young].toSorted());
	aging.clock.advance(MINUTE_MS - 1);
	t.deepEqual(await aging.payloads(), ['00000001.mkv', '00000002.mkv']);
	aging.clock.advance(1);
	await aging.clock.isSleptOn(MINUTE_MS);
	t.deepEqual(await aging.payloads(), ['00000002.mkv']);
	t.deepEqual(await aging.listed(), [ingested, young].toSorted());
	t.deepEqual(namesIn(await liveNow(aging), all), ['0', '3']);
	t.deepEqual([await segment(mate), await segment(young)], [404, 200]);

	// Ten years later.
	aging.setMinute(10 * 366 * 24 * 60);
	aging.clock.advance(MINUTE_MS);
	await aging.clock.isSleptOn(MINUTE_MS);
	t.deepEqual(await aging.payloads(), []);
	t.deepEqual(await aging.listed(), [ingested]);
	t.is((await aging.media([ingested])).status, 200);
	t.is((await aging.media([young])).status, 400);
	t.deepEqual(aging.warnings, []);
	await aging.close();
	t.is(aging.clock.pending, 0);
});

test('what expired while the server was off is removed as it starts', async (t) => {
	const first = await startAging(t);
	await first.put(0);
	await first.close();
	const later = () => BASE_MS + 61 * MINUTE_MS;
	const second = await startAging(t, { dataDirectory: first.dataDirectory, now: later });
	await second.clock.isSleptOn(MINUTE_MS);
	t.deepEqual(await second.payloads(), []);
	t.deepEqual(await second.listed(), []);
});

test('a listing that began before an expiry continues with the remaining fragments, and is refused an hour later', async (t) => {
	const aging = await startAging(t);
	const numbers: string[] = [];
	for (let minute = 0; minute < 40; minute += 2) numbers.push(await aging.put(minute));
	const page = async (members: object) =>
		(await aging.call('ListFragments', { StreamName: 'cam', ...members })).json;
	const first = await page({ FragmentSelector: everything, MaxResults: 3 });
	const rest = async (): Promise<string[]> => {
		const found: string[] = [];
		for (let NextToken = first.NextToken; NextToken !== null; ) {
			const next = await page({ NextToken });
			found.push(...next.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber));
			({ NextToken } = next);
		}
		return found;
	};
	const begun: string[] = first.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber);
	t.deepEqual([...begun, ...(await rest())].toSorted(), numbers.toSorted());
	// Those of the first twenty minutes expire, and their files go.
	aging.setMinute(79);
	await aging.server.archive.expire();
	t.is((await aging.payloads()).length, 4);
	const left = numbers.slice(10);
	t.deepEqual(
		(await rest()).toSorted(),
		left.filter((number) => !begun.includes(number)),
	);
	aging.setMinute(79 + 59);
	await aging.server.archive.expire();
	t.deepEqual(await rest(), []);
	aging.setMinute(79 + 60);
	await aging.server.archive.expire();
	const { __type, message } = await page({ NextToken: first.NextToken });
	t.is(__type, 'InvalidArgumentException');
	t.regex(message, /fragments of it expired; list again/);
});

test('a shorter retention removes what is older at once, and a longer one brings nothing back', async (t) => {
	const aging = await startAging(t, { retentionHours: 24 });
	const numbers = [await aging.put(0), await aging.put(2), await aging.put(10), await aging.put(12)];
	const [, , , young = ''] = numbers;
	aging.setMinute(71);
	t.is((await aging.listed()).length, 4);
	await aging.changeRetention('DECREASE_DATA_RETENTION', 23);
	t.deepEqual(await aging.payloads(), ['00000002.mkv']);
	t.deepEqual(await aging.listed(), [young]);
	await aging.changeRetention('INCREASE_DATA_RETENTION', 100);
	// Not those whose files are gone, and not the one that shares its file with a younger.
	t.deepEqual(await aging.listed(), [young]);
	t.deepEqual(namesIn(await liveNow(aging), numbers), ['3']);
	t.is((await aging.media([young])).status, 200);
	aging.setMinute(200);
	t.deepEqual(await aging.listed(), [young]);
	await aging.close();
	const again = await startAging(t, { dataDirectory: aging.dataDirectory, now: aging.now });
	t.deepEqual(await again.listed(), [young]);
	t.deepEqual(again.warnings, []);
});

test('fragments put while the retention is 0 are not listed once it is raised, and later ones are', async (t) => {
	const aging = await startAging(t, { retentionHours: 0 });
	const unkept = await aging.put(0);
	aging.setMinute(1);
	await aging.changeRetention('INCREASE_DATA_RETENTION', 24);
	const kept = await aging.put(2);
	t.deepEqual(await aging.listed(), [kept]);
	t.deepEqual(namesIn(await liveNow(aging), [unkept, kept]), ['0', '1']);
	aging.setMinute(6);
	t.deepEqual(namesIn(await liveNow(aging), [unkept, kept]), ['1']);
});

test('an open response has an in-band exception in place of each fragment that expires meanwhile', async (t) => {
	const aging = await startAging(t, { faults: [{ fault: 'stall', atByte: 1, ms: 7777 }] });
	const numbers = [await aging.put(0), await aging.put(10), await aging.put(20), await aging.put(30)];
	const response = await aging.media(numbers);
	await aging.clock.isSleptOn(7777);
	aging.setMinute(85);
	await aging.server.archive.expire();
	t.is((await aging.payloads()).length, 1);
	aging.clock.advance(7777);
	const body = await bytesOf(response);
	// The first was read already.
	t.deepEqual(namesIn(body, numbers), ['0', '1: 4000', '2: 4000', '3']);
	t.deepEqual(aging.warnings, []);
});

test('an open response ends with an in-band exception when its stream is deleted and made anew', async (t) => {
	const aging = await startAging(t, { faults: [{ fault: 'stall', atByte: 1, ms: 7777, nth: 1 }] });
	const numbers = [await aging.put(0), await aging.put(10)];
	const response = await aging.media(numbers);
	await aging.clock.isSleptOn(7777);
	t.is((await aging.call('DeleteStream', { StreamARN: aging.stream.arn })).status, 200);
	await aging.server.archive.createStream({ name: 'cam', retentionHours: 1 });
	// Its files have the same names.
	const others = [await aging.put(11), await aging.put(21)];
	aging.clock.advance(7777);
	t.deepEqual(namesIn(await bytesOf(response), numbers), ['0', '1: 4000']);
	t.deepEqual(namesIn(await bytesOf(await aging.media(others)), others), ['0', '1']);
	t.deepEqual(aging.warnings, []);
});

test('GetMedia leaves out what expires before its turn, and ends when its stream is deleted', async (t) => {
	const aging = await startAging(t);
	const { stream, now, clock } = aging;
	const numbers = [await aging.put(0), await aging.put(10), await aging.put(20), await aging.put(30)];
	const start = startPlace({ type: 'EARLIEST' }, stream, now());
	const { signal } = new AbortController();
	const onDamage = (message: string) => t.fail(message);
	const chunks = liveChunks({ stream, start, clock, now, signal, onDamage });
	const next = async (): Promise<string | undefined> => {
		const { value, done } = await chunks.next();
		return done ? undefined : namesIn(value, numbers)[0];
	};
	t.is(await next(), '0');
	aging.setMinute(75);
	await aging.server.archive.expire();
	// Its tags.
	t.is(await next(), undefined);
	t.is(await next(), '2');
	await aging.server.archive.deleteStream(stream);
	t.is(await next(), undefined);
	t.like(await chunks.next(), { done: true });
});

test('a GetMedia that waits ends when its stream is deleted', async (t) => {
	const aging = await startAging(t);
	const numbers = [await aging.put(0)];
	const body = JSON.stringify({ StreamName: 'cam', StartSelector: { StartSelectorType: 'EARLIEST' } });
	const response = await fetch(`${aging.url}/getMedia`, { method: 'POST', body });
	const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
	const { value } = await reader.read();
	t.deepEqual(namesIn(value as Uint8Array, numbers), ['0']);
	t.is((await aging.call('DeleteStream', { StreamARN: aging.stream.arn })).status, 200);
	let isDone = false;
	while (!isDone) isDone = (await reader.read()).done;
	t.deepEqual(aging.warnings, []);
});

test('a file that cannot be removed is reported, and its removal is retried', async (t) => {
	const aging = await startAging(t);
	await aging.put(0);
	const young = await aging.put(70);
	const payload = join(aging.dataDirectory, 'streams', 'cam', '00000001.mkv');
	await rm(payload);
	await mkdir(payload);
	await aging.clock.isSleptOn(MINUTE_MS);
	aging.clock.advance(MINUTE_MS);
	await until(
		() => aging.warnings.length > 0,
		() => 'no warning',
	);
	t.regex(aging.warnings[0] as string, /media of `cam` that has expired cannot be removed: .*00000001\.mkv/);
	t.deepEqual(await aging.listed(), [young]);
	await rmdir(payload);
	await aging.clock.isSleptOn(MINUTE_MS);
	aging.clock.advance(MINUTE_MS);
	await aging.clock.isSleptOn(MINUTE_MS);
	t.is(aging.warnings.length, 1);
	aging.setMinute(70 + 61);
	aging.clock.advance(MINUTE_MS);
	await aging.clock.isSleptOn(MINUTE_MS);
	t.deepEqual(await aging.payloads(), []);
});

test('a server of recordings alone has nothing to expire, and waits for nothing', async (t) => {
	const aging = await startAging(t);
	const number = ((1n << 156n) + (9n << 92n)).toString();
	const recording = join(await temporaryDirectory(t), 'recording.mkv');
	await writeFile(recording, recordedChunk(number, 1000));
	await aging.server.archive.ingest('cam', recording);
	t.is((await aging.listed()).length, 1);
	t.is(aging.clock.pending, 0);
});
