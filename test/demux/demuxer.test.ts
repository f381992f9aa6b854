// Longer than 300 lines: one stage, with a source of responses that fail as each test says.

import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import type { Clock, Fragment, FragmentFailureEvent, Frame, MediaEvent, MediaResponse } from 'kvs-archive';
import { Demuxer, type DemuxerOptions } from '#lib/demux/demuxer.js';
import { master, unsigned } from '#lib/ebml/ebml-writer.js';
import { ArchiveError } from '#lib/errors.js';
import {
	failureDocument,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	trackEntry,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

const FRAMES = 4;

/** A clock that the test sets, and on which all waiting is over at once. */
function clockAt(nowMs: number): Clock & { readonly slept: number[] } {
	const slept: number[] = [];
	return { slept, now: () => nowMs, sleep: async (ms) => void slept.push(ms) };
}

/** Fragment `index`, 1 being the first. */
const media = (index: number): Buffer =>
	fragmentDocument({
		number: fragmentNumber(index),
		producerMs: startMs + index * 2000,
		blocks: Array.from({ length: FRAMES }, (_, frame) =>
			frameBlock(index * 100 + frame, { keyframe: frame === 0, relativeTicks: frame * 500 }),
		),
	});
const exception = (index: number, code: number): Buffer =>
	failureDocument({ ERROR_ID: String(code), ERROR_CODE: 'WORD', FRAGMENT_NUMBER: fragmentNumber(index) });

const listed = (index: number): Fragment => ({
	fragmentNumber: fragmentNumber(index),
	fragmentSizeInBytes: media(index).byteLength,
	producerTimestamp: new Date(startMs + index * 2000),
	serverTimestamp: new Date(startMs + index * 2000 + 1000),
	fragmentLengthInMilliseconds: 1500,
});

/** What comes of one request: bytes, and how the connection ends. */
interface ScriptedResponse {
	readonly bytes: Uint8Array;
	readonly error?: Error;
}

const whole = (...parts: Uint8Array[]): ScriptedResponse => ({ bytes: Buffer.concat(parts) });
const reset = (...parts: Uint8Array[]): ScriptedResponse => ({
	bytes: Buffer.concat(parts),
	error: Object.assign(new Error('aborted'), { code: 'ECONNRESET' }),
});
const heldBack = (...parts: Uint8Array[]): ScriptedResponse => ({
	bytes: Buffer.concat(parts),
	error: new ArchiveError('KVS_HELD_BACK', 'no room'),
});

interface Run {
	readonly events: MediaEvent[];
	/** What each request asked for, as indexes. */
	readonly asked: number[][];
}

/** Runs a demuxer over one batch of fragments 1 to `count`; `script` says what comes of each request. */
async function demux(
	count: number,
	script: (asked: readonly number[], nth: number) => ScriptedResponse,
	options: DemuxerOptions = {},
	chunkBytes = 1000,
): Promise<Run> {
	const asked: number[][] = [];
	const respond = (indexes: readonly number[]): MediaResponse => {
		asked.push([...indexes]);
		const { bytes, error } = script(indexes, asked.length - 1);
		const body = Readable.from(
			(async function* () {
				for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
				if (error !== undefined) throw error;
			})(),
			{ objectMode: true, highWaterMark: 1 },
		);
		const fragments = indexes.map(listed);
		return {
			batch: { index: 0, fragments, sizeBytes: 0 },
			body,
			reopen: async ({ only }) => respond(indexes.filter((index) => only?.has(fragmentNumber(index)))),
		};
	};
	const events: MediaEvent[] = [];
	const all = Array.from({ length: count }, (_, index) => index + 1);
	await pipeline(
		(async function* () {
			yield respond(all);
		})(),
		new Demuxer({ clock: clockAt(startMs + 10_000), random: () => 0, ...options }),
		async (source: AsyncIterable<MediaEvent>) => {
			for await (const event of source) events.push(event);
		},
	);
	return { events, asked };
}

const frameTexts = (events: readonly MediaEvent[]): string[] =>
	events
		.filter((event): event is Frame => event.type === 'frame')
		.map(({ data }) => Buffer.from(data).toString());
const failures = (events: readonly MediaEvent[]): FragmentFailureEvent[] =>
	events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');
const deliver = (indexes: readonly number[]): ScriptedResponse => whole(...indexes.map(media));

/** The stream without any trouble: what every run with mendable trouble must be equal to. */
async function undisturbed(count: number): Promise<string[]> {
	return (await demux(count, deliver)).events.map((event) => JSON.stringify(event));
}

async function assertUndisturbed(t: ExecutionContext, count: number, run: Run): Promise<void> {
	const lines = run.events.map((event) => JSON.stringify(event));
	const expected = await undisturbed(count);
	// Only the first line that differs is worth printing.
	const at = expected.findIndex((line, index) => line !== lines[index]);
	t.is(lines[at], expected[at]);
	t.is(lines.length, expected.length);
	t.deepEqual(frameTexts(run.events), frameTexts((await demux(count, deliver)).events));
}

testProp(
	'a body that breaks off anywhere, however often, gives the stream that an undisturbed one gives',
	[
		fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 4 }),
		fc.boolean(),
		fc.integer({ min: 1, max: 700 }),
	],
	async (t, cuts, isClean, chunkBytes) => {
		const run = await demux(
			5,
			(asked, nth) => {
				const { bytes } = deliver(asked);
				const cut = cuts[nth];
				if (cut === undefined) return whole(bytes);
				const part = bytes.subarray(0, Math.floor(bytes.byteLength * cut));
				return isClean ? whole(part) : reset(part);
			},
			{},
			chunkBytes,
		);
		await assertUndisturbed(t, 5, run);
	},
	{ numRuns: 30 },
);

