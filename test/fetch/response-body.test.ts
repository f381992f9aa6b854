import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import type { Clock } from 'kvs-archive';
import { ByteBudget } from '#lib/fetch/byte-budget.js';
import { ResponseBody } from '#lib/fetch/response-body.js';

/** A clock on which nothing is ever over. */
const clock: Clock = { now: () => 0, sleep: () => new Promise(() => {}) };

test('a connection that stands still for want of room is free as soon as it is given up', async (t) => {
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
		clock,
		stallMs: 1000,
		maxHoldMs: 1000,
	});
	const filled = body.fill();
	// What a body may always hold has come, and no room for more.
	while (sent < 5) await new Promise(setImmediate);
	await new Promise(setImmediate);
	body.holdBack();
	await filled;
	t.false(body.isConnected);
	t.true(source.destroyed);
	await t.throwsAsync(buffer(body), { code: 'KVS_HELD_BACK' });
});
