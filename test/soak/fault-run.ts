// Longer than 300 lines: the mix of faults and the judgement of what came of it read each other.

/*
 * One run over a recording with a random mix of all faults, and what must have come of it. Shared by the tests, which have
 * time for a few seeds, and the soak, which has it for many.
 */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import {
	ArchiveClient,
	Demuxer,
	type Fragment,
	FragmentBatcher,
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSource,
	type MediaEvent,
	MediaFetcher,
	MkvSink,
	type RetryPolicy,
	type TimeRange,
} from 'kvs-archive';
import { createArchiveServer, type FaultRule } from 'kvs-archive/server';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { StandstillClock } from '../helpers/standstill-clock.js';

const STEP_MS = 200;
const FRAMES = 4;

/** Code of the exceptions that do not say which fragment they are about. */
const UNNUMBERED_CODE = 5000;

/** Chance that repeats (mulberry32): a number from 0 to 1. */
export function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** A recording in a data directory, and all that a run without faults gives. */
export interface Recorded {
	readonly dataDirectory: string;
	readonly workDirectory: string;
	readonly count: number;
	readonly range: TimeRange;
	/** The events of each fragment, in order. */
	readonly clean: ReadonlyMap<string, readonly MediaEvent[]>;
}

/** A mix of faults, and the fragments that it takes away for good. */
export interface FaultMix {
	readonly rules: readonly FaultRule[];
	/** Why each cannot be had: the code of its failure, null where it never comes. */
	readonly lost: ReadonlyMap<string, number | null>;
}

/** What a run gave. */
export interface FaultedRun {
	/** Fragments that were listed. */
	readonly listed: readonly string[];
	readonly failures: readonly FragmentFailureEvent[];
	/** Fragments that came whole, in the order in which they did. */
	readonly delivered: readonly string[];
	/** The exported file. */
	readonly file: Buffer;
	/** The same file, made of the clean run without the fragments that failed or were not listed. */
	readonly expected: Buffer;
	/** Fragments whose bytes are others than in the clean run. */
	readonly changed: readonly string[];
	/** Faults that were made. */
	readonly made: ReadonlyMap<string, number>;
	readonly requests: number;
}

/** Waits are short, and stubborn: what is tested is that nothing is lost, not for how long it is looked for. */
const retryPolicy: RetryPolicy = { attempts: 30, baseDelayMs: 1, maxDelayMs: 4 };
const resume = {
	attempts: 25,
	totalMs: Number.POSITIVE_INFINITY,
	baseDelayMs: 1,
	maxDelayMs: 4,
	youngMs: Number.POSITIVE_INFINITY,
};

/** Lets everything through: the pace is not what is tested. */
/** Makes a recording of fragments of different sizes and reads it without faults. */
export async function recordForFaults(workDirectory: string, count: number): Promise<Recorded> {
	const random = seededRandom(1);
	const documents = Array.from({ length: count }, (_, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + index * STEP_MS,
			blocks: Array.from({ length: FRAMES }, (_frame, frame) => ({
				trackNumber: 1,
				relativeTicks: Math.floor((frame * STEP_MS) / FRAMES),
				keyframe: frame === 0,
				data: Buffer.alloc(1 + Math.floor(random() * 3000), `${index}/${frame} `),
			})),
		}),
	);
	const file = join(workDirectory, 'recording.mkv');
	await writeFile(file, Buffer.concat(documents));
	const dataDirectory = join(workDirectory, 'data');
	const server = createArchiveServer({ dataDirectory });
	await server.archive.ingest('camera', file);
	server.archive.close();
	const range: TimeRange = {
		from: new Date(startMs),
		to: new Date(startMs + count * STEP_MS),
		by: 'producer',
	};
	const clean = new Map<string, MediaEvent[]>();
	const recorded = { dataDirectory, workDirectory, count, range, clean };
	const { events } = await read(recorded, [], 0, { file: join(workDirectory, 'clean.mkv') });
	let last: MediaEvent[] = [];
	for (const event of events) {
		if (event instanceof FragmentEvent) {
			last = [];
			clean.set(event.fragmentNumber ?? '', last);
		}
		last.push(event);
	}
	return recorded;
}

