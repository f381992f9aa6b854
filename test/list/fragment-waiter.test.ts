import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Clock, RateLimiter } from 'kvs-archive';
import { fragmentDocument, fragmentNumber, recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

/** Waits of at least this long are for a response that does not come: here, every response comes. */
const PATIENCE_MS = 30_000;

/** A clock that is set by sleeping, and tells when. */
class SleepClock implements Clock {
	nowMs = startMs;
	readonly sleeps: number[] = [];
	onSleep = async (): Promise<void> => {};

	now(): number {
		return this.nowMs;
	}

	async sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
		signal?.throwIfAborted();
		if (ms >= PATIENCE_MS) {
			await new Promise((_, reject) => {
				signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
			});
		}
		this.sleeps.push(ms);
		this.nowMs += ms;
		await this.onSleep();
		signal?.throwIfAborted();
	}
}

async function start(t: ExecutionContext) {
	const archive = await startArchive(t, { door: recording(3) });
	const clock = new SleepClock();
	let permits = 0;
	const limiter: RateLimiter = {
		async acquire() {
			permits++;
			return { sent: () => {}, closed: () => {}, cancel: () => {} };
		},
	};
	const reader = openArchive(t, archive.endpoint, { clock, limiter });
	return { ...archive, clock, reader, permits: () => permits };
}

test('a stored fragment is returned at once, the first of the range', async (t) => {
	const { reader, clock } = await start(t);
	const fragment = await reader.waitForFragment({ from: new Date(startMs + 1), by: 'producer' });
	t.is(fragment.fragmentNumber, fragmentNumber(2));
	t.is((await reader.waitForFragment({ from: new Date(startMs + 1001) })).fragmentNumber, fragmentNumber(2));
	t.deepEqual(clock.sleeps, []);
});

test('what comes later is waited for, at the pace of the limiter', async (t) => {
	const { reader, clock, server, permits, count } = await start(t);
	const file = join(await temporaryDirectory(t), 'late.mkv');
	await writeFile(file, fragmentDocument({ number: fragmentNumber(9), producerMs: startMs + 60_000 }));
	clock.onSleep = async () => {
		if (clock.sleeps.length === 3) await server.archive.ingest('door', file);
	};
	const fragment = await reader.waitForFragment(
		{ from: new Date(startMs + 5000), by: 'producer' },
		{ pollIntervalMs: 700 },
	);
	t.is(fragment.fragmentNumber, fragmentNumber(9));
	t.deepEqual(clock.sleeps, [700, 700, 700]);
	t.is(permits(), count('ListFragments'));
});

test('the wait ends at its time limit without a fragment', async (t) => {
	const { reader, clock, count } = await start(t);
	await t.throwsAsync(
		reader.waitForFragment(
			{ from: new Date(startMs + 3_600_000) },
			{ timeoutMs: 5000, pollIntervalMs: 2000 },
		),
		{
			code: 'KVS_WAIT_TIMEOUT',
			message:
				"no fragment of stream `door` that begins at 2026-01-31T01:00:00.000Z or later, by the server's clock, was listed within 5000 ms",
		},
	);
	t.deepEqual(clock.sleeps, [2000, 2000, 1000]);
	t.is(count('ListFragments'), 4);
});

test('an abort, a missing stream and invalid options end the wait', async (t) => {
	const { reader, clock, endpoint } = await start(t);
	const controller = new AbortController();
	clock.onSleep = async () => controller.abort(new Error('enough'));
	const late = { from: new Date(startMs + 3_600_000) };
	await t.throwsAsync(reader.waitForFragment(late, { signal: controller.signal }), { message: 'enough' });
	await t.throwsAsync(reader.waitForFragment(late, { signal: controller.signal }), { message: 'enough' });
	t.is(clock.sleeps.length, 1);
	const other = openArchive(t, endpoint, { streamName: 'gate' });
	await t.throwsAsync(other.waitForFragment(late), { code: 'KVS_NOT_FOUND' });
	const rows: [object, object, RegExp][] = [
		[{ from: 'now' }, {}, /`from`/],
		[{ from: new Date(Number.NaN) }, {}, /`from`/],
		[{ ...late, by: 'moon' }, {}, /`by`/],
		[late, { timeoutMs: 0 }, /`timeoutMs`/],
		[late, { pollIntervalMs: -1 }, /`pollIntervalMs`/],
	];
	for (const [from, options, message] of rows) {
		await t.throwsAsync(reader.waitForFragment(from as never, options), {
			code: 'KVS_INVALID_OPTION',
			message,
		});
	}
});
