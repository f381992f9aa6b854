import { readFile, stat, writeFile } from 'node:fs/promises';
import test from 'ava';
import type { FollowEvent } from '#lib/follow/follow-stream.js';
import { secondsOf, startFollowed } from './followed.js';

for (const via of ['listing', 'live'] as const) {
	test(`${via}: delivers stored and new fragments once each, and reports when it has caught up`, async (t) => {
		const { put, follow } = await startFollowed(t, via);
		await put(1, 2, 3);
		const types: string[] = [];
		let caughtUp = 0;
		for await (const event of follow() as AsyncIterable<FollowEvent>) {
			types.push(event.type === 'fragment-end' ? `end ${event.producerTimestamp?.getTime()}` : event.type);
			if (event.type !== 'caught-up') continue;
			t.true(event.lagMs >= 0);
			if (++caughtUp === 1) await put(4);
			else if (caughtUp === 2) await put(5);
			else break;
		}
		t.deepEqual(
			types.filter((type) => /end|caught/.test(type)),
			['end 1000', 'end 2000', 'end 3000', 'caught-up', 'end 4000', 'caught-up', 'end 5000', 'caught-up'],
		);
		t.is(types.filter((type) => type === 'frame').length, 10);
	});

	test(`${via}: resumes after the last fragment that was done, and repeats at most one`, async (t) => {
		const { put, follow, checkpoint, checkpointFile } = await startFollowed(t, via);
		await put(1, 2, 3, 4);
		const first: number[] = [];
		for await (const event of follow({ checkpoint: checkpoint() }) as AsyncIterable<FollowEvent>) {
			if (event.type !== 'fragment-end') continue;
			first.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
			// Left before anything was asked for after it: it is not done.
			if (first.length === 3) break;
		}
		t.deepEqual(first, [1, 2, 3]);
		t.is((await stat(checkpointFile)).mode & 0o777, 0o600);
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 2), [3, 4]);
		await put(5);
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 1), [5]);
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 0), []);
	});

	test(`${via}: a fragment that is listed late comes late, and once`, async (t) => {
		const { put, follow, requests } = await startFollowed(t, via, [
			{ fault: 'late-listing', fromListing: 4, share: 0.5 },
		]);
		// So many that one of them is late, whatever their numbers are.
		const all = Array.from({ length: 24 }, (_, index) => index + 1);
		await put(...all);
		const seconds: number[] = [];
		for await (const event of follow() as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-end') seconds.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
			if (seconds.length === all.length) break;
		}
		t.deepEqual(
			seconds.toSorted((a, b) => a - b),
			all,
		);
		t.true(requests.some(({ faults }) => faults.some(({ fault }) => fault === 'late-listing')));
	});

	test(`${via}: errors of the service do not end a follower, and a deleted stream does`, async (t) => {
		const { put, follow, server } = await startFollowed(t, via, [
			{ fault: 'throttle', operation: 'ListFragments', every: 2 },
			{ fault: 'server-error', operation: 'GetMediaForFragmentList', times: 8 },
			{ fault: 'cut', atFraction: 0.5, times: 3 },
		]);
		await put(1, 2, 3);
		const stream = server.archive.stream('cam');
		const seconds: number[] = [];
		await t.throwsAsync(
			async () => {
				for await (const event of follow() as AsyncIterable<FollowEvent>) {
					if (event.type === 'fragment-end' && event.complete) {
						seconds.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
					}
					if (event.type === 'caught-up' && stream !== undefined && !stream.ended.aborted) {
						await server.archive.deleteStream(stream);
					}
				}
			},
			{ code: 'KVS_NOT_FOUND' },
		);
		t.deepEqual(seconds, [1, 2, 3]);
	});

	test(`${via}: \`until\` ends it, and later fragments are not given out`, async (t) => {
		const { put, follow, server } = await startFollowed(t, via);
		await put(1, 2);
		const [, last] = server.archive.stream('cam')?.fragments.latest('server', 1e15, 2) ?? [];
		await put(3);
		const seconds: number[] = [];
		for await (const event of follow({ until: last?.serverMs ?? 0 }) as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-end') seconds.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
		}
		t.deepEqual(seconds, [1, 2]);
	});

	test(`${via}: with \`ack: manual\` a fragment is done when it is said to be`, async (t) => {
		const { put, follow, checkpoint } = await startFollowed(t, via);
		await put(1, 2, 3);
		const stream = follow({ checkpoint: checkpoint(), ack: 'manual' });
		const numbers: string[] = [];
		for await (const event of stream as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-end') numbers.push(event.fragmentNumber as string);
			if (event.type !== 'caught-up') continue;
			await stream.ack(numbers[1] as string);
			await t.throwsAsync(stream.ack(numbers[1] as string), { code: 'KVS_INVALID_OPTION' });
			break;
		}
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 2), [1, 3]);
	});

	test(`${via}: a second consumer is refused, and a checkpoint that is not its own, damaged or of the future`, async (t) => {
		const { put, follow, checkpoint, checkpointFile } = await startFollowed(t, via);
		await put(1);
		for await (const event of follow({ checkpoint: checkpoint() }) as AsyncIterable<FollowEvent>) {
			if (event.type !== 'caught-up') continue;
			await t.throwsAsync(secondsOf(follow({ checkpoint: checkpoint() }), 0), {
				code: 'KVS_CHECKPOINT_IN_USE',
				message: /in use by .*: one consumer at a time/,
			});
			break;
		}
		await t.throwsAsync(secondsOf(follow({ checkpoint: checkpoint(), consumer: 'other' }), 0), {
			code: 'KVS_CHECKPOINT_INVALID',
			message: /belongs to `cam\/default`, and not to `cam\/other`/,
		});
		const text = await readFile(checkpointFile, 'utf8');
		for (const [broken, message] of [
			[text.slice(0, -5), /is damaged/],
			[text.replace('"version":1', '"version":2'), /written by a later version/],
			['{}', /is damaged/],
		] as const) {
			await writeFile(checkpointFile, broken);
			await t.throwsAsync(secondsOf(follow({ checkpoint: checkpoint() }), 0), {
				code: 'KVS_CHECKPOINT_INVALID',
				message,
			});
		}
		await writeFile(checkpointFile, text);
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 0), []);
	});

	test(`${via}: an abort rejects with its reason, and pipes get the events too`, async (t) => {
		const { put, follow } = await startFollowed(t, via);
		await put(1);
		const controller = new AbortController();
		const reason = new Error('enough');
		const stream = follow({ signal: controller.signal });
		await t.throwsAsync(
			async () => {
				for await (const event of stream as AsyncIterable<FollowEvent>) {
					if (event.type === 'caught-up') controller.abort(reason);
				}
			},
			{ is: reason },
		);
		const summary = await stream.summary;
		t.like(summary, { fragments: 1, delivered: 1, frames: 2 });
		const types: string[] = [];
		const piped = follow();
		piped.on('data', ({ type }: FollowEvent) => {
			types.push(type);
			if (type === 'caught-up') piped.destroy();
		});
		await new Promise((resolve) => piped.once('close', resolve));
		t.deepEqual(types, ['fragment', 'frame', 'frame', 'fragment-end', 'caught-up']);
	});

	test(`${via}: where gives the fragments of one call, and the checkpoint moves past the others`, async (t) => {
		const { putCalls, follow, checkpoint, checkpointFile } = await startFollowed(t, via);
		await putCalls([1, 'a'], [2, 'b'], [3, 'a'], [4, 'b']);
		const where = { Call: 'a' };
		const types: string[] = [];
		const stream = follow({ checkpoint: checkpoint(), ack: 'manual', where });
		for await (const event of stream as AsyncIterable<FollowEvent>) {
			if (event.type !== 'gap') types.push(event.type);
			if (event.type === 'fragment') t.is(event.tag('Call'), 'a');
			if (event.type === 'fragment-end') await stream.ack(event.fragmentNumber as string);
			if (event.type === 'caught-up') break;
		}
		const fragment = ['fragment', 'frame', 'frame', 'fragment-end'];
		t.deepEqual(types, [...fragment, ...fragment, 'caught-up']);
		t.like(await stream.summary, { fragments: 4, delivered: 2, skipped: 2, isComplete: true });
		t.is(Object.keys(JSON.parse(await readFile(checkpointFile, 'utf8')).done).length, 4);
		// What was left out is done: without the filter it does not come either.
		t.deepEqual(await secondsOf(follow({ checkpoint: checkpoint() }), 0), []);
		t.deepEqual(await secondsOf(follow({ where: (event) => event.tag('Call') === 'b' }), 2), [2, 4]);
		t.throws(() => follow({ where: 'Call=a' as unknown as Record<string, string> }), {
			code: 'KVS_INVALID_OPTION',
		});
	});
}