/** A random mix of all faults. Whatever it takes away for good, it takes by number. */
export function faultMix(seed: number, { count }: { count: number }): FaultMix {
	const random = seededRandom(seed);
	const below = (exclusiveMax: number): number => Math.floor(random() * exclusiveMax);
	const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T;
	const sometimes = (most: number): { probability: number } => ({ probability: random() * most });
	const place = () =>
		oneOf([
			{ atByte: below(200_000) },
			{ atFraction: 'random' as const },
			{
				inside: oneOf(['EBML', 'Segment', 'Info', 'Tracks', 'Tags', 'Cluster', 'Block'] as const),
				fragment: 'random' as const,
				element: 1 + below(FRAMES),
			},
		]);
	const shape = () => ({ spelling: oneOf(['get-media', 'documented'] as const), goesOn: random() < 0.5 });
	const lost = new Map<string, number | null>();
	const rules: FaultRule[] = [];
	for (let left = below(4); left > 0; left--) {
		const number = fragmentNumber(1 + below(count));
		if (lost.has(number)) continue;
		const code = oneOf([null, 3000, 3002, 4000, 4500, 4501, 4503, 4506, 5000]);
		lost.set(number, code);
		// A fault in the middle hides what is after it, so what is lost continues, and is found out each time.
		if (code === null) rules.push({ fault: 'leave-out', fragmentNumber: number });
		else rules.push({ fault: 'exception', code, fragmentNumber: number, ...shape() });
	}
	rules.push(
		{ fault: 'throttle', ...sometimes(0.1) },
		{ fault: 'throttle', error: 'ConnectionLimitExceededException', ...sometimes(0.05) },
		{ fault: 'throttle', error: 'ThrottlingException', ...sometimes(0.05) },
		{ fault: 'server-error', status: oneOf([500, 503] as const), ...sometimes(0.1) },
		{ fault: 'reset', ...sometimes(0.1) },
		{ fault: 'hang-up', ...sometimes(0.1) },
		{ fault: 'no-response', ms: 1, ...sometimes(0.1) },
		{ fault: 'dead-endpoint', ...sometimes(0.3) },
		...(['ListFragments', 'GetDataEndpoint'] as const).flatMap((operation): FaultRule[] => [
			{ fault: 'cut', operation, atFraction: 'random', ...sometimes(0.3) },
			{ fault: 'cut', operation, as: 'clean', atFraction: 'random', ...sometimes(0.3) },
			{ fault: 'stall', operation, atFraction: 'random', ...sometimes(0.1) },
			{ fault: 'stall', operation, ms: 1, atFraction: 'random', ...sometimes(0.3) },
		]),
		{ fault: 'cut', ...place(), ...sometimes(0.4) },
		{ fault: 'cut', as: 'clean', ...place(), ...sometimes(0.4) },
		{ fault: 'stall', ...place(), ...sometimes(0.08) },
		{ fault: 'stall', ms: 1, ...place(), ...sometimes(0.4) },
		{ fault: 'exception', code: 3002, fragment: 'random', ...shape(), ...sometimes(0.3) },
		{
			fault: 'exception',
			code: UNNUMBERED_CODE,
			fragment: 'random',
			isNumbered: false,
			...shape(),
			...sometimes(0.1),
		},
		{ fault: 'not-ready', requests: 1 + below(3), share: random() * 0.02, ...shape() },
		{ fault: 'duplicate', fragment: 'random', ...sometimes(0.5) },
		{ fault: 'duplicate', fragment: 'random', again: 'last', ...sometimes(0.5) },
		{ fault: 'shuffle', ...sometimes(0.4) },
		{ fault: 'leave-out', fragment: 'random', count: 1 + below(5), ...sometimes(0.4) },
		{ fault: 'empty-page', ...sometimes(0.4) },
		{ fault: 'late-listing', fromListing: 2, share: random() * 0.02 },
	);
	return { rules, lost };
}

/** Exports the recording through a server that makes these faults. */
export async function faultedRun(
	recorded: Recorded,
	rules: readonly FaultRule[],
	seed: number,
): Promise<FaultedRun> {
	const file = join(recorded.workDirectory, `seed-${seed}.mkv`);
	const { events, listed, made, requests } = await read(recorded, rules, seed, { file });
	const failures = events.filter((event) => event instanceof FragmentFailureEvent);
	const delivered = [...documentsOf(events)];
	const documents = new Map([...recorded.clean.values()].flatMap((of) => [...documentsOf(of)]));
	const left = new Set(listed);
	for (const { fragmentNumber: number } of failures) left.delete(number ?? '');
	const expectedFile = join(recorded.workDirectory, `expected-${seed}.mkv`);
	const kept = [...recorded.clean].filter(([number]) => left.has(number)).flatMap(([, of]) => of);
	await pipeline(kept, new MkvSink(expectedFile));
	return {
		listed,
		failures,
		delivered: delivered.map(([number]) => number),
		changed: delivered.flatMap(([number, bytes]) => (documents.get(number)?.equals(bytes) ? [] : [number])),
		made,
		requests,
		file: await readFile(file),
		expected: await readFile(expectedFile),
	};
}

