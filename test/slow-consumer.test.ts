import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Frame } from 'kvs-archive';
import { ManualClock } from './helpers/manual-clock.js';
import { temporaryDirectory } from './helpers/tools.js';
import { until } from './helpers/wait.js';
import { type Recorded, recordForFaults } from './soak/fault-run.js';
import {
	SLOW_BUDGET_BYTES,
	SLOW_FRAMES,
	SLOW_LIMIT_BYTES,
	type SlowReader,
	type SlowRun,
	slowRun,
	textOf,
} from './soak/slow-run.js';

/** What a fetcher is given where nothing is said. */
const DEFAULT_MAX_HOLD_MS = 120_000;

async function slow(recorded: Recorded, options: Partial<SlowReader>): Promise<SlowRun> {
	const clock = new ManualClock();
	let hasFilled = false;
	const pause = async (): Promise<void> => {
		// Time begins to pass when the budget is full and the first connection is held.
		await until(
			() => hasFilled || clock.isSleptOn(options.maxHoldMs ?? DEFAULT_MAX_HOLD_MS),
			() => `${clock.pending} waits, none for want of room`,
		);
		hasFilled = true;
		clock.advance(1000);
		// Connections go on meanwhile.
		for (let turn = 0; turn < 20; turn++) {
			await setImmediate();
			// Also what reads files, which takes long on a busy machine.
			await stat('.');
		}
	};
	const reader = {
		clock,
		pause,
		slowFrames: SLOW_FRAMES,
		maxBufferedBytes: SLOW_BUDGET_BYTES,
		batchFragments: 100,
	};
	return slowRun(recorded, { ...reader, ...options });
}

function assertWhole(t: ExecutionContext, { clean }: Recorded, run: SlowRun): void {
	const expected = [...clean.values()].flat().filter((event): event is Frame => event instanceof Frame);
	t.is(run.failures, 0);
	t.is(run.frames.length, expected.length);
	t.true(textOf(run.frames) === textOf(expected));
}

test('a reader that takes a second for a frame loses nothing, within its budget, also where held connections are closed', async (t) => {
	const recorded = await recordForFaults(await temporaryDirectory(t), 1000);
	const run = await slow(recorded, {});
	assertWhole(t, recorded, run);
	// Reading ahead did happen, and was held.
	t.true(run.mostWaitingBytes > SLOW_BUDGET_BYTES / 2, `${run.mostWaitingBytes} bytes waited`);
	t.true(run.mostWaitingBytes < SLOW_LIMIT_BYTES, `${run.mostWaitingBytes} bytes waited`);

	const impatient = await slow(recorded, { maxHoldMs: 10_000 });
	assertWhole(t, recorded, impatient);
	t.true(impatient.calls > run.calls, `${impatient.calls} calls, ${run.calls} with patience`);
});
