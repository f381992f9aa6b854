import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { CallRecord, Frame, Progress, RunSummary } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { deliveredNumbers, numbers, typesOf } from './delivered.js';
import { twice } from './made-recordings.js';

const all = between(-60_000, 3_600_000);

/** A range that is listed with one call. */
const short = between(0, 800_000);

test('a range is read as one ordered stream of events', async (t) => {
	const { endpoint, requests } = await startArchive(t, { door: recording(230) });
	const stream = openArchive(t, endpoint).events(short);
	const events = await collect(stream);
	t.true(typesOf(events) === Array(230).fill('fragment frame frame fragment-end').join(' '));
	const frames = events.filter((event): event is Frame => event.type === 'frame');
	t.deepEqual(
		frames.map(({ timestampMs }) => timestampMs),
		Array.from({ length: 460 }, (_, index) => startMs + index * 1000),
	);
	t.deepEqual(
		events.filter(({ type }) => type === 'fragment').map((event) => (event as { index: number }).index),
		Array.from({ length: 230 }, (_, index) => index),
	);
	const media = requests.filter(({ operation }) => operation === 'GetMediaForFragmentList');
	t.deepEqual(
		media.map(({ fragments }) => fragments),
		[10, 40, 100, 80],
	);
	const { elapsedMs, ...summary } = await stream.summary;
	t.true(elapsedMs >= 0);
	t.deepEqual(summary, {
		isComplete: true,
		fragments: 230,
		delivered: 230,
		failed: 0,
		missing: 0,
		skipped: 0,
		failures: [],
		frames: 460,
		bytes: 4600,
		gaps: 0,
		calls: 7,
		throttled: 0,
	});
});

test('events come in batches too, the same ones', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(30) });
	const archive = openArchive(t, endpoint);
	const batches = await collect(archive.events(all).batches());
	t.is(typesOf(batches.flat()), typesOf(await collect(archive.events(all))));
});

test('an empty range ends at once', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(1) });
	const archive = openArchive(t, endpoint);
	const before = { from: new Date(0), to: new Date(1000) };
	const stream = archive.events(before);
	t.deepEqual(await collect(stream), []);
	t.is((await stream.summary).fragments, 0);
	const directory = await temporaryDirectory(t);
	await t.throwsAsync(archive.export(before, join(directory, 'x.mkv')), { code: 'KVS_EMPTY_RANGE' });
	t.deepEqual(await readdir(directory), []);
});

test('in order of arrival everything comes as well', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const events = await collect(openArchive(t, endpoint).events(short, { order: 'arrival' }));
	t.deepEqual(new Set(deliveredNumbers(events)), new Set(numbers(230)));
	t.is(events.filter(({ type }) => type === 'frame').length, 460);
});

test('with hardly any memory for reading ahead everything comes in order', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const events = await collect(openArchive(t, endpoint).events(short, { maxBufferedBytes: 1000 }));
	t.deepEqual(deliveredNumbers(events), numbers(230));
});

test('duplicates are kept and reported, or only the newest is kept', async (t) => {
	const { endpoint } = await startArchive(t, { door: twice() });
	const archive = openArchive(t, endpoint);
	const server = between(0, 100_000, 'server');
	const cases = [
		{ range: all, duplicates: undefined, expected: [1, 3, 2, 4], gaps: ['duplicate', 'duplicate'] },
		{ range: all, duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
		{ range: server, duplicates: 'keep-all', expected: [1, 2, 3, 4], gaps: ['regression'] },
		{ range: server, duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
		{ range: between(0, 100_000), duplicates: 'keep-newest', expected: [3, 4], gaps: [] },
	] as const;
	for (const { range, duplicates, expected, gaps } of cases) {
		const stream = archive.events(range, { duplicates });
		const events = await collect(stream);
		t.deepEqual(deliveredNumbers(events), expected.map(fragmentNumber));
		t.deepEqual(
			events.flatMap((event) => (event.type === 'gap' ? [event.kind] : [])),
			gaps,
		);
		const { length } = expected;
		t.like(await stream.summary, { fragments: length, delivered: length, failed: 0, missing: 0 });
	}
	t.throws(() => archive.events(all, { duplicates: 'keep-oldest' as 'keep-all' }), {
		code: 'KVS_INVALID_OPTION',
	});
});

test('a run reports its progress, and at its end all of it', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(230) });
	const reports: Progress[] = [];
	await collect(openArchive(t, endpoint).events(short, { onProgress: (progress) => reports.push(progress) }));
	const last = reports.at(-1);
	t.like(last, {
		fragments: 230,
		delivered: 230,
		failed: 0,
		missing: 0,
		frames: 460,
		bytes: 4600,
		calls: 7,
		throttled: 0,
		retries: 0,
	});
	t.is(last?.fraction, 458_000 / 800_000);
	t.true((last?.remainingMs ?? -1) >= 0);
});

test('subscribers of the diagnostics channels see every call and the end of every run', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(3) });
	const calls: CallRecord[] = [];
	const runs: { summary: RunSummary; error: Error | null }[] = [];
	const onCall = (message: unknown): void => void calls.push(message as CallRecord);
	const onRun = (message: unknown): void => void runs.push(message as (typeof runs)[0]);
	subscribe('kvs-archive:call', onCall);
	subscribe('kvs-archive:run', onRun);
	t.teardown(() => {
		unsubscribe('kvs-archive:call', onCall);
		unsubscribe('kvs-archive:run', onRun);
	});
	const streamName = 'door';
	await collect(openArchive(t, endpoint, { streamName }).events(short));
	const operations = calls.filter(({ stream }) => stream === streamName).map(({ operation }) => operation);
	for (const operation of ['GetDataEndpoint', 'ListFragments', 'GetMediaForFragmentList'])
		t.true(operations.includes(operation));
	t.true(calls.every(({ durationMs }) => durationMs >= 0));
	t.true(runs.some(({ summary, error }) => summary.delivered === 3 && error === null));
});