/** What is wrong with a run; null where every listed fragment came as it is, or failed and was named for it. */
export function faultIn(recorded: Recorded, { lost, rules }: FaultMix, run: FaultedRun): string | null {
	const listed = new Set(run.listed);
	if (listed.size !== run.listed.length) return 'a fragment was listed twice';
	const isLate = rules.some(({ fault }) => fault === 'late-listing');
	if (!isLate && listed.size !== recorded.count) return `${listed.size} fragments were listed`;
	// What never comes may get the code of an exception without a number that came when it was in line.
	const isGuess = (number: string | null, code: number | null): boolean =>
		lost.get(number ?? '') === null && code === UNNUMBERED_CODE;
	const named = run.failures.map(
		({ fragmentNumber: number, code }) => `${number} ${isGuess(number, code) ? null : code}`,
	);
	const expected = [...lost].filter(([number]) => listed.has(number));
	const due = expected.map(([number, code]) => `${number} ${code}`);
	if (named.toSorted().join() !== due.toSorted().join())
		return `failures of ${named.join(', ') || 'none'} in place of ${due.join(', ') || 'none'}`;
	const whole = run.listed.filter((number) => !lost.has(number));
	if (run.delivered.join() !== whole.join())
		return `${run.delivered.length} fragments came whole, or not in order, in place of ${whole.length}`;
	if (run.changed.length > 0) return `the bytes of ${run.changed.join(', ')} are others`;
	return run.file.equals(run.expected) ? null : 'the file has other bytes';
}

/** Number and bytes of each fragment that is whole. */
function* documentsOf(events: readonly MediaEvent[]): Generator<[number: string, bytes: Buffer]> {
	for (const event of events) {
		if (event instanceof FragmentEndEvent && event.complete)
			yield [event.fragmentNumber ?? '', Buffer.concat(event.document ?? [])];
	}
}

interface Reading {
	readonly events: MediaEvent[];
	readonly listed: string[];
	readonly made: Map<string, number>;
	readonly requests: number;
}

async function read(
	{ dataDirectory, range }: Recorded,
	faults: readonly FaultRule[],
	seed: number,
	{ file }: { file: string },
): Promise<Reading> {
	const events: MediaEvent[] = [];
	const listed: string[] = [];
	const made = new Map<string, number>();
	let requests = 0;
	// The recording has just ended, so that its fragments are young.
	const clock = new StandstillClock(startMs + 200_000);
	const isOver = new AbortController();
	const server = createArchiveServer({
		dataDirectory,
		faults,
		faultSeed: seed,
		// What is late here is late by a turn of the event loop: the client must not have lost patience by then.
		clock: { now: () => performance.now(), sleep: (_ms, signal) => setImmediate(undefined, { signal }) },
		onRequest: (record) => {
			requests++;
			for (const { fault } of record.faults) made.set(fault, (made.get(fault) ?? 0) + 1);
		},
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { endpoint } = server;
	const client = new ArchiveClient({ streamName: 'camera', endpoint, clock });
	const shared = { client, limiter: unlimited, retryPolicy, clock, random: seededRandom(seed) };
	const random = seededRandom(seed + 1);
	const time = clock.advanceWhenIdle(() => events.length + listed.length + requests, isOver.signal);
	try {
		await pipeline(
			new FragmentSource({ ...shared, range }),
			new Watched<Fragment>(({ fragmentNumber: number }) => listed.push(number)),
			new FragmentBatcher(),
			new MediaFetcher({ ...shared, maxBufferedBytes: 1024 * 1024 }),
			new Demuxer({ keepDocuments: true, clock, random, resume }),
			new Watched<MediaEvent>((event) => events.push(event)),
			new MkvSink(file),
		);
	} finally {
		isOver.abort();
		await time;
		client.close();
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	}
	return { events, listed, made, requests };
}

/** Lets everything pass, and tells. */
class Watched<T> extends Transform {
	readonly #tell: (item: T) => void;

	constructor(tell: (item: T) => void) {
		super({ objectMode: true });
		this.#tell = tell;
	}

	override _transform(item: T, _encoding: BufferEncoding, callback: TransformCallback): void {
		this.#tell(item);
		callback(null, item);
	}
}
