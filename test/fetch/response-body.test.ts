import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import type { Clock } from 'kvs-archive';
import { ByteBudget } from '#lib/fetch/byte-budget.js';
import { ResponseBody } from '#lib/fetch/response-body.js';
import { ManualClock } from '../helpers/manual-clock.js';
import { until } from '../helpers/wait.js';

/** A clock on which nothing is ever over. */
const clock: Clock = { now: () => 0, sleep: () => new Promise(() => {}) };

test('a connection stalled by a full buffer is free as soon as it is closed', async (t) => {
	let sent = 0;
	const source = new Readable({
		read() {
			sent++;
			this.push(Buffer.alloc(64 * 1024));
		},
	});
	const body = new ResponseBody({
		open: async () => source,
		onConnected: () => {},
		budget: new ByteBudget(1),
		maxSizeBytes: Number.POSITIVE_INFINITY,
		clock,
		stallMs: 1000,
		maxHoldMs: 1000,
	});
	const filled = body.fill();
	// What a body may always hold has come, and no room for more.
	await until(
		() => sent >= 5,
		() => `${sent} chunks`,
	);
	await new Promise(setImmediate);
	body.holdBack();
	await filled;
	t.false(body.isConnected);
	t.true(source.destroyed);
	await t.throwsAsync(buffer(body), { code: 'KVS_HELD_BACK' });
});

/** A body over what a test writes, with a budget that is never spent. */
function bodyOf(source: Readable, clock: Clock, maxSizeBytes = Number.POSITIVE_INFINITY): ResponseBody {
	return new ResponseBody({
		open: async () => source,
		onConnected: () => {},
		budget: new ByteBudget(Number.POSITIVE_INFINITY),
		clock,
		maxSizeBytes,
		stallMs: 30_000,
		maxHoldMs: 120_000,
	});
}

for (const [rate, isStalled] of [
	[255, true],
	[300, false],
] as const) {
	test(`a connection that brings ${rate} bytes a second is ${isStalled ? 'given up' : 'read on'}`, async (t) => {
		const clock = new ManualClock();
		const source = new Readable({ read() {} });
		const body = bodyOf(source, clock);
		const filled = body.fill();
		let received = 0;
		body.on('data', (chunk: Buffer) => {
			received += chunk.byteLength;
		});
		const failed = new Promise<Error>((resolve) => body.once('error', resolve));
		await until(
			() => clock.pending === 1,
			() => `${clock.pending} waits`,
		);
		for (let second = 1; second <= 120 && !source.destroyed; second++) {
			source.push(Buffer.alloc(rate));
			await until(
				() => received === second * rate || source.destroyed,
				() => `${received} bytes after ${second} s`,
			);
			clock.advance(1000);
			await new Promise(setImmediate);
		}
		t.is(source.destroyed, isStalled);
		if (isStalled)
			t.like(await failed, { code: 'KVS_STALLED', message: 'only 7650 bytes received in 30000 ms' });
		else source.push(null);
		await filled;
	});
}

test('a response larger than its listed fragments fails at the limit', async (t) => {
	const source = Readable.from([Buffer.alloc(60), Buffer.alloc(40), Buffer.alloc(1)]);
	const body = bodyOf(source, clock, 100);
	let received = 0;
	const failed = new Promise<Error>((resolve) => body.once('error', resolve));
	body.on('data', (chunk: Buffer) => {
		received += chunk.byteLength;
	});
	await body.fill();
	t.like(await failed, { code: 'KVS_MKV_MALFORMED' });
	t.is(received, 100);
	t.true(source.destroyed);
});

test('bytes that arrived while the process was busy do not time out', async (t) => {
	const clock = new ManualClock();
	const source = new Readable({ read() {} });
	const body = bodyOf(source, clock);
	const filled = body.fill();
	let received = 0;
	body.on('data', (chunk: Buffer) => {
		received += chunk.byteLength;
	});
	await until(
		() => clock.pending === 1,
		() => `${clock.pending} waits`,
	);
	// The timer fires first, the socket is read right after it.
	clock.advance(30_000);
	source.push(Buffer.alloc(10_000));
	await until(
		() => source.destroyed || clock.pending === 1,
		() => `${clock.pending} waits, ${received} bytes`,
	);
	t.false(source.destroyed);
	source.push(null);
	await filled;
	t.is(received, 10_000);
});
