// Longer than 300 lines: one stage, with one service that responds as each test says.

/* What a live stream makes of responses that break off, end, stall or are broken, of a service that does what each test says. */
import type { ServerResponse } from 'node:http';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { master, unsigned } from '#lib/ebml/ebml-writer.js';
import { cluster } from '#lib/mkv/matroska-writer.js';
import { failureDocument, fragmentDocument, fragmentNumber, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { until, within } from '../helpers/wait.js';
import { endsFragment, linesOf, outlineOf, readLive } from './live-reading.js';
import {
	accept,
	breakAfter,
	chunk,
	endTags,
	FRAMES,
	firstIndex,
	fragmentPart,
	type SentSelector,
	startLiveService,
} from './live-service.js';

/** The chunks from a place on, up to fragment `last`. */
function chunksFrom(first: number, last: number): Buffer {
	return Buffer.concat(Array.from({ length: Math.max(0, last + 1 - first) }, (_, nth) => chunk(first + nth)));
}

/** The service gives all that there is, and keeps the response open. */
function give(response: ServerResponse, selector: SentSelector, last: number): void {
	accept(response);
	response.write(chunksFrom(firstIndex(selector), last));
}

const whole = (index: number): string[] => [`fragment ${index}`, `${FRAMES} frames`, `end ${index}`];

const LAST = 5;
const starts = ['earliest', 'now', { afterFragmentNumber: fragmentNumber(0) }] as const;

testProp(
	'responses that end or break off anywhere, however often, give the stream that an undisturbed one gives',
	[
		fc.constantFrom(...starts),
		fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), isClean: fc.boolean() }), {
			maxLength: 6,
		}),
	],
	async (t, from, cuts) => {
		// Now is fragment 3.
		const beginsAt = (selector: SentSelector): number =>
			selector.StartSelectorType === 'NOW' ? 3 : firstIndex(selector);
		const read = async (ends: typeof cuts): Promise<{ events: readonly MediaEvent[]; requests: number }> => {
			const service = await startLiveService(t, (selector, response, nth) => {
				const bytes = chunksFrom(beginsAt(selector), LAST);
				const end = ends[nth];
				accept(response, { date: new Date(startMs + 8000).toUTCString() });
				if (end === undefined) response.write(bytes);
				else {
					const part = bytes.subarray(0, Math.floor(bytes.byteLength * end.share));
					if (end.isClean) response.end(part);
					else breakAfter(response, part);
				}
			});
			const { events } = await readLive(t, service.endpoint, from, endsFragment(fragmentNumber(LAST)));
			return { events, requests: service.selectors.length };
		};
		const undisturbed = await read([]);
		const disturbed = await read(cuts);
		t.deepEqual(linesOf(disturbed.events), linesOf(undisturbed.events));
		t.is(undisturbed.requests, 1);
		t.true(disturbed.requests <= cuts.length + 1);
	},
	{ numRuns: 20 },
);

test('a fragment is over with the last tag of its chunk, and the next response begins after it', async (t) => {
	const service = await startLiveService(t, (selector, response) => give(response, selector, 2));
	await readLive(
		t,
		service.endpoint,
		{ afterFragmentNumber: fragmentNumber(1) },
		endsFragment(fragmentNumber(2)),
	);
	t.deepEqual(service.selectors, [
		{ StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: fragmentNumber(1) },
	]);
	const broken = await startLiveService(t, (selector, response, nth) => {
		if (nth > 0) give(response, selector, 3);
		else {
			accept(response);
			// The second is cut in its last tag.
			breakAfter(response, Buffer.concat([chunk(1), chunk(2).subarray(0, -1)]));
		}
	});
	const { events } = await readLive(t, broken.endpoint, 'earliest', endsFragment(fragmentNumber(3)));
	t.deepEqual(outlineOf(events), [...whole(1), ...whole(2), ...whole(3)]);
	t.deepEqual(broken.selectors, [
		{ StartSelectorType: 'EARLIEST' },
		{ StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: fragmentNumber(1) },
	]);
});

