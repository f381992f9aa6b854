/* What is special about following through GetMedia: the seam to what was listed, and what a listing fills in. */
import { getEventListeners } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { FaultRule } from 'kvs-archive/server';
import type { FollowEvent, FollowStream } from '#lib/follow/follow-stream.js';
import { until, within } from '../helpers/wait.js';
import { type Followed, secondsOf, startFollowed } from './followed.js';
import { type Passage, startGate } from './gate.js';

/** Between two listings that look for what GetMedia has left out. */
const FILL_INTERVAL_MS = 10_000;

/** Starts a stream that is followed through GetMedia, listed again only when {@link list} says so. */
function startLive(t: ExecutionContext, faults: readonly FaultRule[] = []): Promise<Followed> {
	return startFollowed(t, 'live', faults, { patienceMs: FILL_INTERVAL_MS });
}

/** Has the follower list once more, and waits until it has. */
async function list({ clock, count }: Followed): Promise<void> {
	await until(
		() => clock.isSleptOn(FILL_INTERVAL_MS),
		() => 'it lists all the time',
	);
	const before = count('ListFragments');
	clock.advance(FILL_INTERVAL_MS);
	await until(
		() => count('ListFragments') > before,
		() => `${before} listings`,
	);
}

/** The producer times of the fragments that ended whole, in seconds, and each `caught-up`; `act` is called with each step so far. */
async function stepsOf(
	follow: FollowStream,
	act: (steps: readonly (number | string)[]) => Promise<boolean>,
): Promise<(number | string)[]> {
	const steps: (number | string)[] = [];
	const reading = (async () => {
		for await (const event of follow as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-end' && event.complete)
				steps.push((event.producerTimestamp?.getTime() ?? Number.NaN) / 1000);
			else if (event.type === 'caught-up' || event.type === 'fragment-failure') steps.push(event.type);
			else continue;
			if (await act(steps)) break;
		}
	})();
	await within(reading, () => steps.join(', '));
	return steps;
}

test('what is stored comes by listing, and what comes then through GetMedia, each once', async (t) => {
	const followed = await startLive(t);
	const { put, follow, count } = followed;
	await put(1, 2, 3);
	let read = 0;
	const indexes: number[] = [];
	const stream = follow();
	const steps = await stepsOf(stream, async (so) => {
		if (so.at(-1) === 'caught-up' && so.length === 4) {
			read = count('GetMediaForFragmentList');
			await put(4, 5);
		}
		if (so.at(-1) === 5) await list(followed);
		return so.at(-1) === 'caught-up' && so.includes(5);
	});
	t.deepEqual(steps, [1, 2, 3, 'caught-up', 4, 5, 'caught-up']);
	t.is(count('GetMedia'), 1);
	t.is(count('GetMediaForFragmentList'), read);
	t.like(await stream.summary, { fragments: 5, delivered: 5, frames: 10, isComplete: true });
	for await (const event of follow({ until: Date.now() }) as AsyncIterable<FollowEvent>) {
		if (event.type === 'fragment') indexes.push(event.index);
		if (indexes.length === 5) break;
	}
	t.deepEqual(indexes, [0, 1, 2, 3, 4]);
});

test('a fragment that GetMedia skips is read by its number, after those already delivered', async (t) => {
	let begin = (_after: string): void => {};
	const first = new Promise<string>((resolve) => {
		begin = resolve;
	});
	const followed = await startLive(t);
	const endpoint = await startGate(t, followed.endpoint, async (path) =>
		path === '/getMedia' ? { after: await first } : null,
	);
	const { put, follow } = followed;
	await put(1);
	const stream = follow({}, endpoint);
	const steps = await stepsOf(stream, async (so) => {
		if (so.length === 2) begin((await put(2, 3, 4))[0] as string);
		if (so.at(-1) === 4) for (const _ of [1, 2]) await list(followed);
		return so.at(-1) === 2;
	});
	t.deepEqual(steps, [1, 'caught-up', 3, 4, 2]);
	t.like(await stream.summary, { fragments: 4, delivered: 4, isComplete: true });
});

test('while GetMedia does not respond, all comes by listing, and GetMedia does not repeat it', async (t) => {
	const followed = await startLive(t, [{ fault: 'no-response', operation: 'GetMedia', times: 1 }]);
	const { put, follow, count } = followed;
	await put(1);
	const stream = follow();
	const steps = await stepsOf(stream, async (so) => {
		if (so.length === 2) {
			await put(2, 3, 4);
			for (const _ of [1, 2]) await list(followed);
		}
		if (so.at(-1) === 4) {
			// Time for the request to be given up.
			while (count('GetMedia') === 1) await list(followed);
			await put(5);
		}
		return so.at(-1) === 5;
	});
	t.deepEqual(
		steps.filter((step) => step !== 'caught-up'),
		[1, 2, 3, 4, 5],
	);
	t.like(await stream.summary, { fragments: 5, delivered: 5 });
});

