import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { destroyOnAbort, onAbort, unlessAborted } from '#lib/stream/abort.js';

const listenerCount = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('everything that waits for one signal has one listener, and is called in order', (t) => {
	const abort = new AbortController();
	const called: number[] = [];
	for (let index = 0; index < 30; index++) onAbort(abort.signal, () => called.push(index));
	t.is(listenerCount(abort.signal), 1);
	abort.abort();
	t.deepEqual(
		called,
		Array.from({ length: 30 }, (_, index) => index),
	);
	t.is(listenerCount(abort.signal), 0);
});

test('a cancelled callback is not called, and cancelling the last removes the listener', (t) => {
	const abort = new AbortController();
	const called: string[] = [];
	const callOff = ['a', 'b', 'a'].map((name) => onAbort(abort.signal, () => called.push(name)));
	callOff[0]?.();
	callOff[0]?.();
	abort.abort();
	t.deepEqual(called, ['b', 'a']);
	const again = new AbortController();
	for (const release of [1, 2].map(() => onAbort(again.signal, () => t.fail()))) release();
	t.is(listenerCount(again.signal), 0);
	again.abort();
});

test('a callback that another one cancels during the abort is not called', (t) => {
	const abort = new AbortController();
	const called: string[] = [];
	onAbort(abort.signal, () => {
		called.push('first');
		callOff();
	});
	const callOff = onAbort(abort.signal, () => called.push('second'));
	abort.abort();
	t.deepEqual(called, ['first']);
});

test('streams end with the reason, and leave no listener however they end', async (t) => {
	const abort = new AbortController();
	const streams = [1, 2].map(() => new PassThrough());
	const [first, second] = streams as [PassThrough, PassThrough];
	for (const stream of streams) destroyOnAbort(stream, abort.signal);
	first.destroy();
	await new Promise((resolve) => first.once('close', resolve));
	t.is(listenerCount(abort.signal), 1);
	const failed = new Promise((resolve) => second.once('error', resolve));
	const reason = new Error('enough');
	abort.abort(reason);
	t.is(await failed, reason);
	t.is(listenerCount(abort.signal), 0);
	const late = new PassThrough();
	const lateFailed = new Promise((resolve) => late.once('error', resolve));
	destroyOnAbort(late, abort.signal);
	t.is(await lateFailed, reason);
});

test('a promise is abandoned at the abort, and leaves no listener when it is settled', async (t) => {
	const abort = new AbortController();
	t.is(await unlessAborted(Promise.resolve(1), abort.signal), 1);
	t.is(listenerCount(abort.signal), 0);
	const given = unlessAborted(new Promise(() => {}), abort.signal);
	const reason = new Error('enough');
	abort.abort(reason);
	await t.throwsAsync(given, { is: reason });
});