test('"now" stays what it was when nothing has come whole', async (t) => {
	const date = new Date(startMs + 3000);
	const service = await startLiveService(t, (selector, response, nth) => {
		if (nth === 1) {
			accept(response, { date: new Date(startMs + 600_000).toUTCString() });
			breakAfter(response, fragmentPart(2).subarray(0, -10));
		} else if (nth === 0) {
			accept(response, { date: date.toUTCString() });
			response.end();
		} else give(response, selector, 3);
	});
	const { events } = await readLive(t, service.endpoint, 'now', endsFragment(fragmentNumber(3)));
	t.deepEqual(outlineOf(events), [...whole(2), ...whole(3)]);
	t.deepEqual(service.selectors, [
		{ StartSelectorType: 'NOW' },
		{ StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: date.getTime() / 1000 },
		// That of the fragment that was begun, or just before.
		{ StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: (startMs + 4999) / 1000 },
	]);
	const dateless = await startLiveService(t, (selector, response, nth) => {
		response.sendDate = false;
		if (nth > 0) return give(response, selector, 1);
		accept(response);
		response.end();
	});
	await readLive(t, dateless.endpoint, 'now', endsFragment(fragmentNumber(1)));
	t.deepEqual(
		dateless.selectors.map(({ StartSelectorType }) => StartSelectorType),
		['NOW', 'NOW'],
	);
});

test('what comes twice, or was given before, is not given again', async (t) => {
	const service = await startLiveService(t, (_, response, nth) => {
		accept(response);
		if (nth === 0) response.end(Buffer.concat([chunk(1), chunk(1), chunk(2)]));
		else response.write(Buffer.concat([chunk(2), chunk(3), chunk(3), chunk(4)]));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(4)));
	t.deepEqual(outlineOf(events), [1, 2, 3, 4].flatMap(whole));
});

test('an in-band exception of the service that a retry may help is retried five times, and is then in its place', async (t) => {
	const exception = failureDocument({
		ERROR_ID: '5000',
		ERROR_CODE: 'INTERNAL_ERROR',
		FRAGMENT_NUMBER: fragmentNumber(2),
	});
	const serve = (failures: number) =>
		startLiveService(t, (selector, response, nth) => {
			accept(response);
			const first = firstIndex(selector);
			const parts = [1, 2, 3]
				.filter((index) => index >= first)
				.map((index) => (index === 2 && nth < failures ? exception : chunk(index)));
			response.write(Buffer.concat(parts));
		});
	const healed = await serve(4);
	const whenHealed = await readLive(t, healed.endpoint, 'earliest', endsFragment(fragmentNumber(3)));
	t.deepEqual(outlineOf(whenHealed.events), [1, 2, 3].flatMap(whole));
	t.is(healed.selectors.length, 5);
	const lasting = await serve(100);
	const { events, summary } = await readLive(
		t,
		lasting.endpoint,
		'earliest',
		endsFragment(fragmentNumber(3)),
	);
	t.deepEqual(outlineOf(events), [...whole(1), 'INTERNAL_ERROR 2', 'gap', ...whole(3)]);
	t.like(
		events.find(({ type }) => type === 'fragment-failure'),
		{ code: 5000, retryable: true, index: null },
	);
	// What follows it in the response that was the last try is taken from there.
	t.is(lasting.selectors.length, 5);
	t.like(summary, { isComplete: false, fragments: 3, delivered: 2, failed: 1 });
});

test('one that no retry helps is in its place at once, also inside a fragment', async (t) => {
	const key = (index: number): Buffer =>
		failureDocument({
			ERROR_ID: '4501',
			ERROR_CODE: 'KMS_KEY_DISABLED',
			FRAGMENT_NUMBER: fragmentNumber(index),
		});
	const service = await startLiveService(t, (selector, response, nth) => {
		accept(response);
		if (nth === 0) response.end(Buffer.concat([chunk(1), key(2), chunk(3)]));
		else if (nth === 1) breakAfter(response, fragmentPart(4));
		else if (nth === 2) response.end(key(4));
		else response.write(chunksFrom(firstIndex(selector), 5));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(5)));
	t.deepEqual(outlineOf(events), [
		...whole(1),
		'KMS_KEY_DISABLED 2',
		'gap',
		...whole(3),
		'fragment 4',
		`${FRAMES} frames`,
		'KMS_KEY_DISABLED 4, begun',
		'failed end 4',
		...whole(5),
	]);
	t.is(service.selectors[3]?.AfterFragmentNumber, fragmentNumber(4));
});