for (const [what, passage] of Object.entries({
	'is refused from then on': async (): Promise<Passage> => ({
		refused: 'ConnectionLimitExceededException',
		statusCode: 400,
	}),
	'goes on with another': async (begun: Promise<string>): Promise<Passage> => ({ after: await begun }),
})) {
	test(`where a fragment is cut and GetMedia ${what}, its rest is read by its number`, async (t) => {
		const followed = await startLive(t, [{ fault: 'cut', operation: 'GetMedia', atByte: 550, times: 1 }]);
		const { put, follow, count } = followed;
		const isRead = (): boolean => count('GetMediaForFragmentList') > 0;
		let begins = (_fragmentNumber: string): void => {};
		const begun = new Promise<string>((resolve) => {
			begins = resolve;
		});
		const endpoint = await startGate(t, followed.endpoint, async (path, nth) =>
			path === '/getMedia' && nth >= 1 && !isRead() ? passage(begun) : null,
		);
		const outline: string[] = [];
		for await (const event of follow({}, endpoint) as AsyncIterable<FollowEvent>) {
			outline.push(event.type === 'frame' ? `frame ${event.timestampMs}` : event.type);
			if (event.type === 'caught-up' && count('GetMedia') === 0) await put(1, 2);
			if (event.type === 'fragment') {
				begins(event.fragmentNumber as string);
				void list(followed).then(() => list(followed));
			}
			if (outline.filter((type) => type === 'fragment-end').length === 2) break;
		}
		const whole = (ms: number): string[] => ['fragment', `frame ${ms}`, `frame ${ms + 40}`, 'fragment-end'];
		t.deepEqual(
			outline.filter((type) => type !== 'caught-up'),
			[...whole(1000), 'gap', ...whole(2000)],
		);
		t.true(isRead());
	});
}

test('connections that break off are followed by others, and nothing is lost or repeated', async (t) => {
	const followed = await startLive(t, [
		{ fault: 'cut', operation: 'GetMedia', atByte: 700, every: 2 },
		{ fault: 'cut', operation: 'GetMedia', atByte: 1500, every: 3, as: 'clean' },
		{ fault: 'throttle', operation: 'GetMedia', every: 4 },
		{ fault: 'cut', operation: 'GetMedia', atByte: 900, nth: 1 },
	]);
	const { put, follow, count } = followed;
	await put(1);
	const stream = follow();
	const steps = await stepsOf(stream, async (so) => {
		if (so.length === 2) await put(2, 3, 4, 5, 6, 7, 8);
		return so.at(-1) === 8;
	});
	t.deepEqual(steps, [1, 'caught-up', 2, 3, 4, 5, 6, 7, 8]);
	t.true(count('GetMedia') > 2);
	t.like(await stream.summary, { frames: 16, delivered: 8 });
});

test('what is listed late has come through GetMedia, and is not repeated', async (t) => {
	const followed = await startLive(t, [{ fault: 'late-listing', fromListing: 3 }]);
	const { put, follow } = followed;
	const steps = await stepsOf(follow(), async (so) => {
		if (so.length === 1) await put(1, 2);
		if (so.at(-1) === 2) for (let times = 0; times < 5; times++) await list(followed);
		return so.length > 3;
	});
	t.deepEqual(steps, ['caught-up', 1, 2, 'caught-up']);
});

test('one checkpoint serves both ways', async (t) => {
	const { put, follow, checkpoint } = await startFollowed(t, 'live');
	await put(1, 2);
	t.deepEqual(await secondsOf(follow({ via: 'listing', checkpoint: checkpoint() }), 2), [1, 2]);
	await put(3, 4);
	t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 2), [3, 4]);
	await put(5);
	t.deepEqual(await secondsOf(follow({ via: 'listing', checkpoint: checkpoint() }), 1), [5]);
	t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 0), []);
});

for (const end of ['break', 'abort', 'destroy'] as const) {
	test(`nothing is left after: ${end}`, async (t) => {
		const followed = await startLive(t);
		const { put, follow, clock, count } = followed;
		await put(1);
		const controller = new AbortController();
		const { signal } = controller;
		const reason = new Error('enough');
		const stream = follow({ signal });
		const reading = stepsOf(stream, async (so) => {
			if (so.length === 2) await put(2);
			if (so.length < 3) return false;
			if (end === 'abort') controller.abort(reason);
			if (end === 'destroy') stream.destroy(reason);
			return end === 'break';
		});
		if (end === 'break') t.deepEqual(await reading, [1, 'caught-up', 2]);
		else await t.throwsAsync(reading, { is: reason });
		t.is(count('GetMedia'), 1);
		await until(
			() => clock.pending === 0,
			() => `${clock.pending} waits go on`,
		);
		t.is(getEventListeners(signal, 'abort').length, 0);
		await stream.summary;
	});
}
