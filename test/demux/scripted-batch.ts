import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import type { Clock, Fragment, FragmentFailureEvent, Frame, MediaEvent, MediaResponse } from 'kvs-archive';
import { Demuxer, type DemuxerOptions } from '#lib/demux/demuxer.js';
import { ArchiveError } from '#lib/errors.js';
import { failureDocument, fragmentDocument, fragmentNumber, frameBlock } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** How many frames a fragment has. */
export const FRAMES = 4;

/** A clock that the test sets, and on which all waiting is over at once. */
export function clockAt(nowMs: number): Clock & { readonly slept: number[] } {
	const slept: number[] = [];
	return { slept, now: () => nowMs, sleep: async (ms) => void slept.push(ms) };
}

/** Fragment `index`, 1 being the first. */
export const media = (index: number): Buffer =>
	fragmentDocument({
		number: fragmentNumber(index),
		producerMs: startMs + index * 2000,
		blocks: Array.from({ length: FRAMES }, (_, frame) =>
			frameBlock(index * 100 + frame, { keyframe: frame === 0, relativeTicks: frame * 500 }),
		),
	});

/** What the service sends in place of fragment `index` when it fails. */
export const exception = (index: number, code: number): Buffer =>
	failureDocument({ ERROR_ID: String(code), ERROR_CODE: 'WORD', FRAGMENT_NUMBER: fragmentNumber(index) });

/** Fragment `index` as it is listed. */
export const listed = (index: number): Fragment => ({
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

/** A body that ends cleanly. */
export const whole = (...parts: Uint8Array[]): ScriptedResponse => ({ bytes: Buffer.concat(parts) });

/** One that breaks off. */
export const reset = (...parts: Uint8Array[]): ScriptedResponse => ({
	bytes: Buffer.concat(parts),
	error: Object.assign(new Error('aborted'), { code: 'ECONNRESET' }),
});

/** One whose connection was closed to make room. */
export const heldBack = (...parts: Uint8Array[]): ScriptedResponse => ({
	bytes: Buffer.concat(parts),
	error: new ArchiveError('KVS_HELD_BACK', 'no room'),
});

interface Run {
	readonly events: MediaEvent[];
	/** What each request asked for, as indexes. */
	readonly asked: number[][];
}

/** Runs a demuxer over one batch of fragments 1 to `count`; `script` says what comes of each request. */
export async function demux(
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

/** The data of the frames, as text. */
export const frameTexts = (events: readonly MediaEvent[]): string[] =>
	events
		.filter((event): event is Frame => event.type === 'frame')
		.map(({ data }) => Buffer.from(data).toString());

/** The failures, in order. */
export const failures = (events: readonly MediaEvent[]): FragmentFailureEvent[] =>
	events.filter((event): event is FragmentFailureEvent => event.type === 'fragment-failure');

/** A response of these fragments, all of them whole. */
export const deliver = (indexes: readonly number[]): ScriptedResponse => whole(...indexes.map(media));

/** The stream without any trouble: what every run with mendable trouble must be equal to. */
async function undisturbed(count: number): Promise<string[]> {
	return (await demux(count, deliver)).events.map((event) => JSON.stringify(event));
}

/** Asserts that a run came to what it comes to without any trouble. */
export async function assertUndisturbed(t: ExecutionContext, count: number, run: Run): Promise<void> {
	const lines = run.events.map((event) => JSON.stringify(event));
	const expected = await undisturbed(count);
	// Only the first line that differs is worth printing.
	const at = expected.findIndex((line, index) => line !== lines[index]);
	t.is(lines[at], expected[at]);
	t.is(lines.length, expected.length);
	t.deepEqual(frameTexts(run.events), frameTexts((await demux(count, deliver)).events));
}