test('one that names no fragment, or an old one, is given out once, until something comes again', async (t) => {
	const unnamed = failureDocument({ ERROR_ID: '4500', ERROR_CODE: 'KMS_KEY_ACCESS_DENIED' });
	const old = failureDocument({ ERROR_ID: '4506', FRAGMENT_NUMBER: fragmentNumber(1) });
	const bodies = [unnamed, unnamed, unnamed, chunk(1), unnamed, old, unnamed, chunk(2)];
	const service = await startLiveService(t, (_, response, nth) => {
		accept(response);
		response.end(bodies[nth]);
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)));
	t.deepEqual(outlineOf(events), [
		'KMS_KEY_ACCESS_DENIED unnamed',
		...whole(1),
		'KMS_KEY_ACCESS_DENIED unnamed',
		...whole(2),
	]);
});

test('bytes that are broken are read again; what stays so fails in its place, and the rest comes', async (t) => {
	const damaged = chunk(2);
	damaged.fill(0xff, damaged.indexOf('frame-0202') - 20, damaged.indexOf('frame-0202'));
	const serve = (failures: number) =>
		startLiveService(t, (selector, response, nth) => {
			accept(response);
			const first = firstIndex(selector);
			const parts = [1, 2, 3]
				.filter((index) => index >= first)
				.map((index) => (index === 2 && nth < failures ? damaged : chunk(index)));
			response.write(Buffer.concat(parts));
		});
	const healed = await readLive(t, (await serve(4)).endpoint, 'earliest', endsFragment(fragmentNumber(3)));
	t.deepEqual(outlineOf(healed.events), [1, 2, 3].flatMap(whole));
	const lasting = await serve(100);
	const { events } = await readLive(t, lasting.endpoint, 'earliest', endsFragment(fragmentNumber(3)));
	const outline = outlineOf(events);
	t.deepEqual(outline.slice(0, 4), [...whole(1), 'fragment 2']);
	t.deepEqual(outline.slice(5, 7), ['MALFORMED 2, begun', 'failed end 2']);
	t.deepEqual(outline.slice(-3), whole(3));
	t.is(lasting.selectors.length, 6);
});

test('a fragment that is not supported fails at once', async (t) => {
	const compressed = trackEntry(1, 'video', 'V_TEST', [
		master('ContentEncodings', [
			master('ContentEncoding', [master('ContentCompression', [unsigned('ContentCompAlgo', 1)])]),
		]),
	]);
	const unsupported = fragmentDocument({
		number: fragmentNumber(1),
		producerMs: startMs + 2000,
		tracks: [compressed],
	});
	const service = await startLiveService(t, (selector, response) => {
		accept(response);
		response.write(firstIndex(selector) > 1 ? chunk(2) : Buffer.concat([unsupported, ...endTags(1)]));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)));
	t.deepEqual(outlineOf(events).slice(1), ['UNSUPPORTED 1, begun', 'failed end 1', ...whole(2)]);
	t.is(service.selectors.length, 2);
});

test('a fragment that is another when it is read again', async (t) => {
	const service = await startLiveService(t, (selector, response, nth) => {
		accept(response);
		if (firstIndex(selector) > 1) response.write(chunk(2));
		else if (nth === 0) breakAfter(response, fragmentPart(1));
		else {
			const fragment = fragmentDocument({ number: fragmentNumber(1), producerMs: startMs + 7000 });
			response.write(Buffer.concat([fragment, ...endTags(1), chunk(2)]));
		}
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)));
	t.deepEqual(outlineOf(events), [
		'fragment 1',
		`${FRAMES} frames`,
		'CHANGED 1, begun',
		'failed end 1',
		...whole(2),
	]);
});

test('a fragment whose rest never comes is given up when it was tried often and long', async (t) => {
	let nowMs = startMs;
	const waits: number[] = [];
	const clock = {
		now: () => nowMs,
		sleep: async (ms: number, { signal }: { signal?: AbortSignal | undefined } = {}) => {
			if (ms < 30_000) waits.push(ms);
			else await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
		},
	};
	const service = await startLiveService(t, (selector, response) => {
		nowMs += 10_000;
		accept(response);
		if (firstIndex(selector) === 1) breakAfter(response, fragmentPart(1).subarray(0, -1));
		else response.write(chunk(2));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)), {
		clock,
	});
	t.deepEqual(outlineOf(events), [
		'fragment 1',
		`${FRAMES - 1} frames`,
		'TRUNCATED 1, begun',
		'failed end 1',
		'gap',
		...whole(2),
	]);
	t.is(service.selectors.length, 14, 'the first, twelve in two minutes, and the one after it');
	t.true(Math.max(...waits) <= 10_000);
});

