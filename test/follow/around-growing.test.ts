import test, { type ExecutionContext } from 'ava';
import {
	type AroundOptions,
	type AroundRange,
	type EventMoment,
	KvsArchive,
	type RangeClock,
} from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { ManualClock } from '../helpers/manual-clock.js';
import { startMs } from '../helpers/media/range.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { until } from '../helpers/wait.js';

/** How often it is looked, in milliseconds. */
const POLL_MS = 1000;

const AROUND = { beforeMs: 1000, afterMs: 1000, timeoutMs: 30_000 };

type Around = (at: EventMoment, options?: Partial<AroundOptions>) => Promise<AroundRange>;

/** A stream of which both clocks are one that a test sets, and what is done to it. */
async function startTimed(t: ExecutionContext, by: RangeClock, faults: readonly FaultRule[] = []) {
	const clock = new ManualClock();
	const growing = await startGrowing(t, faults, { now: () => clock.now() });
	const archive = new KvsArchive({
		streamName: 'cam',
		endpoint: growing.endpoint,
		clock,
		limiter: unlimited,
	});
	t.teardown(() => archive.close());
	const around: Around = (at, options = {}) => archive.around(at, { ...AROUND, by, ...options });
	return {
		...growing,
		clock,
		around,
		/** A time, in seconds after the beginning. */
		second: (seconds: number): Date => new Date(startMs + seconds * 1000),
		/** The fragment that begins now. */
		putNow: async (): Promise<string> => (await growing.put(clock.now() / 1000))[0] as string,
		/** Starts of the fragments in a range, in seconds after the beginning. */
		secondsIn: async (range: AroundRange): Promise<number[]> => {
			const seconds: number[] = [];
			for await (const event of archive.events(range)) {
				if (event.type !== 'fragment') continue;
				seconds.push(((event.producerTimestamp?.getTime() ?? 0) - startMs) / 1000);
			}
			return seconds;
		},
		/** Waits until it has looked, and waits to look again. */
		hasLooked: () =>
			until(
				() => clock.isSleptOn(POLL_MS),
				() => 'it does not wait for the next look',
			),
		/** Lets time go on, look after look, until a range is there; how many milliseconds that took. */
		passed: async (
			range: Promise<AroundRange>,
			mayPass = (): boolean => clock.isSleptOn(POLL_MS),
		): Promise<number> => {
			const beganMs = clock.now();
			let isThere = false;
			const there = (): void => {
				isThere = true;
			};
			range.then(there, there);
			await until(
				() => {
					if (mayPass()) clock.advance(POLL_MS);
					return isThere;
				},
				() => `${clock.now() - beganMs} ms have passed`,
			);
			return clock.now() - beganMs;
		},
	};
}

for (const by of ['server', 'producer'] as const) {
	test(`around a time that is 5 s ahead, ${by}: by the first look after a later fragment is there`, async (t) => {
		const { around, clock, putNow, hasLooked, second, secondsIn, count } = await startTimed(t, by);
		await putNow();
		const range = around(second(5));
		// One at a time, the last after what is wanted.
		for (let seconds = 1; seconds <= 7; seconds++) {
			await hasLooked();
			clock.advance(POLL_MS);
			await hasLooked();
			if (seconds >= 4) await putNow();
		}
		const before = count('ListFragments');
		clock.advance(POLL_MS);
		const { from, to, isComplete } = await range;
		t.deepEqual([from, to, isComplete], [second(4), second(6), true]);
		t.is(clock.now(), second(8).getTime());
		t.true(count('ListFragments') > before);
		t.deepEqual(await secondsIn(await range), [4, 5, 6]);
	});

	test(`around a fragment whose time is not over, ${by}: by the first look after a later one is there`, async (t) => {
		const { around, clock, putNow, hasLooked, second, secondsIn } = await startTimed(t, by);
		const fragmentNumber = await putNow();
		const range = around({ fragmentNumber }, { afterMs: 5000 });
		await hasLooked();
		clock.advance(6000);
		await hasLooked();
		await putNow();
		clock.advance(POLL_MS);
		t.true((await range).isComplete);
		t.deepEqual([(await range).from, (await range).to], [second(-1), second(5)]);
		t.deepEqual(await secondsIn(await range), [0]);
	});

	test(`around a time in a gap, or before the stream begins, ${by}: at once, with the stored media`, async (t) => {
		const { around, clock, putNow, second, secondsIn } = await startTimed(t, by);
		const first = await putNow();
		clock.advance(60_000);
		await putNow();
		for (const [at, options, seconds] of [
			[second(30), {}, []],
			[second(-100), {}, []],
			[second(-100), { afterMs: 100_000 }, [0]],
			[{ fragmentNumber: first }, { afterMs: 30_000 }, [0]],
			[{ fragmentNumber: first }, { beforeMs: 100_000 }, [0]],
		] as const) {
			const range = await around(at, options);
			t.true(range.isComplete);
			t.deepEqual(await secondsIn(range), [...seconds]);
		}
		t.is(clock.pending, 0);
	});

	test(`around a time in the far future, ${by}: the stored media, when the wait is over`, async (t) => {
		const { around, putNow, second, passed, secondsIn } = await startTimed(t, by);
		const fragmentNumber = await putNow();
		for (const [at, options, seconds] of [
			[second(86_400), {}, []],
			[{ fragmentNumber }, { afterMs: 86_400_000 }, [0]],
		] as const) {
			const range = around(at, options);
			t.is(await passed(range), AROUND.timeoutMs);
			t.false((await range).isComplete);
			t.deepEqual(await secondsIn(await range), [...seconds]);
		}
	});

	test(`around the last fragment of a dead camera, ${by}: the stored media, when the wait is over`, async (t) => {
		const { around, putNow, clock, second, passed, secondsIn } = await startTimed(t, by);
		// Nothing has come yet.
		const none = around(second(0));
		t.is(await passed(none), AROUND.timeoutMs);
		t.false((await none).isComplete);
		const atSeconds = (clock.now() - startMs) / 1000;
		const fragmentNumber = await putNow();
		for (const at of [second(atSeconds), { fragmentNumber }]) {
			const range = around(at);
			t.is(await passed(range), AROUND.timeoutMs);
			t.false((await range).isComplete);
			t.deepEqual(await secondsIn(await range), [atSeconds]);
		}
	});

	test(`around a fragment that cannot be read yet, ${by}: when it can, or the wait ends with an error`, async (t) => {
		const { around, clock, putNow, passed, second } = await startTimed(t, by, [
			{ fault: 'not-ready', requests: 4 },
		]);
		const fragmentNumber = await putNow();
		clock.advance(10_000);
		await putNow();
		// Requests are made again in between, after waits of other lengths.
		const isWaiting = (): boolean => clock.pending > 0;
		const range = around({ fragmentNumber });
		await passed(range, isWaiting);
		t.like(await range, { from: second(-1), to: second(1), isComplete: true });
		const unknown = around({ fragmentNumber: '1'.repeat(47) });
		t.true((await passed(unknown, isWaiting)) >= AROUND.timeoutMs);
		await t.throwsAsync(unknown, { code: 'KVS_WAIT_TIMEOUT' });
	});
}