testProp(
	'responses in any order, with fragments twice and with ones that were not requested, come out in order and once',
	[fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 6, 2, 9], { minLength: 6 }), fc.integer({ min: 1, max: 2000 })],
	async (t, order, chunkBytes) => {
		const run = await demux(
			6,
			(_, nth) => (nth === 0 ? deliver(order) : deliver([6, 5, 4, 3, 2, 1])),
			{},
			chunkBytes,
		);
		await assertUndisturbed(t, 6, run);
	},
	{ numRuns: 30 },
);

test('a fragment that is not supported fails at once, and the others come', async (t) => {
	const encoding = master('ContentEncoding', [
		master('ContentCompression', [unsigned('ContentCompAlgo', 1)]),
	]);
	const track = trackEntry(1, 'video', 'V_TEST', [master('ContentEncodings', [encoding])]);
	const deliverOne = (index: number): Buffer =>
		index === 2
			? fragmentDocument({ number: fragmentNumber(2), producerMs: startMs + 4000, tracks: [track] })
			: media(index);
	const { events, asked } = await demux(3, (indexes) => whole(...indexes.map(deliverOne)));
	t.deepEqual(asked, [[1, 2, 3], [3]]);
	const ends = events.filter((event) => event.type === 'fragment-end');
	t.deepEqual(
		ends.map(({ complete }) => complete),
		[true, false, true],
	);
	const failure = events.find((event) => event.type === 'fragment-failure');
	t.like(failure, { fragmentNumber: fragmentNumber(2), name: 'UNSUPPORTED', retryable: false });
	t.regex(failure?.message ?? '', /track 1 is compressed with bzlib/);
});

test('a fragment that was begun is resumed, though another fragment has failed before it in the response', async (t) => {
	const run = await demux(3, (asked, nth) => {
		if (nth === 0) return reset(media(1).subarray(0, -1));
		return nth === 1 ? whole(exception(3, 5000), media(1), media(2)) : deliver(asked);
	});
	await assertUndisturbed(t, 3, run);
	t.deepEqual(run.asked, [[1, 2, 3], [1, 2, 3], [3]]);
});

test('a response that ends cleanly between the tags of a fragment and its media does not pass for the whole', async (t) => {
	const clusterId = Buffer.from('1f43b675', 'hex');
	const headOf = (index: number): Buffer => media(index).subarray(0, media(index).indexOf(clusterId));
	for (const after of [[], [media(1)], [media(2)]]) {
		const run = await demux(3, (asked, nth) =>
			nth === 0 ? whole(...after, headOf(after.length === 0 ? 1 : 3)) : deliver(asked),
		);
		await assertUndisturbed(t, 3, run);
		t.is(run.asked.length, 2);
	}
});

