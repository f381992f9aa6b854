/* A long run against a server that counts as the service does, by a clock that both read and that no one waits for. */
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { type Clock, type Frame, KvsArchive } from 'kvs-archive';
import type { MonotonicClock, RequestRecord } from 'kvs-archive/server';
import { recording } from './helpers/media/payload.js';
import { startMs } from './helpers/media/range.js';
import { startArchive } from './helpers/service/archive.js';

const FRAGMENTS = 3000;
const STEP_MS = 2000;

/** A second of this clock passes in some thousand turns of the event loop, in which requests and responses go on. */
const TICK_MS = 5;
const TURNS_PER_TICK = 10;

/** A clock that goes on by itself while the process works, one for the reader and its server. */
class DrippingClock implements Clock {
	#elapsedMs = 0;
	readonly #sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
	#isStopped = false;

	/** Since it was made. */
	readonly monotonic: MonotonicClock = {
		now: () => this.#elapsedMs,
		sleep: (ms, signal) => this.sleep(ms, { signal }),
	};

	now(): number {
		return startMs + this.#elapsedMs;
	}

	async sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
		signal?.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			const onAbort = (): void => {
				this.#sleepers.delete(sleeper);
				reject(signal?.reason as Error);
			};
			const wake = (): void => {
				this.#sleepers.delete(sleeper);
				signal?.removeEventListener('abort', onAbort);
				resolve();
			};
			const sleeper = { dueMs: this.#elapsedMs + ms, wake };
			this.#sleepers.add(sleeper);
			signal?.addEventListener('abort', onAbort, { once: true });
		});
	}

	/** Lets time pass until it is stopped. */
	async run(): Promise<void> {
		while (!this.#isStopped) {
			for (let turn = 0; turn < TURNS_PER_TICK || isAtDisk(); turn++) await setImmediate();
			this.#elapsedMs += TICK_MS;
			for (const { dueMs, wake } of this.#sleepers) if (dueMs <= this.#elapsedMs) wake();
		}
	}

	stop(): void {
		this.#isStopped = true;
	}
}

/** Whether the server waits for its disk, which is slow on a busy machine: no time passes then. */
function isAtDisk(): boolean {
	return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}

/** The most of something in any second, counted where the requests arrive. */
function mostInASecond(
	requests: readonly RequestRecord[],
	count: (request: RequestRecord) => number,
): number {
	const within = ({ arrivedAtMs: endMs }: RequestRecord): number =>
		requests
			.filter(({ arrivedAtMs }) => arrivedAtMs > endMs - 1000 && arrivedAtMs <= endMs)
			.reduce((sum, request) => sum + count(request), 0);
	return Math.max(...requests.map(within));
}

test('3,000 small fragments: the quotas are used, never exceeded, and nothing is throttled', async (t) => {
	const clock = new DrippingClock();
	const { endpoint, requests } = await startArchive(
		t,
		{ door: recording(FRAGMENTS, { stepMs: STEP_MS }) },
		{ quotas: 'aws', clock: clock.monotonic },
	);
	await using archive = new KvsArchive({ streamName: 'door', endpoint, clock });
	const range = {
		from: new Date(startMs),
		to: new Date(startMs + FRAGMENTS * STEP_MS),
		by: 'producer',
	} as const;
	const frames = archive.frames(range);
	const time = clock.run();
	let count = 0;
	try {
		for await (const _ of frames as AsyncIterable<Frame>) count++;
	} finally {
		clock.stop();
	}
	await time;
	t.is(count, 2 * FRAGMENTS);
	t.like(await frames.summary, { delivered: FRAGMENTS, failures: [], throttled: 0 });
	t.deepEqual(
		requests.filter(({ isThrottled }) => isThrottled),
		[],
	);
	const of = (name: string): RequestRecord[] => requests.filter(({ operation }) => operation === name);
	const media = of('GetMediaForFragmentList');
	t.is(
		media.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0),
		FRAGMENTS,
	);
	t.is(
		mostInASecond(media, () => 1),
		5,
	);
	const points = mostInASecond(media, ({ fragmentsAsked }) => fragmentsAsked);
	t.true(points > 400 && points <= 500, `${points} points in a second`);
	const open = Math.max(...media.map(({ openMediaConnections }) => openMediaConnections + 1));
	t.true(open <= 5, `${open} open connections`);
	t.true(mostInASecond(of('ListFragments'), ({ metadataPoints }) => metadataPoints) <= 10_000);
	t.true(mostInASecond(of('GetDataEndpoint'), () => 1) <= 5);
});
