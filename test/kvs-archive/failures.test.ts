import test from 'ava';
import type { FragmentFailureEvent, Frame } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { failureDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { deliveredNumbers, numbers, typesOf } from './delivered.js';
import { videoAndAudio } from './made-recordings.js';

const all = between(-60_000, 3_600_000);

/** A range that is listed with one call. */
const short = between(0, 800_000);

test('an in-band exception is an event in its place, and the rest of the batch is requested again', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const number = fragmentNumber(4);
	const exception = failureDocument({
		ERROR_CODE: 'FRAGMENT_NOT_FOUND',
		ERROR_ID: '3000',
		FRAGMENT_NUMBER: number,
	});
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) => {
		if (path !== '/getMediaForFragmentList' || nth > 0) return null;
		return { body: Buffer.concat([body.subarray(0, (body.length / 10) * 3), exception]) };
	});
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	const failures = events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');
	t.like(failures[0], {
		fragmentNumber: number,
		index: null,
		code: 3000,
		name: 'FRAGMENT_NOT_FOUND',
		retryable: true,
	});
	t.is(failures.length, 1);
	t.deepEqual(
		deliveredNumbers(events),
		numbers(10).filter((one) => one !== number),
	);
	t.like(await stream.summary, { fragments: 10, delivered: 9, failed: 1, missing: 0 });
});

test('a body that breaks off between two fragments costs nothing', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList' && nth < 2
			? { body: body.subarray(0, (body.length / (10 - 4 * nth)) * 4 + 100), cut: true }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	t.is(typesOf(events), Array(10).fill('fragment frame frame fragment-end').join(' '));
	t.deepEqual(deliveredNumbers(events), numbers(10));
	t.like(await stream.summary, { fragments: 10, delivered: 10, failed: 0, missing: 0 });
});

test('a body that breaks off inside a fragment costs nothing either', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList' && nth === 0
			? { body: body.subarray(0, (body.length / 10) * 5 - 3), cut: true }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	t.is(typesOf(events), Array(10).fill('fragment frame frame fragment-end').join(' '));
	t.deepEqual(deliveredNumbers(events), numbers(10));
	t.like(await stream.summary, { fragments: 10, delivered: 10, failed: 0, missing: 0 });
	t.is(archive.count('GetMediaForFragmentList'), 2);
});

test('fragments that do not come are reported missing', async (t) => {
	const archive = await startArchive(t, { door: recording(10) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getMediaForFragmentList'
			? { body: nth === 0 ? body.subarray(0, (body.length / 10) * 7) : Buffer.alloc(0) }
			: null,
	);
	const stream = openArchive(t, endpoint).events(all);
	const events = await collect(stream);
	const failures = events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');
	t.deepEqual(
		failures.map((failure) => [failure.name, failure.fragmentNumber]),
		[8, 9, 10].map((index) => ['MISSING', fragmentNumber(index)]),
	);
	const summary = await stream.summary;
	t.like(summary, { fragments: 10, delivered: 7, failed: 0, missing: 3 });
	t.deepEqual(
		summary.failures.map((failure) => [failure.name, failure.fragmentNumber]),
		[8, 9, 10].map((index) => ['MISSING', fragmentNumber(index)]),
	);
});

test('strict makes the first failure an error', async (t) => {
	const archive = await startArchive(t, { door: recording(4) });
	const exception = failureDocument({
		EXCEPTION_ERROR_CODE: '4501',
		EXCEPTION_MESSAGE: 'The key is disabled',
		FRAGMENT_NUMBER: fragmentNumber(1),
	});
	const endpoint = await startMeddler(t, archive, ({ path }) =>
		path === '/getMediaForFragmentList' ? { body: exception } : null,
	);
	const error = await t.throwsAsync(collect(openArchive(t, endpoint).events(all, { strict: true })));
	t.like(error, {
		name: 'FragmentError',
		code: 'KVS_FRAGMENT_FAILED',
		fragmentNumber: fragmentNumber(1),
		retryable: false,
	});
});

test('a throttled call is made again', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const throttle = Buffer.from(
		JSON.stringify({ __type: 'ClientLimitExceededException', Message: 'Slow down' }),
	);
	const endpoint = await startMeddler(t, archive, ({ path, nth }) =>
		path !== '/getDataEndpoint' && nth === 0 ? { status: 400, body: throttle } : null,
	);
	const stream = openArchive(t, endpoint).events(all);
	t.is((await collect(stream)).filter(({ type }) => type === 'frame').length, 6);
	t.like(await stream.summary, { throttled: 2, delivered: 3 });
});

test('a response in JSON that is cut off is requested again', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
		path !== '/getMediaForFragmentList' && nth < 2 ? { body: body.subarray(0, -5), cut: nth === 0 } : null,
	);
	const events = await collect(openArchive(t, endpoint).events(short));
	t.deepEqual(deliveredNumbers(events), numbers(3));
});

test('a failure of the fragment before the range counts where it reaches the range only', async (t) => {
	const archive = await startArchive(t, { door: videoAndAudio() });
	const number = fragmentNumber(1);
	const exception = failureDocument({
		EXCEPTION_ERROR_CODE: '4501',
		EXCEPTION_MESSAGE: 'The key is disabled',
		FRAGMENT_NUMBER: number,
	});
	const endpoint = await startMeddler(t, archive, ({ path, body }) => {
		if (path !== '/getMediaForFragmentList') return null;
		const isFirst = body.includes(number);
		return isFirst ? { body: Buffer.concat([exception, body.subarray(body.length / 2)]) } : null;
	});
	const kvs = openArchive(t, endpoint);
	const reaching = kvs.events(between(3500, 7000), { padStart: true });
	const events = await collect(reaching);
	t.like(events[0], { type: 'fragment-failure', index: null, fragmentNumber: number });
	t.deepEqual(deliveredNumbers(events), [fragmentNumber(2)]);
	t.like(await reaching.summary, { fragments: 2, delivered: 1, failed: 1 });
	await t.throwsAsync(collect(kvs.frames(between(3500, 7000), { strict: true })), {
		code: 'KVS_FRAGMENT_FAILED',
	});
	const over = kvs.frames(between(4000, 7000), { strict: true });
	t.is((await collect(over)).length, 140);
	t.like(await over.summary, { fragments: 1, delivered: 1, failed: 0 });
});

test('a response that breaks off after a fragment that was left out, or in a trimmed one, is resumed', async (t) => {
	const archive = await startArchive(t, { door: videoAndAudio() });
	for (const share of [0.25, 0.45, 0.6, 0.9]) {
		const endpoint = await startMeddler(t, archive, ({ path, nth, body }) =>
			path === '/getMediaForFragmentList' && nth === 0
				? { body: body.subarray(0, body.length * share), cut: true }
				: null,
		);
		for (const [fromMs, expected] of [
			[4000, 280],
			[2500, 52 + 280],
		] as const) {
			const stream = openArchive(t, endpoint).events(between(fromMs, 8000), { padStart: true });
			const events = await collect(stream);
			const fragments = events.filter(({ type }) => type === 'fragment');
			t.deepEqual(
				fragments.map((event) => (event as { index: number }).index),
				fragments.map((_, index) => index),
			);
			const frames = events.filter((event): event is Frame => event.type === 'frame');
			t.is(frames.length, expected, `${share} of the response, from ${fromMs}`);
			t.true(frames.every((frame) => frame.index === frame.fragment.index));
			t.like(await stream.summary, { fragments: fragments.length, delivered: fragments.length, failed: 0 });
		}
	}
});
