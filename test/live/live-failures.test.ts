/* What a live stream makes of fragments that the service fails, and of ones that are broken or never come whole. */
import test, { type ExecutionContext } from 'ava';
import { master, unsigned } from '#lib/ebml/ebml-writer.js';
import { failureDocument, fragmentDocument, fragmentNumber, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { endsFragment, outlineOf, readLive, whole } from './live-reading.js';
import {
	accept,
	breakAfter,
	chunk,
	chunksFrom,
	endTags,
	FRAMES,
	firstIndex,
	fragmentPart,
	startLiveService,
} from './live-service.js';

/** A service of three fragments. Its first `failures` responses have `replacement` in place of the second one. */
function startReplacing(t: ExecutionContext, replacement: Buffer, failures: number) {
	return startLiveService(t, (selector, response, nth) => {
		accept(response);
		const first = firstIndex(selector);
		const parts = [1, 2, 3]
			.filter((index) => index >= first)
			.map((index) => (index === 2 && nth < failures ? replacement : chunk(index)));
		response.write(Buffer.concat(parts));
	});
}

test('an in-band exception of the service that a retry may help is retried five times, and is then in its place', async (t) => {
	const exception = failureDocument({
		ERROR_ID: '5000',
		ERROR_CODE: 'INTERNAL_ERROR',
		FRAGMENT_NUMBER: fragmentNumber(2),
	});
	const serve = (failures: number) => startReplacing(t, exception, failures);
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

test('an exception that cannot be retried is in its place at once, also inside a fragment', async (t) => {
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

test('an exception that names no fragment, or an old one, is emitted once until media arrives again', async (t) => {
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

test('malformed bytes are requested again; a fragment that stays malformed fails in its place', async (t) => {
	const damaged = chunk(2);
	damaged.fill(0xff, damaged.indexOf('frame-0202') - 20, damaged.indexOf('frame-0202'));
	const serve = (failures: number) => startReplacing(t, damaged, failures);
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

test('a fragment that has changed when it is read again is a failure', async (t) => {
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

test('a fragment whose rest never arrives fails after many attempts over two minutes', async (t) => {
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

test('a cut fragment fails when another arrives in its place', async (t) => {
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