test('a fragment that the service fails does not cost those after it their attempts', async (t) => {
	const run = await demux(
		3,
		(asked, nth) => {
			if (nth === 1 || nth === 3 || nth === 4) return reset();
			return asked.includes(1) ? whole(exception(1, 5000)) : deliver(asked);
		},
		{ resume: { attempts: 3 } },
	);
	t.deepEqual(
		failures(run.events).map(({ fragmentNumber: number, code }) => [number, code]),
		[[fragmentNumber(1), 5000]],
	);
	t.deepEqual(run.asked, [...Array(3).fill([1, 2, 3]), ...Array(3).fill([2, 3])]);
});

test('what an earlier response said of a fragment is known when the fragment fails', async (t) => {
	const run = await demux(2, (_, nth) => (nth === 0 ? whole(media(1), exception(2, 4503)) : reset()), {
		resume: { attempts: 3 },
	});
	t.deepEqual(
		failures(run.events).map(({ fragmentNumber: number, code }) => [number, code]),
		[[fragmentNumber(2), 4503]],
	);
});

test('only what has not arrived is requested again', async (t) => {
	const { asked } = await demux(5, (indexes, nth) => (nth === 0 ? deliver([4, 1, 2]) : deliver(indexes)));
	t.deepEqual(asked, [
		[1, 2, 3, 4, 5],
		[3, 5],
	]);
});

test('a fragment that was listed and is not there yet is requested again', async (t) => {
	const run = await demux(3, (asked, nth) =>
		nth < 2 ? whole(media(1), exception(2, 3000)) : deliver(asked),
	);
	await assertUndisturbed(t, 3, run);
	t.deepEqual(run.asked, [
		[1, 2, 3],
		[2, 3],
		[2, 3],
	]);
});

test('an old fragment that is not there fails at once', async (t) => {
	const clock = clockAt(startMs + 86_400_000);
	const { events, asked } = await demux(
		3,
		(indexes) => (indexes[0] === 1 ? whole(media(1), exception(2, 3000), media(3)) : deliver(indexes)),
		{ clock },
	);
	t.like(failures(events)[0], { fragmentNumber: fragmentNumber(2), code: 3000, index: null });
	t.is(failures(events).length, 1);
	t.deepEqual(
		events.filter(({ type }) => type === 'fragment').map((event) => (event as { index: number }).index),
		[0, 1],
	);
	t.is(asked.length, 1);
});

test('what no further try can help is a failure in its place, and the rest comes', async (t) => {
	const { events, asked } = await demux(3, (indexes) =>
		indexes.includes(2) ? whole(media(1), exception(2, 4500)) : deliver(indexes),
	);
	t.is(
		events
			.map(({ type }) => type)
			.filter((type) => type !== 'frame')
			.join(' '),
		'fragment fragment-end fragment-failure gap fragment fragment-end',
	);
	t.deepEqual(asked, [[1, 2, 3], [3]]);
});

test('tries are spent on a fragment, not on its batch', async (t) => {
	const { events } = await demux(
		3,
		(indexes) =>
			indexes.includes(2)
				? whole(...(indexes.includes(1) ? [media(1)] : []), exception(2, 5000))
				: deliver(indexes),
		{
			resume: { attempts: 3 },
		},
	);
	t.deepEqual(
		failures(events).map(({ code, fragmentNumber: number }) => [code, number]),
		[[5000, fragmentNumber(2)]],
	);
	t.is(frameTexts(events).length, 2 * FRAMES);
});

test('a fragment that never arrives whole fails after the frames that arrived, and its neighbours are delivered', async (t) => {
	const cut = media(2).subarray(0, -5);
	const { events, asked } = await demux(
		3,
		(indexes) =>
			indexes.includes(2) ? reset(...indexes.filter((index) => index < 2).map(media), cut) : deliver(indexes),
		{ resume: { attempts: 3 } },
	);
	t.is(asked.length, 5);
	const [failure] = failures(events);
	t.like(failure, { fragmentNumber: fragmentNumber(2), index: 1, name: 'TRUNCATED', retryable: true });
	t.true(failure?.message.includes('ECONNRESET'), failure?.message);
	const end = events.find((event) => event.type === 'fragment-end' && event.index === 1);
	t.like(end, { complete: false, frames: FRAMES - 1, bytes: (FRAMES - 1) * 10 });
	t.is(frameTexts(events).length, 3 * FRAMES - 1);
	t.is(events.at(-1)?.type, 'fragment-end');
});