test('a fragment that was cut, and in whose place another comes', async (t) => {
	const service = await startLiveService(t, (_, response, nth) => {
		accept(response);
		if (nth === 0) breakAfter(response, fragmentPart(1));
		else response.write(chunk(2));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)));
	t.deepEqual(outlineOf(events), [
		'fragment 1',
		`${FRAMES} frames`,
		'TRUNCATED 1, begun',
		'failed end 1',
		...whole(2),
	]);
});

test('a Cluster after the last tag of a chunk is not taken for one of its fragment', async (t) => {
	const service = await startLiveService(t, (selector, response) => {
		accept(response);
		if (firstIndex(selector) > 1) response.write(chunk(2));
		else response.write(Buffer.concat([chunk(1), ...cluster(0n, [])]));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(2)));
	t.deepEqual(outlineOf(events), [...whole(1), ...whole(2)]);
});

test('a connection on which nothing comes is replaced, inside a fragment and between two', async (t) => {
	const clock = new StandstillClock(startMs);
	const service = await startLiveService(t, (selector, response, nth) => {
		accept(response);
		const first = firstIndex(selector);
		if (nth === 0) response.write(fragmentPart(1).subarray(0, -10));
		else if (nth === 1) response.write(chunk(1));
		else response.write(chunksFrom(first, 2));
	});
	let seen = 0;
	const isEnough = (event: MediaEvent): boolean => {
		seen++;
		return event.type === 'fragment-end' && event.fragmentNumber === fragmentNumber(2);
	};
	const reading = readLive(t, service.endpoint, 'earliest', isEnough, { clock });
	// A fragment without its last frame; then that frame and its end.
	for (const [requests, events] of [
		[1, FRAMES],
		[2, FRAMES + 2],
	] as const) {
		await until(
			() => service.selectors.length === requests && seen === events && clock.pending === 1,
			() => `${service.selectors.length} requests, ${seen} events, ${clock.pending} waits`,
		);
		clock.advance(59_999);
		for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
		t.is(service.selectors.length, requests);
		clock.advance(1);
	}
	const { events } = await reading;
	t.deepEqual(outlineOf(events), [...whole(1), ...whole(2)]);
	t.is(service.selectors.length, 3);
});

test('a reader that stops reading stops the connection, and is not taken for one that stalls', async (t) => {
	const CHUNKS = 400;
	const padding = Buffer.alloc(256 * 1024);
	let written = 0;
	let response: ServerResponse | null = null;
	const service = await startLiveService(t, async (_, opened) => {
		response = opened;
		accept(opened);
		for (let index = 1; index <= CHUNKS; index++) {
			const fragment = fragmentDocument({
				number: fragmentNumber(index),
				producerMs: startMs + index * 2000,
				blocks: [{ trackNumber: 1, relativeTicks: 0, keyframe: true, data: padding }],
			});
			written = index;
			const isTaken = opened.write(Buffer.concat([fragment, ...endTags(index)]));
			if (!isTaken) await new Promise((resolve) => opened.once('drain', resolve));
		}
	});
	const clock = new StandstillClock(startMs);
	const archive = openArchive(t, service.endpoint, { clock });
	const stream = archive.live({ from: 'earliest' });
	t.teardown(() => stream.destroy());
	const iterator = stream[Symbol.asyncIterator]();
	await within(iterator.next(), () => 'nothing came');
	let seen = -1;
	// Until nothing moves any more.
	for (let turns = 0; turns < 500; turns++) {
		await until(
			() => response?.writableNeedDrain === true,
			() => `${written} chunks written`,
		);
		if (written !== seen) turns = 0;
		seen = written;
		await new Promise((resolve) => setImmediate(resolve));
	}
	t.true(written < 100, `${written} of ${CHUNKS} chunks were sent to a reader that does not read`);
	clock.advance(600_000);
	let ends = 0;
	while (ends < CHUNKS) {
		const { value } = await within(iterator.next(), () => `${ends} fragments`);
		if (value?.type === 'fragment-end') ends++;
	}
	t.is(service.selectors.length, 1);
});
