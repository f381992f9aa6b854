import test from 'ava';
import { temporaryDirectory } from './helpers/tools.js';
import { faultedRun, faultIn, faultMix, recordForFaults } from './soak/fault-run.js';

/** `npm run soak` has time for more. */
const SEEDS = [1, 2, 3];

test('whatever goes wrong, an export is as it is without faults, or says what it lacks', async (t) => {
	const recorded = await recordForFaults(await temporaryDirectory(t), 500);
	t.is(recorded.clean.size, 500);
	const made = new Set<string>();
	for (const seed of SEEDS) {
		const mix = faultMix(seed, recorded);
		const run = await faultedRun(recorded, mix.rules, seed);
		t.is(faultIn(recorded, mix, run), null, `seed ${seed}`);
		for (const name of run.made.keys()) made.add(name);
	}
	// Refusals are rare, and which one comes is left to chance; what changes a response must have been met.
	for (const name of [
		'cut',
		'stall',
		'exception',
		'not-ready',
		'duplicate',
		'shuffle',
		'leave-out',
		'throttle',
	]) {
		t.true(made.has(name), `no ${name} was made`);
	}
});
