import test from 'ava';
import Bottleneck from 'bottleneck';
import type { Clock } from '#lib/pace/clock.js';
import { createRateLimiter, type Permit } from '#lib/pace/rate-limiter.js';
import { run } from '../helpers/tools.js';

/** A clock that stands still until the test moves it. */
function manualClock(): Clock & { advance(ms: number): Promise<void> } {
	let now = 0;
	let sleepers: { atMs: number; wake: () => void }[] = [];
	return {
		now: () => now,
		sleep: (ms) =>
			new Promise((wake) => {
				sleepers.push({ atMs: now + ms, wake });
			}),
		async advance(ms) {
			now += ms;
			const due = sleepers.filter(({ atMs }) => atMs <= now);
			sleepers = sleepers.filter(({ atMs }) => atMs > now);
			for (const { wake } of due) wake();
			await settle();
		},
	};
}

/** A limiter without a limit: a job of its own that is done has let every job before it in other limiters start. */
const probe = new Bottleneck();

async function settle(): Promise<void> {
	for (let i = 0; i < 3; i++) await probe.schedule(async () => {});
}

test('lets five calls start in any second, and the sixth when the first is a second old', async (t) => {
	const clock = manualClock();
	const limiter = createRateLimiter({}, { clock });
	const started: number[] = [];
	const calls = Array.from({ length: 12 }, async () => {
		const permit = await limiter.acquire({ calls: 1 });
		started.push(clock.now());
		permit.sent();
	});
	await settle();
	t.deepEqual(started, [0, 0, 0, 0, 0]);
	await clock.advance(1000);
	t.is(started.length, 5);
	await clock.advance(50);
	t.is(started.length, 10);
	await clock.advance(1050);
	await Promise.all(calls);
	t.deepEqual(started.slice(10), [2100, 2100]);
});

test('the second counts from when the request went out, not from when it was allowed', async (t) => {
	const clock = manualClock();
	const limiter = createRateLimiter({ callsPerSecond: 1 }, { clock });
	const permit = await limiter.acquire({ calls: 1 });
	let second: Permit | null = null;
	const waiting = limiter.acquire({ calls: 1 }).then((next) => {
		second = next;
	});
	await clock.advance(5000);
	t.is(second, null);
	permit.sent();
	await clock.advance(1049);
	t.is(second, null);
	await clock.advance(1);
	await waiting;
	t.not(second, null);
});

test('a permit that was not used is free at once', async (t) => {
	const limiter = createRateLimiter({ callsPerSecond: 1 }, { clock: manualClock() });
	(await limiter.acquire({ calls: 1 })).cancel();
	(await limiter.acquire({ calls: 1 })).cancel();
	t.pass();
});

test('an abort while waiting rejects with its reason and takes no permit', async (t) => {
	const limiter = createRateLimiter({ callsPerSecond: 1 }, { clock: manualClock() });
	const first = await limiter.acquire({ calls: 1 });
	const controller = new AbortController();
	const waiting = limiter.acquire({ calls: 1 }, controller.signal);
	const reason = new Error('enough');
	controller.abort(reason);
	t.is(await t.throwsAsync(waiting), reason);
	first.cancel();
	(await limiter.acquire({ calls: 1 })).cancel();
});

test('refuses an invalid quota', (t) => {
	t.throws(() => createRateLimiter({ callsPerSecond: 0 }), {
		code: 'KVS_INVALID_OPTION',
		message: 'expected `quotas.callsPerSecond` to be a whole number of at least 1, got `0`',
	});
	for (const name of ['callsPerDay', 'toString']) {
		t.throws(() => createRateLimiter({ [name]: 1 }), {
			code: 'KVS_INVALID_OPTION',
			message: new RegExp(
				`^expected \`quotas\\.${name}\` to be one of the options \`quotas\\.callsPerSecond\`, .*\`$`,
			),
		});
	}
	t.notThrows(() => createRateLimiter({ callsPerSecond: undefined } as object));
});

test('a process that waits for a permit stays alive, one that only holds them ends', async (t) => {
	const limiter = new URL('../../../dist/pace/rate-limiter.js', import.meta.url);
	const program = `
		import { createRateLimiter } from ${JSON.stringify(limiter)};
		const limiter = createRateLimiter({ callsPerSecond: 1 });
		for (const n of [1, 2]) {
			(await limiter.acquire({ calls: 1 })).sent();
			console.log(n);
		}`;
	t.deepEqual(await run(process.execPath, ['--input-type=module', '-e', program]), {
		code: 0,
		stdout: '1\n2\n',
		stderr: '',
	});
});

test('GetMedia has quotas of its own: five calls a second, three responses', async (t) => {
	const clock = manualClock();
	const limiter = createRateLimiter({}, { clock });
	for (let call = 0; call < 5; call++) (await limiter.acquire({ calls: 1, connections: 1 })).sent();
	const permits: Permit[] = [];
	const acquire = (): Promise<void> =>
		limiter.acquire({ liveCalls: 1, liveConnections: 1 }).then((permit) => {
			permit.sent();
			permits.push(permit);
		});
	const acquired = Array.from({ length: 4 }, acquire);
	await settle();
	t.is(permits.length, 3);
	permits[0]?.closed();
	await settle();
	t.is(permits.length, 4);
	for (const permit of permits) permit.closed();
	acquired.push(acquire(), acquire());
	await settle();
	t.is(permits.length, 5, 'the sixth call in a second');
	await clock.advance(1050);
	await Promise.all(acquired);
	t.is(permits.length, 6);
});
