/* What a live stream makes of responses that break off, end or stall, of a service that does what each test says. */
import type { ServerResponse } from 'node:http';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { cluster } from '#lib/mkv/matroska-writer.js';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { until, within } from '../helpers/wait.js';
import { endsFragment, linesOf, outlineOf, readLive, whole } from './live-reading.js';
import {
	accept,
	breakAfter,
	chunk,
	chunksFrom,
	endTags,
	FRAMES,
	firstIndex,
	fragmentPart,
	give,
	type SentSelector,
	startLiveService,
} from './live-service.js';

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

test('repeated fragments are not delivered again', async (t) => {
	const service = await startLiveService(t, (_, response, nth) => {
		accept(response);
		if (nth === 0) response.end(Buffer.concat([chunk(1), chunk(1), chunk(2)]));
		else response.write(Buffer.concat([chunk(2), chunk(3), chunk(3), chunk(4)]));
	});
	const { events } = await readLive(t, service.endpoint, 'earliest', endsFragment(fragmentNumber(4)));
	t.deepEqual(outlineOf(events), [1, 2, 3, 4].flatMap(whole));
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
