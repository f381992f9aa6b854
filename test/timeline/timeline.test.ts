import test from 'ava';
import type { Fragment, TimelineEvent } from 'kvs-archive';
import { element, type Slices } from '#lib/ebml/ebml-writer.js';
import { TimelineSource } from '#lib/timeline/timeline-source.js';
import { collect } from '../helpers/collect.js';
import {
	failureDocument,
	fragmentDocument,
	fragmentNumber,
	recording,
	trackEntry,
} from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { until } from '../helpers/wait.js';
import { listed } from './listed.js';

const all = between(-60_000, 700_000);

/** Three fragments, a minute of nothing, five more that change their codec at the third. */
const twoSpans = (): Buffer =>
	Buffer.concat([
		recording(3),
		...[0, 1, 2, 3, 4].map((index) =>
			fragmentDocument({
				number: fragmentNumber(10 + index),
				producerMs: startMs + 66_000 + index * 1000,
				...(index < 2 ? {} : { tracks: [trackEntry(1, 'video', 'V_OTHER')] }),
			}),
		),
	]);

const at = (ms: number): Date => new Date(startMs + ms);

test('a range is reported as spans, what is between them, a codec change and a total', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: twoSpans() });
	const events = await collect(openArchive(t, endpoint).timeline(all));
	const [first, gap, second, change, total] = events;
	t.deepEqual(
		events.map(({ type }) => type),
		['span', 'gap', 'span', 'codec-change', 'total'],
	);
	t.like(first, {
		index: 0,
		from: at(0),
		to: at(6000),
		fragments: 3,
		firstFragmentNumber: fragmentNumber(1),
		lastFragmentNumber: fragmentNumber(3),
		serverFrom: at(1000),
		serverTo: at(5000),
		tracks: [{ codecId: 'V_TEST', width: 320 }],
	});
	t.like(gap, { kind: 'gap', from: at(6000), to: at(66_000) });
	t.like(second, { index: 1, from: at(66_000), to: at(71_000), fragments: 5 });
	t.like(change, {
		at: at(68_000),
		afterFragmentNumber: fragmentNumber(11),
		fragmentNumber: fragmentNumber(12),
		exact: true,
		before: [{ codecId: 'V_TEST' }],
		tracks: [{ codecId: 'V_OTHER' }],
	});
	const listedBytes = (
		await collect(openArchive(t, endpoint).fragments(all) as AsyncIterable<Fragment>)
	).reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0);
	t.deepEqual(total, {
		type: 'total',
		fragments: 8,
		bytes: listedBytes,
		spans: 2,
		gaps: 1,
		overlaps: 0,
		regressions: 0,
		duplicates: 0,
		codecChanges: 1,
		from: at(0),
		to: at(71_000),
		storedMs: 11_000,
		gapMs: 60_000,
		bitsPerSecond: Math.round((listedBytes * 8) / 11),
		headersRead: 6,
		headersFailed: 0,
		headersSkipped: 0,
	});
	t.is(count('GetMediaForFragmentList'), 6);
});

test('on the clock of the server, a producer clock that goes back is reported', async (t) => {
	const fragments = [0, 1000, 2000, 500, 1500].map((producerMs, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + producerMs,
			serverMs: startMs + index * 1000,
		}),
	);
	const { endpoint } = await startArchive(t, { door: Buffer.concat(fragments) });
	const archive = openArchive(t, endpoint);
	const kinds = async (by: 'server' | 'producer'): Promise<unknown[]> =>
		(await collect(archive.timeline({ ...all, by }, { codecs: false }))).map((event) =>
			event.type === 'gap' ? event.kind : event.type === 'span' ? event.fragments : event.type,
		);
	t.deepEqual(await kinds('server'), [3, 'regression', 2, 'total']);
	t.deepEqual(await kinds('producer'), [5, 'total']);
});

test('without codecs no media is requested', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: twoSpans() });
	const events = await collect(openArchive(t, endpoint).timeline(all, { codecs: false }));
	t.is(count('GetMediaForFragmentList'), 0);
	t.like(events[0], { type: 'span', tracks: null });
	t.like(events.at(-1), { codecChanges: null, headersRead: 0 });
});

test('an empty range gives only a total of zero', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(1) });
	const events = await collect(openArchive(t, endpoint).timeline({ from: new Date(0), to: new Date(1000) }));
	t.is(events.length, 1);
	t.like(events[0], { type: 'total', fragments: 0, spans: 0, from: null, to: null, bitsPerSecond: null });
	t.is(count('GetMediaForFragmentList'), 0);
});

test('a fragment whose media is missing does not end a timeline', async (t) => {
	const archive = await startArchive(t, { door: twoSpans() });
	const exception = failureDocument({
		ERROR_CODE: 'KMS_KEY_DISABLED',
		ERROR_ID: '4501',
		FRAGMENT_NUMBER: fragmentNumber(1),
	});
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path === '/getMediaForFragmentList' && nth === 0 ? { body: exception } : null,
	);
	const events = await collect(openArchive(t, endpoint).timeline(all));
	t.like(events[0], { type: 'span', fragments: 3, tracks: null });
	t.like(events[2], { type: 'span', tracks: [{ codecId: 'V_TEST' }] });
	t.like(events.at(-1), { codecChanges: 1, headersFailed: 1 });
});

