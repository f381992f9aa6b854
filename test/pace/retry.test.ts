import test from 'ava';
import type { Clock } from '#lib/pace/clock.js';
import { retry } from '#lib/pace/retry.js';

function recordingClock(): Clock & { readonly slept: number[] } {
	const slept: number[] = [];
	return {
		slept,
		now: () => 0,
		sleep: async (ms, { signal } = {}) => {
			signal?.throwIfAborted();
			slept.push(ms);
		},
	};
}

const failing = (times: number): (() => Promise<string>) => {
	let count = 0;
	return async () => {
		if (count++ < times) throw new Error(`failure ${count}`);
		return 'done';
	};
};

test('tries until it succeeds, with doubled and capped waits', async (t) => {
	const clock = recordingClock();
	const policy = { attempts: 6, baseDelayMs: 100, maxDelayMs: 500 };
	t.is(await retry(failing(4), { isRetryable: () => true, policy, clock, random: () => 1 }), 'done');
	t.deepEqual(clock.slept, [100, 200, 400, 500]);
});

test('the jitter is full: no wait at all is possible', async (t) => {
	const clock = recordingClock();
	await retry(failing(2), { isRetryable: () => true, clock, random: () => 0 });
	t.deepEqual(clock.slept, [0, 0]);
});

test('throws the last error when the attempts are spent', async (t) => {
	const policy = { attempts: 3, baseDelayMs: 1, maxDelayMs: 1 };
	const options = { isRetryable: () => true, policy, clock: recordingClock() };
	await t.throwsAsync(retry(failing(9), options), { message: 'failure 3' });
});

test('throws at once what a retry cannot help', async (t) => {
	const clock = recordingClock();
	await t.throwsAsync(retry(failing(9), { isRetryable: () => false, clock }), { message: 'failure 1' });
	t.deepEqual(clock.slept, []);
});

test('an abort ends the waiting with its reason', async (t) => {
	const controller = new AbortController();
	const reason = new Error('enough');
	const task = async (): Promise<never> => {
		controller.abort(reason);
		throw new Error('failed');
	};
	const promise = retry(task, {
		isRetryable: () => true,
		signal: controller.signal,
		clock: recordingClock(),
	});
	t.is(await t.throwsAsync(promise), reason);
});
