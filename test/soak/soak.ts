/*
 * npm run soak [-- --seeds N --first N --fragments N --frame-ms N]: random mixes of all faults, one for each seed, and a
 * reader that takes `frame-ms` for each of its first 60 frames.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Frame, systemClock } from 'kvs-archive';
import { faultedRun, faultIn, faultMix, type Recorded, recordForFaults } from './fault-run.js';
import { SLOW_BUDGET_BYTES, SLOW_FRAMES, SLOW_LIMIT_BYTES, slowRun, textOf } from './slow-run.js';

const { values } = parseArgs({
	options: {
		seeds: { type: 'string', default: '50' },
		first: { type: 'string', default: '1' },
		fragments: { type: 'string', default: '1000' },
		'frame-ms': { type: 'string', default: '1000' },
	},
});

function say(line: string): void {
	process.stdout.write(`${line}\n`);
}

/** Returns how many seeds went wrong. */
async function soakFaults(recorded: Recorded, first: number, seeds: number): Promise<number> {
	const made = new Map<string, number>();
	let lost = 0;
	let wrong = 0;
	for (let seed = first; seed < first + seeds; seed++) {
		const mix = faultMix(seed, recorded);
		let fault: string | null;
		try {
			const run = await faultedRun(recorded, mix.rules, seed);
			fault = faultIn(recorded, mix, run);
			lost += run.failures.length;
			for (const [name, times] of run.made) made.set(name, (made.get(name) ?? 0) + times);
		} catch (error) {
			fault = `the run ended: ${(error as Error).stack}`;
		}
		if (fault === null) continue;
		wrong++;
		say(`seed ${seed}: ${fault}`);
	}
	const faults = [...made].map(([name, times]) => `${times} ${name}`).join(', ');
	say(`${seeds} seeds, ${wrong} wrong; faults made: ${faults}`);
	say(`${lost} fragments could not be had, and were named`);
	return wrong;
}

/** Returns whether a slow reader lost something, or had too much wait for it. */
async function soakSlowReader(recorded: Recorded, frameMs: number): Promise<boolean> {
	const run = await slowRun(recorded, {
		clock: systemClock,
		pause: () => sleep(frameMs),
		slowFrames: SLOW_FRAMES,
		maxBufferedBytes: SLOW_BUDGET_BYTES,
		batchFragments: 100,
	});
	const expected = [...recorded.clean.values()].flat().filter((event) => event instanceof Frame);
	const isWhole = run.failures === 0 && textOf(run.frames) === textOf(expected);
	say(
		`a reader that takes ${frameMs} ms for each of ${SLOW_FRAMES} frames: ${isWhole ? 'everything came' : 'SOMETHING IS LOST'}, at most ${run.mostWaitingBytes} bytes waited (of ${SLOW_LIMIT_BYTES})`,
	);
	return !isWhole || run.mostWaitingBytes >= SLOW_LIMIT_BYTES;
}

const directory = await mkdtemp(join(tmpdir(), 'kvs-archive-soak-'));
try {
	const recorded = await recordForFaults(directory, Number(values.fragments));
	const wrong = await soakFaults(recorded, Number(values.first), Number(values.seeds));
	const isSlowWrong = await soakSlowReader(recorded, Number(values['frame-ms']));
	if (wrong > 0 || isSlowWrong) process.exitCode = 1;
} finally {
	await rm(directory, { recursive: true, force: true });
}