test('fragments that never come are missing, each in its place', async (t) => {
	const { events } = await demux(4, (indexes) => deliver(indexes.filter((index) => index % 2 === 0)), {
		resume: { attempts: 2 },
	});
	t.deepEqual(
		events
			.filter(({ type }) => type === 'fragment-failure' || type === 'fragment')
			.map((event) => (event as Frame).fragmentNumber),
		[1, 2, 3, 4].map(fragmentNumber),
	);
	t.deepEqual(
		failures(events).map(({ name }) => name),
		['MISSING', 'MISSING'],
	);
});

test('malformed media costs its fragment, once the tries are spent', async (t) => {
	const broken = Buffer.concat([media(2), Buffer.alloc(20)]);
	const { events } = await demux(
		3,
		(indexes) => whole(...indexes.map((index) => (index === 2 ? broken : media(index)))),
		{ resume: { attempts: 2 } },
	);
	t.is(frameTexts(events).length >= 2 * FRAMES, true);
	t.true(events.some((event) => event.type === 'fragment' && event.fragmentNumber === fragmentNumber(3)));
});

test('media that changed between two readings is a failure', async (t) => {
	const other = fragmentDocument({
		number: fragmentNumber(1),
		producerMs: startMs + 2000,
		blocks: [
			frameBlock(7, { keyframe: true }),
			{ ...frameBlock(8), data: Buffer.from('longer than before') },
		],
	});
	const { events } = await demux(
		1,
		(_, nth) => (nth === 0 ? reset(media(1).subarray(0, -5)) : whole(other)),
		{ resume: { attempts: 2 } },
	);
	t.like(failures(events)[0], { index: 0, name: 'CHANGED' });
	t.is(events.at(-1)?.type, 'fragment-end');
	t.false((events.at(-1) as { complete: boolean }).complete);
});

test('a connection that was closed to make room costs no attempt', async (t) => {
	const run = await demux(
		2,
		(asked, nth) => (nth < 20 ? heldBack(deliver(asked).bytes.subarray(0, 100)) : deliver(asked)),
		{ resume: { attempts: 1 } },
	);
	await assertUndisturbed(t, 2, run);
	t.is(run.asked.length, 21);
});

test('waits grow with the tries that bring nothing, and are jittered in full', async (t) => {
	const clock = clockAt(startMs);
	await demux(1, () => whole(), {
		clock,
		random: () => 1,
		resume: { attempts: 5, baseDelayMs: 100, maxDelayMs: 300 },
	});
	t.deepEqual(clock.slept, [100, 200, 300, 300]);
});

test('a batch that brings nothing for too long times out as a whole', async (t) => {
	let nowMs = startMs;
	const clock: Clock = {
		now: () => nowMs,
		sleep: async (ms) => {
			nowMs += ms;
		},
	};
	const { events, asked } = await demux(50, () => whole(), {
		clock,
		random: () => 1,
		resume: { attempts: 1000, totalMs: 1000, baseDelayMs: 400, maxDelayMs: 400 },
	});
	t.is(failures(events).length, 50);
	t.is(asked.length, 4);
});

test('a request that is refused ends the stream with its error', async (t) => {
	const refused = new ArchiveError('KVS_DENIED', 'no');
	t.is(await t.throwsAsync(demux(1, () => ({ bytes: media(1).subarray(0, 50), error: refused }))), refused);
});

test('a destroyed demuxer does not wait for a body that stands still', async (t) => {
	const body = new PassThrough();
	const demuxer = new Demuxer();
	demuxer.write({
		batch: { index: 0, fragments: [listed(1)], sizeBytes: 0 },
		body,
		reopen: () => t.fail() as never,
	});
	body.write(media(1).subarray(0, 20));
	const reason = new Error('enough');
	const failed = once(demuxer, 'error');
	demuxer.destroy(reason);
	t.deepEqual(await failed, [reason]);
	t.true(body.destroyed);
});
