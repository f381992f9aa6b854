/* npm run soak [-- --seeds N] [-- --first N]: see README.md in test/bench. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { faultedRun, faultIn, faultMix, recordForFaults } from './fault-run.js';

const { values } = parseArgs({
	options: {
		seeds: { type: 'string', default: '50' },
		first: { type: 'string', default: '1' },
		fragments: { type: 'string', default: '1000' },
	},
});
const directory = await mkdtemp(join(tmpdir(), 'kvs-archive-soak-'));
let wrong = 0;
try {
	const made = new Map<string, number>();
	let lost = 0;
	const recorded = await recordForFaults(directory, Number(values.fragments));
	for (let seed = Number(values.first); seed < Number(values.first) + Number(values.seeds); seed++) {
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
		process.stdout.write(`seed ${seed}: ${fault}\n`);
	}
	const faults = [...made].map(([name, times]) => `${name} ${times}`).join(', ');
	process.stdout.write(`${values.seeds} seeds, ${wrong} wrong; faults made: ${faults}\n`);
	process.stdout.write(`${lost} fragments could not be had, and were named\n`);
} finally {
	await rm(directory, { recursive: true, force: true });
}
if (wrong > 0) process.exitCode = 1;