test('a header whose response breaks off is requested again', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList' && nth === 0 ? { body: body.subarray(0, 40), cut: true } : null,
	);
	const [span] = await collect(openArchive(t, endpoint).timeline(all));
	t.like(span, { tracks: [{ codecId: 'V_TEST' }] });
});

test('what the service refuses ends a timeline with its error', async (t) => {
	const { endpoint } = await startArchive(t, { gate: recording(1) });
	await t.throwsAsync(collect(openArchive(t, endpoint).timeline(all)), { code: 'KVS_NOT_FOUND' });
	const archive = openArchive(t, endpoint);
	t.throws(() => archive.timeline({ from: new Date(1), to: new Date(0) }), { code: 'KVS_INVALID_OPTION' });
});

test('a header is read without the media after it, and its connection is closed', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	// No response ever ends: what goes on has not waited for one.
	const endpoint = await startMeddler(t, archive, ({ path, body }) =>
		path === '/getMediaForFragmentList' ? { body, hang: true } : null,
	);
	const reader = openArchive(t, endpoint);
	const events = await collect(reader.timeline(all));
	t.like(events.at(-1), { fragments: 3, headersRead: 2 });
});

test('leaving the loop early is a normal end', async (t) => {
	const { endpoint, server } = await startArchive(t, { door: twoSpans() });
	const archive = openArchive(t, endpoint);
	const stream = archive.timeline(all);
	for await (const event of stream) if (event.type === 'gap') break;
	t.true(stream.destroyed);
	await archive.close();
	const connections = (): Promise<number> =>
		new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
	await until(
		async () => (await connections()) === 0,
		() => 'a connection is still open',
	);
	t.pass();
});

test('an abort rejects with its reason, before, while it lists and while it reads a header', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const reason = new Error('enough');
	const controllers: AbortController[] = [];
	const endpoint = await startMeddler(t, archive, ({ path, body }) => {
		if (path !== '/listFragments' && path !== '/getMediaForFragmentList') return null;
		if (path === '/listFragments' && controllers.length > 1) return null;
		controllers[0]?.abort(reason);
		return { body: body.subarray(0, 10), hang: true };
	});
	const reader = openArchive(t, endpoint);
	t.is(await t.throwsAsync(collect(reader.timeline(all, { signal: AbortSignal.abort(reason) }))), reason);
	for (const _ of ['listing', 'header']) {
		const controller = new AbortController();
		controllers.unshift(controller);
		t.is(await t.throwsAsync(collect(reader.timeline(all, { signal: controller.signal }))), reason);
	}
});

test('a long range is reported while it is listed, and no faster than it is read', async (t) => {
	let windows = 0;
	let isClosed = false;
	const source = new TimelineSource({
		range: all,
		readTracks: null,
		async *list() {
			try {
				// Without end: a gap after every fifth fragment.
				for (let index = 1; ; index += 1000, windows++) {
					yield Array.from({ length: 1000 }, (_, nth) =>
						listed(index + nth, (index + nth) * 2000 + Math.floor((index + nth) / 5) * 60_000, 1960),
					);
				}
			} finally {
				isClosed = true;
			}
		},
	});
	const events: TimelineEvent[] = [];
	for await (const event of source) if (events.push(event) === 2000) break;
	t.is(events.filter(({ type }) => type === 'gap').length, 1000);
	t.true(windows <= 6, `${windows} windows`);
	t.true(isClosed);
});

test('a CodecPrivate that differs or is absent is no change of codec if the frames are the same', async (t) => {
	const sets = ['6764000cacd94150878888c044000003000400000300503c50a658', '68ebe3cb22c0'].map((hex) =>
		Buffer.from(hex, 'hex'),
	);
	const startCode = Buffer.from('00000001', 'hex');
	const annexB = Buffer.concat(sets.flatMap((set) => [startCode, set]));
	const headers: Slices[][] = [[element('CodecPrivate', [annexB])], [], []];
	const recorded = Buffer.concat(
		headers.map((more, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + index * 1000,
				tracks: [trackEntry(1, 'video', 'V_MPEG/ISO/AVC', more)],
				blocks: Array.from({ length: 10 }, (_, frame) => ({
					trackNumber: 1,
					relativeTicks: frame * 100,
					keyframe: frame === 0,
					data: Buffer.concat([...(frame === 0 ? [annexB] : []), startCode, Buffer.from('65888400', 'hex')]),
				})),
			}),
		),
	);
	const { endpoint } = await startArchive(t, { door: recorded });
	const events = await collect(openArchive(t, endpoint).timeline(all));
	t.deepEqual(
		events.map(({ type }) => type),
		['span', 'total'],
	);
	const [span] = events as [Extract<TimelineEvent, { type: 'span' }>];
	t.like(span.tracks?.[0], { codec: 'avc1.64000c', width: 322, height: 242 });
});
